"""Folders of other taggers, each read by its own files; the one place that tells them apart."""

from collections.abc import Callable
from pathlib import Path

from zokusei.inference.exported import ExportedModel
from zokusei.inference.taggers.camie import is_camie, load_camie
from zokusei.inference.taggers.cl import is_cl, load_cl
from zokusei.inference.taggers.deepdanbooru import is_project, load_project
from zokusei.inference.taggers.ram import is_ram, load_ram
from zokusei.inference.taggers.wd import is_wd, load_wd, read_config

_FORMS = (
    (is_project, load_project),
    (is_wd, load_wd),
    (is_cl, load_cl),
    (is_camie, load_camie),
    (is_ram, load_ram),
)


def is_foreign_folder(folder: Path) -> bool:
    """Say whether a folder holds another tagger's model, and not one of ours with its tag list.

    Raises:
        CheckpointError: a file that tells them apart cannot be read.
    """
    return _find_loader(folder) is not None


def load_foreign(folder: Path) -> ExportedModel | None:
    """Read another tagger's folder by its own files; None: it is no other tagger's.

    Where a folder has the lists of two forms, a DeepDanbooru project comes first, then WD's and
    imgutils', CL's, Camie's and RAM's; `load_project`, `load_wd` and so on say what each must hold
    and how its graph is fed.

    Raises:
        CheckpointError: a file is missing or damaged, or of a form that is not known.
        MissingExtraError: the graph says how large its pictures are, and onnxruntime is not there.
    """
    loader = _find_loader(folder)
    return None if loader is None else loader(folder)


def _find_loader(folder: Path) -> Callable[[Path], ExportedModel] | None:
    for is_form, load in _FORMS:
        if is_form(folder):
            return None if "format_version" in read_config(folder) else load
    return None
