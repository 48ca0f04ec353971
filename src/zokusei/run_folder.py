"""What a training leaves in its run folder, beside settings, pictures and the model, read back."""

import json
from pathlib import Path
from typing import Any

from zokusei.errors import DataError


def read_log(path: Path) -> list[dict[str, Any]]:
    """Read all records of a log; a last line that was cut off is left out.

    Raises:
        DataError: the file is missing or cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a log: {error}") from error
    records = []
    for line in lines:
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return records


def read_environment(run: Path) -> dict[str, Any]:
    """Read where a run was computed: versions, commit, hardware.

    Raises:
        DataError: the file is missing or damaged.
    """
    path = run / "environment.json"
    try:
        environment: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    return environment
