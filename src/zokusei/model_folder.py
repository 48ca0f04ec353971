"""What every model folder has in common: found, read and written whole; without torch."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from zokusei.errors import CheckpointError, MissingExtraError, ZokuseiError

FORMAT_VERSION = 1

TAGGER = "tagger"
"""What a model folder holds that does not say so: the first kind there was."""

BASE = "base"
"""The name of the models that come with the package; a folder called like it is `./base`."""

_PACKAGED = Path(__file__).parent / "weights"


def write_model_folder(folder: Path | str, write: Callable[[Path], None]) -> None:
    """Let `write` fill a new folder, and put it in the place of one that may be there.

    Raises:
        ZokuseiError: the folder cannot be written to, or the disk is full.
    """
    folder = Path(folder).resolve()  # behind a link, which stays
    if folder == Path.cwd():
        # It would be replaced under the feet of whoever stands in it.
        raise ZokuseiError(f"{folder} is the current folder; name a new one")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        fresh.chmod(0o755)
    except OSError as error:
        raise ZokuseiError(f"{folder} was not written: {error.strerror or error}") from error
    try:
        write(fresh)
        if folder.exists():
            old = folder.with_name(f".{folder.name}.old")
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
            fresh.rename(folder)
            shutil.rmtree(old, ignore_errors=True)
        else:
            fresh.rename(folder)
    except OSError as error:
        raise ZokuseiError(f"{folder} was not written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def find_model_folder(folder: Path | str, kind: str | None = None) -> Path:
    """Give the checkpoint folder: the one that is meant, or the `model` folder of a run.

    Args:
        folder: either of them; the word `base` (no path) where a kind is known: the one that the
            package carries.
        kind: of the model that is looked for.

    Raises:
        CheckpointError: there is no checkpoint in either, or none in the package.
    """
    if kind is not None and folder == BASE:
        return _find_packaged(kind)
    folder = Path(folder)
    # The last is the old one, all that there is between two renames of `write_model_folder`.
    for candidate in (folder, folder / "model", folder / ".model.old"):
        if (candidate / "config.json").is_file():
            return candidate
    if folder.is_file():
        raise CheckpointError(f"{folder} is a file; give the folder that it lies in")
    more = ""
    if any(folder.glob("*.onnx")):
        more = (
            "; another tool's tagger, which `zokusei tag` and `zokusei benchmark` take and nothing "
            "else, needs its list of tags beside the ONNX file: selected_tags.csv (WD, imgutils), "
            "tag_mapping.json (CL), Camie's ...metadata.json, ram_tag_list.txt (RAM), or "
            "project.json and tags.txt (DeepDanbooru)"
        )
    raise CheckpointError(
        f"{folder} holds no trained model (no config.json); give a run folder that `zokusei train` "
        f"has finished, or a model folder{more}"
    )


def _find_packaged(kind: str) -> Path:
    folder = _PACKAGED / kind
    if not (folder / "config.json").is_file():
        raise CheckpointError(
            f"{BASE!r} is the {kind} that comes with the package, and this one came without; "
            "name a run folder or a model folder instead"
        )
    return folder


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Turn whatever the files of a checkpoint make go wrong into an error that names the folder.

    Raises:
        CheckpointError: a file is missing or damaged.
        MissingExtraError: a library that reads them is not installed.
    """
    try:
        yield
    except (CheckpointError, MissingExtraError):
        raise
    except (
        OSError,
        SafetensorError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        ZokuseiError,
    ) as error:
        message = " ".join(str(error).split())
        raise CheckpointError(f"{folder} is damaged or incomplete: {message}") from error


def read_kind(folder: Path | str) -> str:
    """Say what a model folder or a run holds: a `tagger` or a `captioner`.

    Raises:
        CheckpointError: there is no checkpoint, or its config.json cannot be read.
    """
    return _read_config(find_model_folder(folder))[0]


def read_config(folder: Path, kind: str) -> dict[str, Any]:
    """Read `config.json` of a checkpoint of this kind and version.

    Raises:
        CheckpointError: it cannot be read, or is of something else.
    """
    found, config = _read_config(folder)
    if found != kind:
        command = "caption" if found == "captioner" else "tag"
        raise CheckpointError(
            f"{folder} holds a {found}, not a {kind}; `zokusei {command}` is for that"
        )
    version = config.get("format_version")
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"{folder} has checkpoint format {version!r}, this zokusei reads {FORMAT_VERSION}"
        )
    return config


def _read_config(folder: Path) -> tuple[str, dict[str, Any]]:
    """Give the kind of a checkpoint, and all that its config.json says."""
    with reading(folder):
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return str(config.get("kind", TAGGER)), config


def describe_metrics(metrics: Mapping[str, Any]) -> str:
    """Write the figures as a table."""
    rows = [
        f"| {name} | {value:.2f} |"
        for name, value in metrics.items()
        if isinstance(value, int | float)
    ]
    return "\n".join(["| figure | value |", "|---|---|", *rows])
