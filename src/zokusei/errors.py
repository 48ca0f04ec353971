"""Every error that is the user's to solve, drawn as a tree.

ZokuseiError            one line on stderr and exit code 2
├── ConfigError         a setting: unknown key, wrong type, impossible value
├── DataError           a corpus, manifest, tag list or caption file
│   └── ImageError      one picture that cannot be read or written
├── ModelError          a model, backbone or weights that cannot be built or loaded
│   └── CheckpointError a checkpoint folder: damaged, of another model, of another version
└── MissingExtraError   an optional dependency that is not installed

Anything else that is raised is a bug of ours and keeps its traceback. Each message says
what is wrong, the value received, and what to do.
"""

import difflib
from collections.abc import Iterable


class ZokuseiError(Exception):
    """Base of the errors a user can solve."""


class ConfigError(ZokuseiError):
    """A setting is unknown, of the wrong type or impossible."""


class DataError(ZokuseiError):
    """A corpus, manifest, tag list or caption file cannot be used."""


class ImageError(DataError):
    """One picture cannot be read, or not be written in its format."""


class ModelError(ZokuseiError):
    """A model, its backbone or its weights cannot be built or loaded."""


class CheckpointError(ModelError):
    """A checkpoint folder is damaged, incomplete or belongs to something else."""


class MissingExtraError(ZokuseiError):
    """An optional dependency is not installed."""

    def __init__(self, module: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {module}: pip install 'zokusei[{extra}]'")


def suggest(received: str, known: Iterable[str]) -> str:
    """Say which known name was probably meant, as the end of an error message.

    >>> suggest("optimzer.lr", ["optimizer.lr", "epochs"])
    "; did you mean 'optimizer.lr'?"
    >>> suggest("zzz", ["gap", "gmp"])
    '; known: gap, gmp'
    """
    known = list(known)
    close = known if len(known) == 1 else difflib.get_close_matches(received, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return "; known: " + ", ".join(sorted(known)) if known else ""
