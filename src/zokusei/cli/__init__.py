"""The command line: one thin file per command.

Nothing heavy is imported before a command runs, so that `zokusei --help` answers at once.
"""

import errno
import os
import signal
import sys
from typing import Annotated, NoReturn

import typer

from zokusei import __version__
from zokusei.cli import (
    benchmark,
    caption,
    cartoonize,
    compare,
    data,
    doctor,
    evaluate,
    explain,
    export_model,
    report,
    reproduce,
    serve,
    tag,
    train,
    undo,
)
from zokusei.cli.kohya_names import KohyaNames
from zokusei.errors import ZokuseiError
from zokusei.memory import keep_freed_memory

app = typer.Typer(
    name="zokusei",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="""Attribute tagging for anime illustrations.

    Train on your own pictures and tags, see how good it is, tag new pictures:

        zokusei train --images FOLDER --out runs/mine

        zokusei evaluate runs/mine

        zokusei report runs/mine

        zokusei tag PICTURE --model runs/mine
    """,
)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("report")(report.report)
app.command("tag", cls=KohyaNames)(tag.tag)
app.command("serve")(serve.serve)
app.command("undo")(undo.undo)
app.command("explain")(explain.explain)
app.command("caption")(caption.caption)
app.command("export")(export_model.export)
app.command("benchmark")(benchmark.benchmark)
app.command("compare")(compare.compare)
app.command("reproduce")(reproduce.reproduce)
app.command("cartoonize")(cartoonize.cartoonize)
app.add_typer(data.app, name="data")
app.command("doctor")(doctor.doctor)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"zokusei {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    del version  # its callback has done the work


def main() -> None:
    """Run a command; an error that the user can solve is one line and exit code 2.

    Asked to end (SIGTERM), it ends as on Ctrl+C: what was done is told, files are closed.
    """
    keep_freed_memory()
    signal.signal(signal.SIGTERM, _end)
    try:
        app()
    except ZokuseiError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    except (KeyboardInterrupt, _Ended) as error:
        sys.stderr.write("stopped\n")
        sys.exit(143 if isinstance(error, _Ended) else 130)
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing may be written to it at exit.
        sys.stdout = None
        sys.exit(0)
    except Exception as error:
        if not _is_full_disk(error):
            raise
        import tempfile

        folder = tempfile.tempdir or os.environ.get("TMPDIR", "/tmp")
        sys.stderr.write(
            f"error: the disk is full: {error}; temporary files lie in {folder}: make room there, "
            "or set TMPDIR to another folder\n"
        )
        sys.exit(2)


class _Ended(BaseException):
    """Another process asked for the end; no error that anything on the way may deal with."""


def _end(number: int, _frame: object) -> NoReturn:
    signal.signal(number, signal.SIG_DFL)  # asked again, it ends at once
    raise _Ended


def _is_full_disk(error: Exception) -> bool:
    """Say whether a temporary file could not grow; other files say so themselves."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
    # Only who has imported SQLite can raise its errors.
    sqlite3 = sys.modules.get("sqlite3")
    return (
        sqlite3 is not None
        and isinstance(error, sqlite3.OperationalError)
        and "disk is full" in str(error)
    )
