"""Make the tables in benchmarks/tables from the rows in results, and put them into pages.

`python benchmarks/tables.py` writes; with `--check` it exits with 1 when anything would change. A
page holds a table between `<!-- table: NAME -->` and `<!-- end -->`.
"""

import re
import sys
from pathlib import Path

from layouts import Row, judged, measured

from zokusei.files import write_text
from zokusei.report.sections import to_markdown
from zokusei.reproduce import paper, write_up, write_up_table2
from zokusei.reproduce.costs import find_costs
from zokusei.reproduce.scale import load_scale
from zokusei.results import read_results

HERE = Path(__file__).parent
ROOT = HERE.parent
PAGES = [ROOT / "README.md", HERE / "README.md", ROOT / "docs/explanation/drawn-corpus.md"]
PAGES += [ROOT / f"docs/guides/{name}.md" for name in ("caption", "cartoonize", "explain")]
PAGES += [ROOT / "docs/reproduction.md"]


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
    found["reproduce-captioners"] = (
        write_up_table2.tabulate_captioners(intervals),
        write_up_table2.conclude_captioners(intervals),
    )
    names = [*models, *scale.captions.rows]
    unseen = write_up.tabulate_unseen(rows, "drawn", names)
    found["reproduce-unseen"] = unseen, [write_up.UNSEEN_EXPLAINED]
    found["reproduce-table2"] = (
        write_up_table2.tabulate_table2(intervals, corpus, names, subjects),
        write_up_table2.conclude_table2(rows, intervals, corpus, subjects),
    )
    texts = {
        name: "\n".join([to_markdown(table), *(f"{line}\n" for line in said)])
        for name, (table, said) in found.items()
        if len(table) > 1
    }
    return texts | {
        "reproduce-figure2": (HERE / "results" / "reproduce-desk-figure2.txt").read_text()
    }


def make_tables() -> dict[str, str]:
    """Give every table whose rows are there, as Markdown, by name."""
    tables = {
        "anime-faces": judged.anime_faces(read("anime-faces")),
        "anime-faces-mirror": judged.mirror(read("anime-faces")),
        "anime-faces-choices": judged.choices(read("anime-faces-choices")),
        "presets": judged.presets(read("presets")),
        "paper-optimizer": judged.paper_optimizer(read("paper-optimizer")),
        "white-box": judged.white_box(read("white-box")),
        "base-tagger": judged.base_tagger(read("base-tagger"), "base-tagger"),
        "base-tagger-development": judged.base_tagger(
            read("base-tagger"), "base-tagger-development"
        ),
        "frozen-features": judged.frozen_features(read("frozen-features")),
        "second-look": judged.second_look(read("second-look")),
        "thresholds": judged.thresholds(read("thresholds")),
        "decisions": judged.decisions(read("decisions")),
        "drawn": measured.drawn(read("drawn")),
        "loader": measured.loader(read("loader")),
        "danbooru": measured.danbooru(read("danbooru")),
        "pointing": judged.pointing(read("pointing")),
        "cartoonize": measured.cartoonize(read("cartoonize")),
        "captioner": judged.captioner(read("captioner")),
        "captioner-speed": measured.captioner_speed(read("captioner-speed")),
        "folding": measured.folding(read("folding")),
        "depthwise": measured.depthwise(read("depthwise")),
        "memory": measured.memory(read("memory")),
        "heads": measured.heads(read("heads")),
        "heads-growth": measured.heads_growth(read("heads")),
        "caption-votes": judged.caption_votes(read("caption-votes")),
        "vote-weight": judged.vote_weight(read("vote-weight")),
        "caption-weight": judged.caption_weight(read("caption-weight")),
        "caption-cost": measured.caption_cost(read("caption-cost")),
        "tagging": measured.tagging(read("tagging")),
        "speed": measured.speed(read("metrics"), read("startup")),
    }
    shown = {name: to_markdown(table) for name, table in tables.items() if len(table) > 1}
    return shown | reproduction()


def read(name: str) -> list[Row]:
    """Read rows; none where nothing was measured yet."""
    path = HERE / "results" / f"{name}.csv"
    return read_results(path) if path.exists() else []


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
