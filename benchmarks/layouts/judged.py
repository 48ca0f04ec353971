"""Tables of how good models are."""

import re
import statistics

from layouts import Row
from zokusei.reproduce.tables import describe, show_interval
from zokusei.results import RATES

# Searches of one and the same kind, one for the models that read no captions and one for that which
# does; what was asked with other settings is no part of either.
PRESETS = ("presets: compare-drawn", "presets: compare-captions")


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


def frozen_features(rows: list[Row]) -> list[list[str]]:
    """What features of ImageNet know of illustrations; the newest row of each."""
    table = [["features", "numbers", "mAP", "chance", "mAP of the three small sources"]]
    for features, row in {row["features"]: row for row in rows}.items():
        maps = [f"{float(row[name]):.1f}" for name in ("map", "chance_map", "development")]
        shown = " and ".join(
            f"`{name}` at {size} px"
            for name, size in (one.split(":") for one in features.split("+"))
        )
        table.append([shown, f"{int(row['numbers']):,}", *maps])
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


def decisions(rows: list[Row]) -> list[list[str]]:
    """Rates of each model with s_c > 0.5 read as a probability, and as a logit."""
    rates = "op or of1 cp cr cf1".split()
    table = [["model", "trainings", *(name.upper() for name in rates)]]
    by_model: dict[str, list[Row]] = {}
    for row in rows:
        by_model.setdefault(row["model"], []).append(row)
    for name, own in by_model.items():
        pair = sorted(own[-2:], key=lambda row: float(row["threshold"]))
        cells = [" / ".join(f"{float(row[rate]):.1f}" for row in pair) for rate in rates]
        table.append([f"`{name}`", pair[0]["trainings"], *cells])
    return table


def thresholds(rows: list[Row]) -> list[list[str]]:
    """Thresholds found on one half of the pictures and judged on the other, the newest tagger's."""
    own = [row for row in rows if row["weights"] == rows[-1]["weights"]]
    table = [["weight of the shared one", "OP", "OR", "OF1", "macro-F1", "tags a picture"]]
    for row in own:
        f1 = [
            f"{float(row[name]):.1f} ({float(row[f'{name}_low']):.1f} to "
            f"{float(row[f'{name}_high']):.1f})"
            for name in ("of1", "macro_f1")
        ]
        rates = [f"{float(row[name]):.1f}" for name in ("op", "or")]
        weight = float(row["shared_weight"])
        shown = "it alone" if weight >= 1e6 else f"{weight:g}"
        table.append([shown, *rates, *f1, f"{float(row['tags_a_picture']):.0f}"])
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


def paper_optimizer(rows: list[Row]) -> list[list[str]]:
    """One epoch of each model with the paper's optimizer; the newest row of each."""
    table = [
        ["model", "norm limited to", "first norm", "median norm", "largest norm", "loss, from",
         "to", "validation mAP", "chance"]
    ]  # fmt: skip
    for model, row in {row["model"]: row for row in rows}.items():
        norms = (_show(row[name], ",.2f") for name in ("first_norm", "median_norm", "largest_norm"))
        losses = (_show(row[name], ".3f") for name in ("first_loss", "last_loss"))
        found = _show(row["map"], ".1f") or row["stopped"], _show(row["chance_map"], ".1f")
        table.append([f"`{model}`", row["clip"] or "no limit", *norms, *losses, *found])
    return table


def _show(value: str, form: str) -> str:
    """Format a number; nothing where there is none."""
    return f"{float(value):{form}}" if value else ""


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


def caption_votes(rows: list[Row]) -> list[list[str]]:
    """What captions and network know alone and together, the newest row of each penalty."""
    table = [["penalty", "captions alone", "network alone", "both"]]
    for row in {(row["run"], row["penalty"]): row for row in rows}.values():
        maps = [f"{float(row[f'map_{of}']):.1f}" for of in ("votes", "network", "joined")]
        table.append([f"{float(row['penalty']):g}", *maps])
    return table


def vote_weight(rows: list[Row]) -> list[list[str]]:
    """MAP with so much of the votes as validation pictures ask for, the newest row of each run."""
    table = [["corpus", "run", "test pictures", "without votes", "with all", "by loss", "by mAP"]]
    for row in {(row["corpus"], row["run"]): row for row in rows}.values():
        maps = [f"{float(row[f'map_{of}']):.1f}" for of in ("network", "all_votes")]
        chosen = [
            f"{float(row[f'map_{by}']):.1f} with {float(row[f'weight_{by}']):.1f}"
            for by in ("by_loss", "by_map")
        ]
        table.append([row["corpus"], f"`{row['run']}`", row["test_pictures"], *maps, *chosen])
    return table


def with_interval(row: Row, name: str, sign: str = "") -> str:
    """Write a figure with the interval that its row has."""
    return show_interval(*(float(row[f"{name}{end}"]) for end in ("", "_low", "_high")), sign=sign)


def mean_of(rows: list[Row], model: str, name: str) -> float:
    """Mean over the seeds of a model."""
    return statistics.fmean(float(row[name]) for row in rows if row["model"] == model)
