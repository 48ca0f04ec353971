"""`zokusei caption`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zokusei.cli.options import Device

if TYPE_CHECKING:
    from zokusei.inference.captioner import Caption

_FAILED = 3
_EXISTING = ("keep", "replace")


def caption(
    pictures: Annotated[list[str], typer.Argument(help="Pictures, folders, patterns.")],
    model: Annotated[
        str,
        typer.Option(help="A captioner's run folder or model folder; base: the packaged one."),
    ] = "base",
    beam: Annotated[
        int, typer.Option(min=1, max=100, help="Beginnings that the search keeps; 1 is greedy.")
    ] = 3,
    length_penalty: Annotated[
        float,
        typer.Option(min=0.0, help="0: the likeliest caption; 1: the likeliest a word, longer."),
    ] = 0.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="One object a line: path, caption, log-probability.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write a .txt beside each picture, or into --out.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the .txt files; layout is kept."),
    ] = None,
    existing: Annotated[
        str, typer.Option(help="What becomes of .txt files that are there: keep or replace.")
    ] = "keep",
    attention: Annotated[
        Path | None,
        typer.Option(metavar="OUT.png", help="Save the words with where the model looked."),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures a pass.")] = 32,
    device: Device = "auto",
) -> None:
    """Say what pictures show: a path, a tab and a caption a line.

    Pictures that cannot be read are named on stderr, the others are captioned, and the exit code
    is 3. With `--write`, a picture whose .txt is there already is left out, so that a killed
    command goes on and nothing is overwritten, unless `--existing replace`.
    """
    from zokusei.cli.console import counting, tell
    from zokusei.errors import ConfigError, ImageError, suggest
    from zokusei.files import write_text
    from zokusei.memory import setting_up

    with setting_up():
        from zokusei.inference import Captioner, Picture
        from zokusei.report.attention_sheet import check_sheet, save_attention_sheet

    if existing not in _EXISTING:
        raise ConfigError(f"unknown --existing {existing!r}{suggest(existing, _EXISTING)}")
    if not write and (out is not None or existing != "keep"):
        raise ConfigError("--out and --existing are about the .txt files of --write; add it")
    failed: list[str] = []
    places = _find_places(pictures, out, failed)
    total = len(places) + len(failed)
    if write:
        _refuse_shared(places)
        if existing == "keep":
            places = _leave_out_written(places)
    if attention is not None:
        check_sheet(attention, len(places))
    with setting_up():
        captioner = Captioner.load(model, device=device)

    def on_error(picture: Picture, error: ImageError) -> None:
        del picture  # the message names it
        failed.append(str(error))
        tell(f"not captioned: {error}")

    shown = []
    with counting("captioning", len(places)) as progress:
        for found in captioner.caption(
            places,
            beam=beam,
            length_penalty=length_penalty,
            batch_size=batch_size,
            on_error=on_error,
        ):
            if write:
                write_text(places[Path(found.path)], found.text + "\n")
            _show(found, as_json=as_json, is_written=write)
            if attention is not None:
                shown.append(found)
            progress(1)
    if attention is not None and shown:
        save_attention_sheet(attention, shown, captioner.checkpoint.preprocess)
        tell(f"where the model looked: {attention}")
    if failed:
        tell(f"{len(failed)} of {total} pictures and folders could not be read")
        raise typer.Exit(_FAILED)


def _show(found: "Caption", *, as_json: bool, is_written: bool) -> None:
    """Print a caption; where it is written too, nobody who has stopped reading ends the work."""
    from zokusei.cli.printing import print_json, printable, stop_printing

    try:
        if as_json:
            print_json(found.to_dict())
        else:
            typer.echo(f"{printable(found.path)}\t{found.text}")
    except BrokenPipeError:
        if not is_written:
            raise
        stop_printing()


def _find_places(pictures: list[str], out: Path | None, failed: list[str]) -> dict[Path, Path]:
    """Give every picture with the .txt that belongs to it; name folders that may not be read."""
    from zokusei.cli.console import tell
    from zokusei.errors import DataError
    from zokusei.inference.sources import find_items

    def complain(path: Path, what: str) -> None:
        failed.append(what)
        tell(f"not captioned: {path}: {what}")

    places = {
        item.path: (item.path if out is None else out / item.relative).with_suffix(".txt")
        for item in find_items(pictures, complain)
    }
    if not places:
        raise DataError(f"no picture was found in {', '.join(pictures)}")
    return places


def _leave_out_written(places: dict[Path, Path]) -> dict[Path, Path]:
    """Give the pictures that have no .txt yet, so that a killed command goes on."""
    from zokusei.cli.console import tell

    left = {path: place for path, place in places.items() if not place.exists()}
    if kept := len(places) - len(left):
        tell(f"{kept} .txt files are there and are kept; --existing replace overwrites them")
    return left


def _refuse_shared(places: dict[Path, Path]) -> None:
    """See that every picture has a .txt of its own."""
    from zokusei.errors import ConfigError

    owners: dict[Path, Path] = {}
    for path, place in places.items():
        if owners.setdefault(place, path) != path:
            raise ConfigError(
                f"{path} and {owners[place]} would both be captioned in {place}; give them apart"
            )
