"""Make the tables in benchmarks/tables from the rows in results, and put them into pages.

`python benchmarks/tables.py` writes; with `--check` it exits with 1 when anything would change. A
page holds a table between `<!-- table: NAME -->` and `<!-- end -->`.
"""

import re
import statistics
import sys
from pathlib import Path

from zokusei.files import write_text
from zokusei.report.sections import to_markdown
from zokusei.reproduce import paper, write_up
from zokusei.reproduce.costs import find_costs
from zokusei.reproduce.scale import load_scale
from zokusei.reproduce.tables import describe, show_interval
from zokusei.results import RATES, read_results

HERE = Path(__file__).parent
ROOT = HERE.parent
PAGES = [ROOT / "README.md", HERE / "README.md", ROOT / "docs/explanation/drawn-corpus.md"]
PAGES += [ROOT / f"docs/guides/{name}.md" for name in ("caption", "cartoonize", "explain")]
PAGES += [ROOT / "docs/reproduction.md"]

# Searches of one and the same kind, one for the models that read no captions and one for that which
# does; what was asked with other settings is no part of either.
PRESETS = ("presets: compare-drawn", "presets: compare-captions")

Row = dict[str, str]


def anime_faces(rows: list[Row]) -> list[list[str]]:
    """Models by mean mAP on the test split, with the seeds' interval."""
    rows = [row for row in rows if row["split"] == "test"]
    table = [["model", "seeds", *RATES.values(), "minutes", "images/s"]]
    for model in sorted({row["model"] for row in rows}, key=lambda m: -mean_of(rows, m, "map")):
        own = [row for row in rows if row["model"] == model]
        cells = [describe([float(row[name]) for row in own]) for name in RATES]
        minutes = describe([float(row["seconds"]) / 60 for row in own])
        speed = describe([float(row["images_per_second"]) for row in own])
        table.append([f"`{model}`", str(len(own)), *cells, minutes, speed])
    return table


def mirror(rows: list[Row]) -> list[list[str]]:
    """What a look at the mirror image gives, on the validation split, run by run."""
    table = [["model", "seeds", "validation mAP", "in a mirror, too", "difference"]]
    for model in dict.fromkeys(row["model"] for row in rows):
        own = [row for row in rows if row["model"] == model]
        once, both = (
            {(row["seed"], row["config"]): float(row["map"]) for row in own if row["split"] == name}
            for name in ("val-once", "val")
        )
        seeds = sorted(once.keys() & both.keys())
        if seeds:
            gains = [both[seed] - once[seed] for seed in seeds]
            shown = [describe([look[seed] for seed in seeds]) for look in (once, both)]
            table.append([f"`{model}`", str(len(seeds)), *shown, describe(gains, "+")])
    return table


def choices(rows: list[Row]) -> list[list[str]]:
    """What each change does to the validation mAP of a small and short run."""
    base = next((float(r["map"]) for r in rows if r["experiment"] == "choices: nothing"), 0.0)
    table = [["changed", "validation mAP", "difference"]]
    for row in sorted(rows, key=lambda row: -float(row["map"])):
        name, value = row["experiment"].removeprefix("choices: "), float(row["map"])
        table.append([name, f"{value:.1f}", f"{value - base:+.1f}" if base else ""])
    return table


def presets(rows: list[Row]) -> list[list[str]]:
    """Validation mAP of each model with each learning rate of its head; the newest row of each."""
    rows = [row for row in rows if row["experiment"] in PRESETS]
    rates = sorted({_rate_of(row) for row in rows}, key=float)
    table = [["model", *rates]]
    for model in dict.fromkeys(row["model"] for row in rows):
        own = {_rate_of(row): float(row["map"]) for row in rows if row["model"] == model}
        best = max(own.values())
        cells = [f"{own[rate]:.1f}" if rate in own else "" for rate in rates]
        cells = [
            f"**{cell}**" if own.get(rate) == best else cell
            for cell, rate in zip(cells, rates, strict=True)
        ]
        table.append([f"`{model}`", *cells])
    return table


def _rate_of(row: Row) -> str:
    found = re.search(r"optimizer\.lr=(\S+)", row["config"])
    assert found is not None, "presets.py writes it"
    return found[1]


def base_tagger(rows: list[Row], experiment: str) -> list[list[str]]:
    """Trainings of the packaged tagger, judged on illustrations of sources that it never saw."""
    is_final = experiment == "base-tagger"
    first = [] if is_final else ["model", "settings"]
    table = [[*first, "tags", "mAP", "chance", "hair colour", "eye colour", "minutes"]]
    for row in rows:
        if row["experiment"] != experiment:
            continue
        shares = [
            f"{float(row[f'{name}_top1']):.0f} % of {row[f'{name}_pictures']}"
            for name in ("hair", "eyes")
        ]
        rates = [f"{float(row[name]):.1f}" for name in ("map", "chance_map")]
        settings = row["config"].removeprefix(experiment).strip()
        about = [] if is_final else [f"`{row['model']}`", f"`{settings}`"]
        table.append([*about, row["tags"], *rates, *shares, f"{float(row['seconds']) / 60:.0f}"])
    return table


def second_look(rows: list[Row]) -> list[list[str]]:
    """The same weights with both looks, and with the first alone."""
    table = [["looks", "mAP", "hair colour", "eye colour", "images/s"]]
    for row in rows:
        shares = [
            f"{float(row[f'{name}_top1']):.0f} % of {row[f'{name}_pictures']}"
            for name in ("hair", "eyes")
        ]
        speed = f"{float(row['images_per_second']):.0f}"
        table.append([row["looks"], f"{float(row['map']):.1f}", *shares, speed])
    return table


def thresholds(rows: list[Row]) -> list[list[str]]:
    """Thresholds found on one half of the pictures and judged on the other."""
    table = [["illustrations", "positives for a threshold of its own", "precision", "recall", "F1"]]
    table[0].append("tags a picture")
    for row in rows:
        rates = [f"{float(row[name]):.1f}" for name in ("precision", "recall", "f1")]
        low, high = float(row["f1_low"]), float(row["f1_high"])
        rates[-1] += f" ({low:.1f} to {high:.1f})"
        held_out = "held out" if row["experiment"] == "base-tagger" else "development"
        first = [f"{row['pictures']} {held_out}", row["least_positives"]]
        table.append([*first, *rates, f"{float(row['tags_a_picture']):.0f}"])
    return table


def white_box(rows: list[Row]) -> list[list[str]]:
    """Each loss after two epochs of the adversarial stage, with all losses and without one."""
    parts = ("surface", "texture", "structure", "content", "variation")
    table = [["trained", *parts]]
    for row in rows:
        if (row["experiment"], row["epoch"]) != ("white-box", "2"):
            continue
        cells = [f"{float(row[part]):.3g}" for part in parts]
        cells = [
            f"**{c}**" if p == row["without"] else c for p, c in zip(parts, cells, strict=True)
        ]
        table.append([f"without `{row['without']}`" if row["without"] else "with all", *cells])
    return table


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


def captioner(rows: list[Row]) -> list[list[str]]:
    """Captioners on the test pictures of each kind, the newest row of each pair."""
    newest = {(row["corpus"], row["experiment"]): row for row in rows if row["split"] == "test"}
    names = {f"bleu{order}": f"BLEU-{order}" for order in range(1, 5)} | {"cider": "CIDEr"}
    table = [["pictures", "captioner", *names.values(), "gain in BLEU-1", "gain in BLEU-4"]]
    for (corpus, experiment), row in newest.items():
        cells = [with_interval(row, name) for name in names]
        gains = [with_interval(row, f"{name}_gain", "+") if row["baseline"] else "" for name in
                 ("bleu1", "bleu4")]  # fmt: skip
        table.append([f"{int(row['pictures']):,} {corpus}", f"`{experiment}`", *cells, *gains])
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


def with_interval(row: Row, name: str, sign: str = "") -> str:
    """Write a figure with the interval that its row has."""
    return show_interval(*(float(row[f"{name}{end}"]) for end in ("", "_low", "_high")), sign=sign)


def pointing(rows: list[Row]) -> list[list[str]]:
    """Shares of maps that peak in the box, the newest of each model, method and kind of style."""
    newest = {(row["model"], row["styles"], row["method"]): row for row in rows}
    table = [["model", "styles", "method", "peaks in the box", "95 % interval", "chance",
              "another tag's map", "tags"]]  # fmt: skip
    for (model, styles, method), row in newest.items():
        hits, low, high, chance = (float(row[name]) for name in ("hits", "low", "high", "chance"))
        other = f"{float(row['other_tag']):.1f} %" if row.get("other_tag") else ""
        table.append([f"`{model}`", styles, method, f"{hits:.1f} %", f"{low:.1f} to {high:.1f}",
                      f"{chance:.1f} %", other, f"{int(row['tags']):,}"])  # fmt: skip
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


def caption_weight(rows: list[Row]) -> list[list[str]]:
    """What a caption has to say in each trained model; the newest row of each."""
    table = [
        ["model", "attention", "numbers of a node", "of the caption", "its share of the graph",
         "edges decided", "mAP", "with others' captions"]
    ]  # fmt: skip
    for row in {row["command"]: row for row in rows}.values():
        scales = [f"{float(row[name]):.2f}" for name in ("node_rms", "caption_rms")]
        shares = [f"{float(row[name]):.1f} %" for name in ("caption_share", "decided")]
        maps = [f"{float(row[name]):.2f}" for name in ("map", "map_of_others")]
        table.append([f"`{row['run']}`", row["attention"], *scales, *shares, *maps])
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
    """What tagging a collection costs, the newest of each measurement."""
    newest = {
        (row["experiment"], row["model"], row["size"], row["backend"], row["pictures"]): row
        for row in rows
    }
    table = [["what", "model", "backend", "pictures", "alone, images/s", "end to end, images/s",
              "end to end / alone", "times torch", "mAP", "most memory", "seconds"]]  # fmt: skip
    forms = {
        "alone": "{:.1f}", "whole": "{:.1f}", "share": "{:.0f} %", "times_torch": "{:.2f}",
        "map_change": "{:+.2f}", "megabytes": "{:,.0f} MB", "seconds": "{:.2f}",
    }  # fmt: skip
    for (experiment, model, size, backend, pictures), row in newest.items():
        cells = [form.format(float(row[name])) if row[name] else "" for name, form in forms.items()]
        count = f"{int(pictures):,}" if pictures else ""
        about = f"`{model}`, {size} px" if model else ""
        table.append([experiment, about, backend, count, *cells])
    return table


def reproduction() -> dict[str, str]:
    """The paper's tables as they are printed, and ours with what they say, by name."""
    rows, intervals = read("reproduce-desk"), read("reproduce-desk-intervals")
    scale = load_scale("desk")
    models, corpus, subjects = list(scale.models), scale.captions.corpus, scale.subjects
    found = {"paper-table1": (paper.tabulate_paper(), []), "paper-f1": (paper.tabulate_f1(), [])}
    for name in scale.corpora:
        given = (rows, intervals, name, models, subjects)
        costs = find_costs(read("heads"), scale.create_configs(name))
        said = [*write_up.conclude_table1(*given), *([costs.note] if costs.note else [])]
        found[f"reproduce-{name}"] = write_up.tabulate_table1(*given, costs), said
    found["reproduce-captioners"] = write_up.tabulate_captioners(intervals), []
    names = [*models, *scale.captions.rows]
    unseen = write_up.tabulate_unseen(rows, "drawn", names)
    found["reproduce-unseen"] = unseen, [write_up.UNSEEN_EXPLAINED]
    found["reproduce-table2"] = (
        write_up.tabulate_table2(intervals, corpus, names, subjects),
        write_up.conclude_table2(intervals, corpus, subjects),
    )
    return {
        name: "\n".join([to_markdown(table), *(f"{line}\n" for line in said)])
        for name, (table, said) in found.items()
        if len(table) > 1
    }


def make_tables() -> dict[str, str]:
    """Give every table whose rows are there, as Markdown, by name."""
    tables = {
        "anime-faces": anime_faces(read("anime-faces")),
        "anime-faces-mirror": mirror(read("anime-faces")),
        "anime-faces-choices": choices(read("anime-faces-choices")),
        "presets": presets(read("presets")),
        "white-box": white_box(read("white-box")),
        "base-tagger": base_tagger(read("base-tagger"), "base-tagger"),
        "base-tagger-development": base_tagger(read("base-tagger"), "base-tagger-development"),
        "second-look": second_look(read("second-look")),
        "thresholds": thresholds(read("thresholds")),
        "drawn": drawn(read("drawn")),
        "loader": loader(read("loader")),
        "danbooru": danbooru(read("danbooru")),
        "pointing": pointing(read("pointing")),
        "cartoonize": cartoonize(read("cartoonize")),
        "captioner": captioner(read("captioner")),
        "captioner-speed": captioner_speed(read("captioner-speed")),
        "folding": folding(read("folding")),
        "depthwise": depthwise(read("depthwise")),
        "memory": memory(read("memory")),
        "heads": heads(read("heads")),
        "heads-growth": heads_growth(read("heads")),
        "caption-weight": caption_weight(read("caption-weight")),
        "caption-cost": caption_cost(read("caption-cost")),
        "tagging": tagging(read("tagging")),
        "speed": speed(read("metrics"), read("startup")),
    }
    shown = {name: to_markdown(table) for name, table in tables.items() if len(table) > 1}
    return shown | reproduction()


def read(name: str) -> list[Row]:
    """Read rows; none where nothing was measured yet."""
    path = HERE / "results" / f"{name}.csv"
    return read_results(path) if path.exists() else []


def mean_of(rows: list[Row], model: str, name: str) -> float:
    """Mean over the seeds of a model."""
    return statistics.fmean(float(row[name]) for row in rows if row["model"] == model)


def embed(page: str, tables: dict[str, str]) -> str:
    """Put each table between its marks."""

    def fill(match: re.Match[str]) -> str:
        table = tables.get(match[1], "Not measured yet.\n")
        return f"<!-- table: {match[1]} -->\n\n{table}\n<!-- end -->"

    return re.sub(r"<!-- table: (\S+) -->.*?<!-- end -->", fill, page, flags=re.DOTALL)


def main() -> None:
    """Write tables and pages, or compare them."""
    tables = make_tables()
    files = {HERE / "tables" / f"{name}.md": text for name, text in tables.items()}
    files |= {page: embed(page.read_text(encoding="utf-8"), tables) for page in PAGES}
    stale = []
    for path, text in files.items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.name)
        if "--check" not in sys.argv[1:]:
            write_text(path, text)
    if stale and "--check" in sys.argv[1:]:
        sys.exit(f"out of date: {', '.join(stale)}; run python benchmarks/tables.py")


if __name__ == "__main__":
    main()
