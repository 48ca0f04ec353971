"""A collection on the disk: what is found in each picture goes into every format, once."""

import os
import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

from zokusei.errors import ConfigError, DataError
from zokusei.inference.done import Done, Mark, Row
from zokusei.inference.journal import Journal
from zokusei.inference.sources import Item
from zokusei.inference.tagger import Tags
from zokusei.inference.writers import Sidecar, Table, Writers
from zokusei.inference.writers.changes import Change, change_file, replace_file

Work = TypeVar("Work")

_WAITING = 32  # pictures between the model and the disk


@dataclass(frozen=True)
class Job:
    """A picture that is to be tagged, and what tells its content."""

    item: Item
    mark: Mark | None


class Collection:
    """Writes the results of pictures, and knows which of them are done.

    For each picture the files beside it come first and the manifest of what is done last, so that
    a killed run does again what it did not end; doing it again changes nothing.

    Args:
        writers: the formats.
        done: the manifest.
        journal: told before each change; without one nothing is written, and `on_change` says
            what would be.
        out: folder of the results, in the layout of the sources; beside the pictures by default.
        existing: what becomes of captions that are there, of `EXISTING`.
        on_change: told what became of each file.
    """

    def __init__(
        self,
        writers: Writers,
        done: Done,
        journal: Journal | None,
        *,
        out: Path | None,
        existing: str,
        on_change: Callable[[Sidecar, Change], None],
    ) -> None:
        self._writers, self._done, self._journal = writers, done, journal
        self._out, self._existing, self._on_change = out, existing, on_change
        self._waiting: dict[Path, Job] = {}
        self.done_before = self.gone = self._kept = 0

    @property
    def tables(self) -> list[tuple[Table, Path]]:
        """The files that are made of all pictures."""
        return [(table, (self._out or Path()) / table.file_name) for table in self._writers.tables]

    def check_tables(self) -> None:
        """Refuse to overwrite what somebody else wrote.

        Raises:
            ConfigError: a file is there that these options did not write.
        """
        for _, path in self.tables:
            is_there = os.path.exists(path)  # noqa: PTH110 (`Path` raises in a closed folder)
            if is_there and self._existing != "replace" and not self._done.wrote(path):
                raise ConfigError(
                    f"{path} is there already, written by somebody else or with other options; "
                    "give another -o, or --existing replace"
                )

    def accept(self, item: Item) -> Job | None:
        """Give the work that a picture needs, or None where it needs none.

        Raises:
            DataError: its results would lie in the files of another picture.
        """
        key = item.path.absolute()
        if key in self._waiting:
            return None
        targets = [path for _, path in self._targets(item)]
        everything_there = targets and all(map(os.path.exists, targets))
        stays = self._existing == "skip" and everything_there and not self._writers.tables
        if stays and not self._done.has(item.path):
            # Somebody else's captions: what is in the picture need not be known.
            file = item.path if item.member is None else item.member.archive
            if os.path.isfile(file):  # noqa: PTH113
                self._claim(item, targets)
            self._tell_kept(item)
            return None
        known, mark = self._done.look(item.path, item.member)
        # Files that went missing, or that other options changed since, are written again.
        if known and all(map(os.path.exists, targets)) and self._holds(targets, item):
            self._move(item)
            self.done_before += 1
            return None
        if mark is not None:
            self._claim(item, targets)
        if stays:
            self._tell_kept(item)
            return None
        self._waiting[key] = job = Job(item, mark)
        return job

    def lose(self, job: Job) -> None:
        """Forget a picture that cannot be read, and what was found while it could."""
        if self._journal is not None:
            self._done.drop(job.item.path)
        self._end(job)

    def keep(self, job: Job, tags: Tags) -> None:
        """Write what was found in one picture.

        Raises:
            DataError: a file of this picture cannot be written.
            ZokuseiError: the disk is full, or journal or manifest cannot be written.
        """
        try:
            if job.mark is None:
                raise DataError(f"{job.item.path} came while the others were read; tag it again")
            row = self._make_row(job.item, tags)
            for writer, path in self._targets(job.item):
                compose = partial(self._compose, writer, tags)
                take_over = partial(self._done.take_over, picture=job.item.path)
                change = change_file(
                    path, compose, self._journal, picture=job.item.path, announce=take_over
                )
                self._on_change(writer, change)
            if self._journal is not None:
                self._done.record(job.item.path, job.mark, row)
            self._kept += 1
        finally:
            self._end(job)

    def finish(self) -> None:
        """Write the files that are made of all pictures; an interrupted run leaves them alone.

        Raises:
            ZokuseiError: one cannot be written.
        """
        if self._journal is None:
            return
        # Where no picture could be met, a disk is missing rather than all of them.
        are_met = self._kept + self.done_before
        if not are_met and any(os.path.exists(path) for _, path in self.tables):  # noqa: PTH110
            return
        if self._writers.tables:
            self.gone = self._done.find_gone()
        for table, path in self.tables:
            # Known as ours before it is there: a kill in between must not make it a stranger's.
            announce = partial(self._done.record_file, path)
            replace_file(path, partial(self._write_table, table), self._journal, announce)

    def _move(self, item: Item) -> None:
        """Have a picture that is done stand in tables where it is found now."""
        if not self._writers.tables or self._journal is None:
            return
        place = str(item.path), item.relative.as_posix()
        before = self._done.find_place(item.path)
        if before != place:
            self._claim(item, [])
            self._done.move(item.path, *place)
            kept = self._name_places(*place)
            for name in self._name_places(*before) if before is not None else ():
                if name not in kept:
                    self._done.unclaim(name, item.path)

    def _claim(self, item: Item, targets: list[Path]) -> None:
        """Refuse a picture whose results would lie in those of another."""
        # By where links lead: two of them may lead to one file.
        for name in map(os.path.realpath, targets):
            other = self._done.claim(name, item.path)
            if other is not None and not _is_same(other, item.path):
                raise _refuse(other, name, "rename one of the two, or give them different folders")
        for name in self._name_places(str(item.path), item.relative.as_posix()):
            if (other := self._done.claim(name, item.path)) is not None:
                # A table would hold it twice.
                same = "it is the same picture by another path: tag it by that one"
                ways = "rename one of the two, or give them different folders"
                raise _refuse(other, name, same if _is_same(other, item.path) else ways)

    def _name_places(self, path: str, relative: str) -> list[str]:
        """Give what a picture is called in each table, which no other may be called there."""
        return [
            f"/{table.file_name}/{relative if table.by_place else path}"
            for table in self._writers.tables
        ]

    def _holds(self, targets: Iterable[Path], item: Item) -> bool:
        return all(self._done.holds(os.path.realpath(target), item.path) for target in targets)

    def _tell_kept(self, item: Item) -> None:
        for writer, path in self._targets(item):
            self._on_change(writer, Change(path, b"", None))

    def _end(self, job: Job) -> None:
        self._waiting.pop(job.item.path.absolute(), None)

    def _write_table(self, table: Table, place: Path) -> None:
        with self._done.snapshot():
            table.write(place, self._done.read)

    def _targets(self, item: Item) -> list[tuple[Sidecar, Path]]:
        place = item.path if self._out is None else self._out / item.relative
        return [(writer, writer.path_for(place)) for writer in self._writers.sidecars]

    def _compose(self, writer: Sidecar, tags: Tags, before: bytes | None) -> bytes | None:
        return writer.compose(tags, before, self._existing)

    def _make_row(self, item: Item, tags: Tags) -> Row | None:
        """Give what the formats of all pictures need, after a look whether they can hold it."""
        if not self._writers.tables:
            return None
        sized = any(table.needs_size for table in self._writers.tables)
        row = Row(
            str(item.path), item.relative.as_posix(), tags.names, list(tags.scores.values()),
            tags.size if sized else None, tags.caption, tags.embedding,
        )  # fmt: skip
        for table in self._writers.tables:
            table.check(row)
        return row


def _is_same(picture: Path, other: Path) -> bool:
    return os.path.realpath(picture) == os.path.realpath(other)


def _refuse(other: Path, place: str, advice: str) -> DataError:
    return DataError(f"its results would lie in those of {other} ({Path(place).name}); {advice}")


class Behind(Generic[Work]):
    """Does work in a thread of its own, so that the model need not wait for the disk.

    Args:
        work: done for each job, in order.
        on_error: told of a job that could not be done; the others go on.

    Raises:
        ZokuseiError: from `put`, or at the end of the block: what ended the work.

    >>> done = []
    >>> with Behind(done.append, print) as behind:
    ...     behind.put("a")
    >>> done
    ['a']
    """

    def __init__(
        self, work: Callable[[Work], None], on_error: Callable[[Work, DataError], None]
    ) -> None:
        self._work, self._on_error = work, on_error
        self._jobs: queue.Queue[tuple[Work] | None] = queue.Queue(_WAITING)
        self._failure: BaseException | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="writer")

    def put(self, job: Work) -> None:
        """Hand a job over; waits while many are waiting."""
        if self._failure is not None:
            raise self._failure
        self._jobs.put((job,))

    def __enter__(self) -> "Behind[Work]":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopped = kind is not None
        self._jobs.put(None)
        self._thread.join()
        if kind is None and self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            # After a failure jobs are still taken, since `put` would wait for ever.
            if self._failure is not None or self._stopped:
                continue
            try:
                self._do(job[0])
            except BaseException as error:
                self._failure = error

    def _do(self, job: Work) -> None:
        """Do one job; telling of one that could not be done may fail as well."""
        try:
            self._work(job)
        except DataError as error:
            self._on_error(job, error)
