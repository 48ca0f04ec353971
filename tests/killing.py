"""Commands that are killed at a counted event; run as a script, since it forks.

An event is what a kill could part: a file is written (half of it, or all), flushed or moved, the
journal or the manifest gets a record. Events are counted and not seconds, which differ between
machines.
"""

import json
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
from pathlib import Path

from zokusei.files import LOCKED_NAME
from zokusei.inference.done import Done
from zokusei.inference.journal import Journal

COUNT_ONLY, COUNTED = -1, "events"


def run(arguments, last_event=None, output=os.devnull):
    """Run the command line in a child; its exit code, or None where it was killed."""
    child = os.fork()
    if child == 0:
        finish(arguments, last_event, output)
    _, status = os.waitpid(child, 0)
    return None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def start(arguments):
    """Start the command line in a child and do not wait for it."""
    child = os.fork()
    if child == 0:
        finish(arguments, None)
    return child


def finish(arguments, last_event, output=os.devnull):
    """Be the child: run a command, and die at its last event."""
    from zokusei.cli import main

    events = [0]
    if last_event is not None:
        die_at(last_event, events)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    if "KILLING_SHOWS" not in os.environ:
        os.dup2(null, 2)
    sys.argv = ["zokusei", *map(str, arguments)]
    code = 0
    try:
        main()
    except SystemExit as stop:
        code = stop.code or 0
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 99
    if last_event == COUNT_ONLY:
        Path(COUNTED).write_text(str(events[0]))
    os._exit(code)


def die_at(last_event, events):
    """Count events, and kill this process with the one of that number."""

    def event():
        events[0] += 1
        if events[0] == last_event:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(owner, name):
        real = getattr(owner, name)

        def counted(*arguments, **named):
            event()
            result = real(*arguments, **named)
            event()
            return result

        setattr(owner, name, counted)

    for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink"), (Journal, "_write"),
                        (Done, "record"), (Done, "record_file"), (Done, "claim"),
                        (Done, "take_over")):  # fmt: skip
        around(owner, name)
    write_bytes = Path.write_bytes

    def by_halves(path, data):
        write_bytes(path, data[: len(data) // 2])
        event()
        return write_bytes(path, data)

    Path.write_bytes = by_halves


def recorded(out):
    """Give the pictures that are done, as they were named."""
    # A copy: whoever opens the database mends what a kill left, which is for the next run to do.
    with tempfile.TemporaryDirectory() as folder:
        for name in ("done.sqlite", "done.sqlite-wal"):
            if (path := Path(out) / ".zokusei" / name).is_file():
                shutil.copy(path, folder)
        rows = sqlite3.connect(Path(folder) / "done.sqlite")
        try:
            return {os.fsdecode(path) for (path,) in rows.execute("SELECT path FROM pictures")}
        except sqlite3.OperationalError:  # the kill came before its tables
            return set()
        finally:
            rows.close()


def contents(folder):
    """Give what every file holds, but for the manifest, the journals and what no reader looks at.

    That is the file a kill may leave behind, which the next run overwrites.
    """
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and ".zokusei" not in path.parts and path.name != LOCKED_NAME
    }


class Trial:
    """One collection that is tagged with kills, and compared with one that was left alone."""

    def __init__(self, model, folder, random):
        self.model, self.folder, self.random = model, folder, random
        self.kills = self.spared = 0
        self.pictures = {str(path) for path in (folder / "art").glob("*.png")}

    def command(self, out):
        return [
            "tag", self.folder / "art", "--model", self.model, "-o", out, "--batch-size", "1",
            "--write", "kohya,xmp,jsonl,parquet", "--existing", "append", "--json",
        ]  # fmt: skip

    def prepare(self, name):
        """Make an output folder in which somebody has written captions already."""
        out = self.folder / name
        out.mkdir()
        for number in (0, 2):
            (out / f"{number:03d}.txt").write_bytes(b"my words\r\nsecond line")
        return out

    def count_events(self):
        """Find what a run writes that is left alone, and how many events it has."""
        out = self.prepare("whole")
        os.chdir(self.folder)
        assert run(self.command(out), COUNT_ONLY) == 0
        return contents(out), int(Path(COUNTED).read_text())

    def go_on(self, out, event=None):
        """Give the same command again, which tags nothing that was done; whether it was killed."""
        done, output = recorded(out), self.folder / "tagged.jsonl"
        code = run(self.command(out), event, output)
        assert code in (None, 0), f"exit code {code}"
        lines = output.read_text().splitlines(keepends=True)
        tagged = [json.loads(line)["path"] for line in lines if line.endswith("\n")]
        assert len(set(tagged)) == len(tagged)
        assert not done & set(tagged), "what was done was tagged again"
        if code == 0:
            assert done | set(tagged) == self.pictures, "not all was done"
        self.spared += len(done)
        return code is None

    def check(self, out, before, whole):
        """See that every file is as it was, or as it shall be."""
        for name, data in contents(out).items():
            assert data in (before.get(name), whole.get(name)), f"{name}: {data!r}"
        assert set(before) <= set(contents(out)), "a caption is gone"

    def go(self, name, events, whole):
        """Kill it one to three times, let it end, undo it with a kill, and compare each time."""
        out = self.prepare(name)
        before = contents(out)
        for _ in range(self.random.randint(1, 3)):
            self.kills += self.go_on(out, self.random.randint(1, events))
            self.check(out, before, whole)
        self.go_on(out)
        assert contents(out) == whole
        for journal in sorted((out / ".zokusei/journals").glob("*.jsonl"), reverse=True):
            self.kills += run(["undo", journal], self.random.randint(1, 30)) is None
            self.check(out, before, whole)
            assert run(["undo", journal]) == 0
        assert contents(out) == before
        assert run(self.command(out)) == 0
        assert contents(out) == whole

    def go_together(self, name, whole, killed_at=None):
        """Let two work on the same folder at once, of which one may be killed."""
        out = self.prepare(name)
        before = contents(out)
        child = start(self.command(out))
        run(self.command(out), killed_at)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        # Who ended last has written the file of all pictures.
        assert contents(out) == whole
        for journal in sorted((out / ".zokusei/journals").glob("*.jsonl"), reverse=True):
            run(["undo", journal])
        for path, data in before.items():
            assert (out / path).read_bytes() in (data, whole[path])


def main():
    """`killing.py MODEL FOLDER KILLS`: at least so many kills, and two taggers at once."""
    import random

    import pyarrow.parquet  # noqa: F401 - so that no child has to
    import torch

    from pictures import write_corpus
    from zokusei.inference.tagger import Tagger

    torch.set_num_threads(1)  # threads do not survive a fork
    model, folder, wanted = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    Tagger.load(model)  # for what it imports, which every child would import again
    write_corpus(folder / "art", count=3 if wanted < 50 else 6)
    for path in (folder / "art").glob("*.txt"):
        path.unlink()
    trial = Trial(model, folder, random.Random(0))
    whole, events = trial.count_events()
    number = 0
    while trial.kills < wanted:
        trial.go(f"out-{number}", events, whole)
        number += 1
    for number in range(1 + wanted // 50):
        trial.go_together(f"both-{number}", whole)
        trial.go_together(f"one-{number}", whole, trial.random.randint(1, events))
    assert trial.spared, "no run was killed late enough to leave something that is done"
    print(trial.kills, "kills,", events, "events a run,", trial.spared, "pictures not done again")


if __name__ == "__main__":
    main()
