"""What models cost, from a table that was measured elsewhere, beside their figures.

The table is one that `benchmarks/heads.py` of the project writes, or another with its columns.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zokusei.config import Config
from zokusei.errors import DataError
from zokusei.models import needs_captions
from zokusei.results import read_results

_FORMS = {
    "parameters_million": ("million parameters", "{:.1f}"),
    "gflops": ("GFLOPs", "{:.2f}"),
    "to_gap": ("tagging / `gap`", "{:.2f}"),
    "train_to_gap": ("training / `gap`", "{:.2f}"),
}


@dataclass(frozen=True)
class Costs:
    """Cells that a comparison's rows get.

    Attributes:
        head: titles of the columns; none where no row was measured.
        cells: by row; empty ones where its model was not measured.
        note: what was measured.
    """

    head: list[str] = field(default_factory=list)
    cells: dict[str, list[str]] = field(default_factory=dict)
    note: str = ""

    def get(self, row: str) -> list[str]:
        """Give the cells of a row."""
        return self.cells.get(row, [""] * len(self.head))


def read_costs(path: Path | None) -> list[dict[str, str]]:
    """Read the table; no row where none is given.

    Raises:
        DataError: it is missing or another table.
    """
    if path is None:
        return []
    try:
        rows = read_results(path)
    except DataError as error:
        raise DataError(f"--costs {error}") from error
    for name in ("model", "backbone", "size", "classes", "options", "command", *_FORMS):
        if rows and name not in rows[0]:
            raise DataError(
                f"--costs {path} has no column {name!r}; give what benchmarks/heads.py writes"
            )
    return rows


def find_costs(rows: Sequence[Mapping[str, str]], configs: Mapping[str, Config]) -> Costs:
    """Find what the models of a comparison cost with its backbone and size, and their options.

    Args:
        rows: of the table, the newest last; those without a ratio to `gap` say nothing of this.
        configs: settings of a run of each row, by its name.
    """
    found: dict[str, list[str]] = {}
    said: dict[str, None] = {}
    for name, config in configs.items():
        wanted = (config.model.name, _name_architecture(config.model.backbone),
                  str(config.preprocess.size),
                  json.dumps(config.model.options, sort_keys=True))  # fmt: skip
        for row in rows:
            own = row["model"], _name_architecture(row["backbone"]), row["size"], row["options"]
            if own == wanted and row["to_gap"]:
                found[name] = [form.format(float(row[key])) for key, (_, form) in _FORMS.items()]
                said[f"`{row['command']}`, {row['classes']} classes"] = None
    if not found:
        return Costs()
    note = f"Costs were measured apart ({'; '.join(said)}), with the options of the rows."
    readers = [f"`{name}`" for name in found if needs_captions(configs[name].model.name)]
    if readers:
        note += (
            f" Those of {' and '.join(readers)} are without the captioner, which tagging runs too."
        )
    return Costs([title for title, _ in _FORMS.values()], found, note)


def _name_architecture(backbone: str) -> str:
    """Leave out which weights it has: they change no cost."""
    return backbone.partition(".")[0]
