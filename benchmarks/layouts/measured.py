"""Tables of what things cost: time, memory, sizes."""

from layouts import Row


def loader(rows: list[Row]) -> list[list[str]]:
    """Loader and step, of the newest measurement."""
    table = [
        [
            "pictures from",
            "step alone",
            "loader alone",
            "both",
            "loader / step",
            "both / step (quartiles)",
        ]
    ]
    for row in rows[-2:]:
        where = "memory" if row["cached"] == "True" else "files"
        rates = [f"{float(row[f'{part}_images_per_second']):.0f} images/s"
                 for part in ("step", "loader", "both")]  # fmt: skip
        low, high = (float(row[f"both_to_step_{end}"]) for end in ("low", "high"))
        both = f"{float(row['both_to_step']):.2f} ({low:.2f} to {high:.2f})"
        table.append([where, *rates, f"{float(row['loader_to_step']):.1f}", both])
    return table


def speed(metrics: list[Row], startup: list[Row]) -> list[list[str]]:
    """What else is measured, of the newest measurement."""
    table = [["what", "seconds", "slowest", "command"]]
    if metrics:
        row = metrics[-1]
        what = f"all metrics of {int(row['pictures']):,} pictures x {row['classes']} tags"
        table.append([what, f"{float(row['seconds']):.2f}", f"{float(row['slowest']):.2f}",
                      f"`{row['command']}`"])  # fmt: skip
    if startup:
        row = startup[-1]
        table.append(["`zokusei --help`", f"{float(row['seconds']):.2f}",
                      f"{float(row['slowest']):.2f}", f"`{row['command']}`"])  # fmt: skip
    return table


def drawn(rows: list[Row]) -> list[list[str]]:
    """The drawn corpus, of the newest measurement."""
    table = [["what", "figure"]]
    for row in rows[-1:]:
        table += [
            [f"pictures/s at {row['size']} px, {row['workers']} processes",
             f"{float(row['images_per_second']):.0f}"],
            ["labels a picture", f"{float(row['labels_per_picture']):.2f}"],
            [f"correlation with real posts over {int(row['pairs']):,} pairs of classes",
             f"{float(row['correlation']):.3f}"],
        ]  # fmt: skip
    return table


def danbooru(rows: list[Row]) -> list[list[str]]:
    """Speed and memory by number of posts, the newest measurement of each."""
    newest = {int(row["posts"]): row for row in rows}
    head = ["posts", "metadata", "posts a minute", "most memory"]
    return [head] + [
        [f"{posts:,}", f"{float(row['metadata_mb']):,.0f} MB",
         f"{float(row['posts_per_minute']):,.0f}", f"{float(row['peak_mb']):,.0f} MB"]
        for posts, row in sorted(newest.items())
    ]  # fmt: skip


def cartoonize(rows: list[Row]) -> list[list[str]]:
    """Pictures a second of each way to draw, of the newest measurement."""
    table = [["method", "size", "threads", "pictures/s", "slowest"]]
    for row in rows[-2:]:
        rates = [f"{float(row[name]):.1f}" for name in ("images_per_second", "slowest")]
        table.append([f"`{row['model']}`", f"{row['size']} px", row["threads"], *rates])
    return table


def captioner_speed(rows: list[Row]) -> list[list[str]]:
    """How long a loaded captioner takes, the newest measurement of each search."""
    table = [["beam", "pictures", "seconds", "slowest"]]
    for row in {row["beam"]: row for row in rows}.values():
        seconds = [f"{float(row[name]):.1f}" for name in ("seconds", "slowest")]
        table.append([row["beam"], row["pictures"], *seconds])
    return table


def memory(rows: list[Row]) -> list[list[str]]:
    """A network with freed memory kept and given back, of the newest measurement."""
    table = [["freed memory", "images/s", "share of the time in the system"]]
    for row in rows[-1:]:
        for way in ("kept", "given_back"):
            rate = float(row[f"{way}_images_per_second"])
            share = float(row[f"{way}_system"]) / int(row["threads"])
            table.append([way.replace("_", " "), f"{rate:.0f}", f"{share:.0%}"])
    return table


def heads(rows: list[Row]) -> list[list[str]]:
    """What each model costs beside the plain one, the newest of each network and model."""
    scales = ("heads desk", "heads paper")
    newest = {(row["experiment"], row["model"]): row for row in rows if row["experiment"] in scales}
    table = [["network", "model", "parameters", "of the head", "GFLOPs", "images/s",
              "tagging / `gap`", "training / `gap`"]]  # fmt: skip
    forms = {
        "parameters_million": "{:.1f} M", "head_parameters_million": "{:.1f} M", "gflops": "{:.2f}",
        "images_per_second": "{:.1f}", "to_gap": "{:.2f}", "train_to_gap": "{:.2f}",
    }  # fmt: skip
    for experiment in scales:
        own = {model: row for (kind, model), row in newest.items() if kind == experiment}
        for model in sorted(own, key=lambda name: -float(own[name]["to_gap"])):
            row = own[model]
            cells = [form.format(float(row[name])) for name, form in forms.items()]
            table.append([f"{row['backbone']}, {row['size']} px", f"`{model}`", *cells])
    return table


def heads_growth(rows: list[Row]) -> list[list[str]]:
    """Seconds and memory of each head alone by number of classes, the newest of each."""
    grown = [row for row in rows if row["experiment"] == "heads growth"]
    newest = {(row["model"], int(row["classes"])): row for row in grown}
    counts = sorted({classes for _, classes in newest})
    table = [["model", *(f"{classes:,} classes" for classes in counts)]]
    for model in sorted({model for model, _ in newest}):
        cells = []
        for classes in counts:
            row = newest.get((model, classes))
            if row is None:
                cells.append("")
            elif not row["seconds"]:
                cells.append("failed")
            else:
                milliseconds = 1000 * float(row["seconds"])
                cells.append(f"{milliseconds:,.1f} ms, {float(row['megabytes']):,.0f} MB")
        table.append([f"`{model}`", *cells])
    return table


def caption_cost(rows: list[Row]) -> list[list[str]]:
    """What captions cost in training and in tagging, the newest of each situation."""
    newest = {(row["experiment"], row["model"]): row for row in rows}
    table = [["what", "model", "size", "images/s", "/ `add_gcn`", "lowest to highest", "rounds"]]
    for (experiment, model), row in newest.items():
        name, _, encoder = model.partition(" ")
        titled = f"`{name}`" + (f", encoder {encoder}" if encoder else "")
        ratio, low, high = (float(row[key]) for key in ("to_add_gcn", "lowest", "highest"))
        table.append([experiment.removeprefix("caption cost, "), titled, f"{row['size']} px",
                      f"{float(row['images_per_second']):.1f}", f"{ratio:.2f}",
                      f"{low:.2f} to {high:.2f}", row["rounds"]])  # fmt: skip
    return table


def folding(rows: list[Row]) -> list[list[str]]:
    """A pass with batch norms and without, the newest measurement."""
    table = [["with batch norms", "folded", "times as fast"]]
    for row in rows[-1:]:
        plain, folded = (f"{float(row[name]):.1f} ms" for name in ("plain_ms", "folded_ms"))
        table.append([plain, folded, f"{float(row['ratio']):.2f}"])
    return table


def depthwise(rows: list[Row]) -> list[list[str]]:
    """A step with wide kernels in one piece and in strips, the newest measurement of each size."""
    table = [["pictures", "in one piece", "in strips", "times as fast"]]
    for size, row in {row["size"]: row for row in rows}.items():
        plain, strips = (f"{float(row[name]):.0f} ms" for name in ("plain_ms", "strips_ms"))
        table.append([f"{size} px", plain, strips, f"{float(row['ratio']):.2f}"])
    return table


def tagging(rows: list[Row]) -> list[list[str]]:
    """What tagging a collection costs, the newest of each measurement on each processor."""
    # How many pictures there were is what memory is asked about, and else how long was measured.
    newest = {
        (
            row["experiment"], row["model"], row["size"], row["backend"],
            row["pictures"] if row["experiment"] == "memory" else "",
            name_processor(row),
        ): row
        for row in rows
    }  # fmt: skip
    table = [["what", "model", "backend", "pictures", "alone, images/s", "end to end, images/s",
              "end to end / alone", "times torch", "mAP", "most memory", "seconds",
              "processor"]]  # fmt: skip
    forms = {
        "alone": "{:.1f}", "whole": "{:.1f}", "share": "{:.0f} %", "times_torch": "{:.2f}",
        "map_change": "{:+.2f}", "megabytes": "{:,.0f} MB", "seconds": "{:.2f}",
    }  # fmt: skip
    for (experiment, model, size, backend, _, processor), row in newest.items():
        pictures = row["pictures"]
        cells = [form.format(float(row[name])) if row[name] else "" for name, form in forms.items()]
        count = f"{int(pictures):,}" if pictures else ""
        about = f"`{model}`, {size} px" if model else ""
        table.append([experiment, about, backend, count, *cells, processor])
    return table


def name_processor(row: Row) -> str:
    """Give the first word of the hardware, without its trademark."""
    return row["hardware"].replace("(R)", "").split()[0]
