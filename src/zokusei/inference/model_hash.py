"""What tells one model folder from another."""

import hashlib
from pathlib import Path

from zokusei.errors import DataError
from zokusei.files import hash_file
from zokusei.inference.taggers import is_foreign_folder
from zokusei.model_folder import BASE, find_model_folder


def hash_model(folder: Path | str, kind: str | None = None) -> str:
    """Give the SHA-256 of all in a model folder that its results depend on.

    Args:
        folder: see `find_model_folder`.
        kind: see there.

    Raises:
        CheckpointError: there is no model.
        DataError: a file cannot be read.
    """
    if folder == BASE or not is_foreign_folder(Path(folder)):
        folder = find_model_folder(folder, kind)
    folder = Path(folder)
    digest = hashlib.sha256()
    try:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder)
            # The card and the figures are for people; hidden files are other programs' own.
            if name.name in ("README.md", "metrics.json") or str(name).startswith("."):
                continue
            digest.update(f"{name}\0{hash_file(path)}\0".encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise DataError(f"{error.filename} cannot be read: {error.strerror}") from error
    return digest.hexdigest()
