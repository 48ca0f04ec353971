"""How `zokusei tag --write` keeps what is found, and says what it did."""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import typer

from zokusei.errors import ConfigError
from zokusei.tag_text import COMMA

if TYPE_CHECKING:
    from zokusei.cli.extras import Extras
    from zokusei.cli.left_out import LeftOut
    from zokusei.inference import Tagger, Tags
    from zokusei.inference.collection import Job
    from zokusei.inference.sources import Item
    from zokusei.inference.writers import Sidecar
    from zokusei.inference.writers.changes import Change


@dataclass(frozen=True)
class WriteSettings:
    """What was asked for with `--write` and around it."""

    write: str | None
    out: Path | None
    existing: str
    extension: str
    dry_run: bool
    state: Path | None
    errors: Path | None = None
    separator: str = COMMA

    def check(self, *, elsewhere: bool = False, form: str | None = None) -> list[str]:
        """Give the names of the formats, before anything is loaded.

        Args:
            elsewhere: whether results go to another program, with a state of their own.
            form: in which tags are printed for another program.

        Raises:
            ConfigError: something does not go with something else.
        """
        from zokusei.inference.writers import TABLES, parse_formats
        from zokusei.inference.writers.changes import check_existing, is_work_suffix
        from zokusei.tag_text import PRESETS

        if self.dry_run and form is not None:
            raise ConfigError(
                "--dry-run prints what would change, and --json and --print tags for a program; "
                "give one of them"
            )
        if self.dry_run and self.errors is not None:
            raise ConfigError("--dry-run writes nothing, not even a list; leave --errors away")
        if self.write is None:
            given = self.out, not elsewhere and (self.state or self.dry_run)
            styled = self.existing, self.extension, self.separator
            if any(given) or styled != ("skip", ".txt", COMMA):
                what = "--out, --existing, --caption-extension and --caption-separator"
                if elsewhere:
                    raise ConfigError(
                        f"{what} are about files, and Hydrus gets none; leave it away"
                    )
                raise ConfigError(
                    f"{what}, --dry-run and --state are about what --write writes; add it"
                )
            return []
        check_existing(self.existing)
        if self.out is not None and self.out.exists() and not self.out.is_dir():
            raise ConfigError(f"--out {self.out} is a file; give a folder")
        if not re.fullmatch(r"(\.[^./\\\0]+)+", self.extension):
            raise ConfigError(f"--caption-extension {self.extension!r} is none; give .txt or alike")
        formats = parse_formats(self.write, self.extension)
        if self.extension != ".txt" and not any(name in PRESETS for name in formats):
            raise ConfigError(
                f"--caption-extension {self.extension!r} is about text files, and --write "
                f"{self.write} makes none; add one of {', '.join(PRESETS)}"
            )
        if self.separator != COMMA and not any(
            name in PRESETS and PRESETS[name].separator == COMMA for name in formats
        ):
            raise ConfigError(
                f"--caption-separator {self.separator!r} is about kohya and a1111 files, and "
                f"--write {self.write} makes none; add one of them"
            )
        if not self.separator.strip() or len(self.separator.splitlines()) > 1:
            raise ConfigError(
                f"--caption-separator {self.separator!r} is no sign that tells tags with blanks "
                "apart; give ', ' or alike (--write booru parts by blanks, hydrus by lines)"
            )
        for name in formats:
            if name in TABLES and self.out is None:
                raise ConfigError(
                    f"--write {name} makes one file of all pictures; say in which folder with -o"
                )
        if is_work_suffix(Path(f"a{self.extension}").suffix):
            raise ConfigError(
                f"--caption-extension {self.extension!r} is that of pictures, videos or archives, "
                "over which captions would be written; give .txt or alike"
            )
        return formats


class Keeping:
    """Writes results beside the work, and says at the end what was done and how to undo it.

    Args:
        tagger: whose results they are.
        categories: of its tags, and of those that rules make of them.
        settings: checked.
        formats: what the check gave.
        extras: what is found besides tags.
        choices: further options that results depend on.
        left_out: told of pictures that could not be written.
        rated: whether captions have the rating as well.
    """

    def __init__(
        self,
        tagger: "Tagger",
        categories: Mapping[str, str],
        model: str,
        settings: WriteSettings,
        formats: list[str],
        extras: "Extras",
        choices: Mapping[str, Any],
        left_out: "LeftOut",
        *,
        rated: bool = False,
    ) -> None:
        from zokusei.inference.collection import Behind, Collection
        from zokusei.inference.done import Done
        from zokusei.inference.journal import Journal
        from zokusei.inference.model_hash import hash_model
        from zokusei.inference.writers import create_writers
        from zokusei.model_folder import TAGGER

        self._settings, self._left_out = settings, left_out
        self._jobs: dict[str, Job] = {}
        self._kept = self._changed = 0
        self.seen = False
        self._refused: set[Path] = set()
        state = settings.state or default_state(settings.out)
        options = {
            "model": hash_model(model, TAGGER), "write": sorted(formats),
            "existing": settings.existing,
            "extension": settings.extension, "separator": settings.separator,
            "out": None if settings.out is None else os.fsencode(settings.out.absolute()).hex(),
            **choices,
        }  # fmt: skip
        self._done = Done(state / "done.sqlite", options, dry=settings.dry_run)
        self.journal: Journal | None = None
        if not settings.dry_run:
            name = name_journal(time.time_ns(), os.getpid())
            about = {"done": str(self._done.path.absolute()), "job": self._done.job_hash}
            self.journal = Journal(state / "journals" / name, about)
            left_out.offer(state / "errors" / name)
        self._collection = Collection(
            create_writers(
                formats, tagger.checkpoint.tags, categories, extension=settings.extension,
                separator=settings.separator,
                captions=extras.captions, embeddings=extras.embedding,
                caption_first=extras.caption_first, rated=rated,
            ),
            self._done, self.journal,
            out=settings.out, existing=settings.existing, on_change=self._on_change,
        )  # fmt: skip
        self._collection.check_tables()
        for _, path in self._collection.tables:
            if settings.errors and os.path.realpath(path) == os.path.realpath(settings.errors):
                raise ConfigError(
                    f"--errors {settings.errors} is the file of all pictures that --write makes; "
                    "give another"
                )
        self._behind = Behind[tuple["Job", "Tags"]](
            lambda pair: self._collection.keep(*pair),
            lambda pair, error: self._lose(pair[0].item.path, str(error)),
        )

    def __enter__(self) -> "Keeping":
        self._behind.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._behind.__exit__(kind, error, traceback)
            if kind is None:
                self._collection.finish()
        finally:
            # First, since whatever ended the run may also keep files from being closed.
            self._tell_undo()
            if self.journal is not None:
                self.journal.close()
            self._done.close()

    def accept(self, item: "Item") -> bool:
        """Say whether a picture is to be tagged."""
        from zokusei.errors import DataError

        self.seen = True
        if item.member is not None and self._settings.out is None:
            self._refuse(item.member.archive)
            return False
        try:
            job = self._collection.accept(item)
        except DataError as error:
            self._lose(item.path, str(error))
            return False
        if job is not None:
            self._jobs[str(item.path)] = job
        return job is not None

    def put(self, tags: "Tags") -> None:
        """Hand over what was found in a picture."""
        self._behind.put((self._jobs.pop(tags.path), tags))

    def drop(self, path: str) -> None:
        """Forget a picture that cannot be read."""
        self._collection.lose(self._jobs.pop(path))

    @property
    def done_before(self) -> int:
        """Pictures that an earlier run has done."""
        return self._collection.done_before

    def _refuse(self, archive: Path) -> None:
        """Say once of an archive that nothing is written beside what lies inside of it."""
        if archive not in self._refused:
            self._refused.add(archive)
            self._lose(archive, "files are never written into an archive; say where with -o")

    def _lose(self, path: Path, what: str) -> None:
        from zokusei.cli.console import tell
        from zokusei.cli.printing import printable

        self._left_out.add(path, what)
        tell(f"not written: {printable(f'{path}: {what}')}")

    def _on_change(self, writer: "Sidecar", change: "Change") -> None:
        if change.after is not None:
            self._changed += 1
        elif self._settings.existing == "skip":
            self._kept += 1
        if self._settings.dry_run:
            print_change(change, text=hasattr(writer, "text"))

    def summarize(self) -> None:
        """Say what was done."""
        from zokusei.cli.console import tell

        would = "would be " if self._settings.dry_run else ""
        tell(f"{self._changed} files beside pictures {would}written")
        if self.done_before:
            tell(f"{self.done_before} pictures were done before")
        if self._kept:
            tell(
                f"{self._kept} files were there and are kept; "
                "--existing append, prepend, merge or replace changes them"
            )
        for _, path in self._collection.tables:
            tell(f"all pictures: {path}{' (would be written)' if self._settings.dry_run else ''}")
        if self._collection.gone:
            tell(f"{self._collection.gone} pictures that are not there any more are left out of it")

    def _tell_undo(self) -> None:
        from zokusei.cli.console import tell

        if self.journal is not None and self.journal.count:
            tell(f"to undo all of it: zokusei undo {self.journal.path}")


def name_journal(now: int, process: int) -> str:
    """Name a journal, so that names are in the order of time and no two runs have the same.

    Args:
        now: nanoseconds since 1970, read once: a second may end between two looks at the clock.
        process: the number of this one.

    >>> name_journal(1_700_000_000_000_000_042, 7)[-18:]
    '-000000042-7.jsonl'
    """
    seconds, rest = divmod(now, 10**9)
    moment = time.strftime("%Y%m%d-%H%M%S", time.localtime(seconds))
    return f"{moment}-{rest:09d}-{process}.jsonl"


def default_state(out: Path | None) -> Path:
    """Give the folder of manifest and journals: in the output, else the user's own."""
    import platformdirs

    return platformdirs.user_state_path("zokusei") if out is None else out / ".zokusei"


def print_change(change: "Change", *, text: bool) -> None:
    """Print what would become of a file; of captions also the lines that would go and come."""
    from zokusei.cli.printing import printable

    kind = "keep" if change.after is None else "new" if change.before is None else "change"
    typer.echo(f"{kind} {printable(str(change.path))}")
    if change.after is None or not text:
        return
    before, after = (
        (content or b"").decode("utf-8", "backslashreplace").splitlines()
        for content in (change.before, change.after)
    )
    for sign, lines, others in (("-", before, after), ("+", after, before)):
        for line in lines:
            if line not in others:
                typer.echo(f"  {sign} {printable(line)}")
