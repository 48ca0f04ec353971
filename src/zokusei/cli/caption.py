"""`zokusei caption`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")] = "auto",
) -> None:
    """Say what pictures show: a path, a tab and a caption a line.

    Pictures that cannot be read are named on stderr, the others are captioned, and the exit code
    is 3. A .txt file that is there already is kept, and said so, unless `--existing replace`.
    """
    from zokusei.cli.console import counting, tell
    from zokusei.cli.printing import print_json, printable
    from zokusei.errors import ConfigError, ImageError, suggest
    from zokusei.inference import Captioner, Picture
    from zokusei.report.attention_sheet import check_sheet, save_attention_sheet

    if existing not in _EXISTING:
        raise ConfigError(f"unknown --existing {existing!r}{suggest(existing, _EXISTING)}")
    if not write and (out is not None or existing != "keep"):
        raise ConfigError("--out and --existing are about the .txt files of --write; add it")
    failed: list[str] = []
    places = _find_places(pictures, out, failed)
    if write:
        _refuse_shared(places)
    if attention is not None:
        check_sheet(attention, len(places))
    captioner = Captioner.load(model, device=device)

    def on_error(picture: Picture, error: ImageError) -> None:
        del picture  # the message names it
        failed.append(str(error))
        tell(f"not captioned: {error}")

    shown, kept = [], 0
    with counting("captioning", len(places)) as progress:
        for found in captioner.caption(
            places,
            beam=beam,
            length_penalty=length_penalty,
            batch_size=batch_size,
            on_error=on_error,
        ):
            if as_json:
                print_json(found.to_dict())
            else:
                typer.echo(f"{printable(found.path)}\t{found.text}")
            if write:
                kept += not _write(found, places[Path(found.path)], existing)
            if attention is not None:
                shown.append(found)
            progress(1)
    if kept:
        tell(f"{kept} .txt files were there and are kept; --existing replace overwrites them")
    if attention is not None and shown:
        save_attention_sheet(attention, shown, captioner.checkpoint.preprocess)
        tell(f"where the model looked: {attention}")
    if failed:
        tell(f"{len(failed)} of {len(places)} pictures and folders could not be read")
        raise typer.Exit(_FAILED)


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


def _refuse_shared(places: dict[Path, Path]) -> None:
    """See that every picture has a .txt of its own."""
    from zokusei.errors import ConfigError

    owners: dict[Path, Path] = {}
    for path, place in places.items():
        if owners.setdefault(place, path) != path:
            raise ConfigError(
                f"{path} and {owners[place]} would both be captioned in {place}; give them apart"
            )


def _write(found: "Caption", place: Path, existing: str) -> bool:
    """Write the caption; say whether it was written."""
    from zokusei.files import write_text

    if existing == "keep" and place.exists():
        return False
    write_text(place, found.text + "\n")
    return True
