"""Manifests written back in the forms that other tools read."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from zokusei.corpora.export.coco import write_coco
from zokusei.corpora.export.imagefolder import write_imagefolder
from zokusei.corpora.export.kohya import write_kohya
from zokusei.corpora.export.webdataset import write_webdataset
from zokusei.corpora.problems import Problems
from zokusei.data.manifest import Record
from zokusei.errors import ConfigError, DataError, suggest
from zokusei.files import write_folder_whole

__all__ = ["WRITERS", "export_corpus"]

Writer = Callable[[Iterable[Record], Path, Path, Problems], int]

WRITERS: Mapping[str, Writer] = {
    "kohya": write_kohya,
    "coco": write_coco,
    "webdataset": write_webdataset,
    "imagefolder": write_imagefolder,
}
"""By name; each is told records, the pictures' folder, where to write, and what went wrong."""


def export_corpus(
    records: Iterable[Record], root: Path, out: Path, form: str, problems: Problems
) -> int:
    """Write a corpus in another form, with copies of its pictures.

    Args:
        records: the pictures.
        root: folder that their paths are relative to.
        out: a folder that is not there yet, or empty; it appears when it is complete.
        form: name among `WRITERS`.
        problems: gets the pictures that were left out, and what the form cannot say.

    Returns:
        How many pictures were written.

    Raises:
        ConfigError: there is no such form.
        DataError: the folder holds something, or no picture could be written.
    """
    if form not in WRITERS:
        raise ConfigError(f"unknown format {form!r}{suggest(form, WRITERS)}")
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise DataError(f"{out} holds something already; give a new or empty folder")
    with write_folder_whole(out) as temporary:
        written = WRITERS[form](records, root, temporary, problems)
        if not written:
            raise DataError(f"no picture could be written to {out}\n{problems.summary()}".rstrip())
    return written
