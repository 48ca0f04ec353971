"""`zokusei tag`."""

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zokusei.corpora.problems import Problems
    from zokusei.inference.sources import Item

_FAILED = 3


def tag(
    pictures: Annotated[
        list[str],
        typer.Argument(help="Pictures, folders, patterns; - reads a list of them from stdin."),
    ],
    model: Annotated[
        Path, typer.Option(help="A run, a model folder, an exported model, or a WD-style folder.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="One object a line: path, tags, all scores.")
    ] = False,
    null: Annotated[
        bool, typer.Option("--null", "-0", help="Names on stdin end with a zero byte.")
    ] = False,
    errors: Annotated[
        Path | None, typer.Option(help="Also list what was left out here, one object a line.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures a pass.")] = 16,
    workers: Annotated[int, typer.Option(min=1, help="Threads that decode.")] = 2,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")] = "auto",
) -> None:
    """Print the tags of pictures, the most probable first.

    Pictures that cannot be read are named on stderr, the others are tagged, and the exit code is 3.
    """
    from zokusei.cli.console import CollectionProgress, tell
    from zokusei.cli.printing import print_json, print_tags
    from zokusei.corpora.problems import Problems
    from zokusei.errors import DataError, ImageError
    from zokusei.inference import Picture, Tagger

    tagger = Tagger.load(model, device=device)
    tell(tagger.describe())
    problems, tagged = Problems(), 0
    try:
        with CollectionProgress("tagging") as progress:
            count_ahead(pictures, progress.set_total)

            def on_error(picture: Picture, error: ImageError) -> None:
                progress.advance()
                problems.add(str(picture), str(error))
                tell(f"not tagged: {error}")

            for tags in tagger.tag(
                (item.path for item in list_items(pictures, null, problems)),
                batch_size=batch_size,
                on_error=on_error,
                workers=workers,
            ):
                progress.advance()
                tagged += 1
                if as_json:
                    print_json(tags.to_dict())
                else:
                    print_tags(tags)
            speed = progress.images_per_second
    finally:
        if errors is not None:
            problems.save(errors)
    if not tagged and not problems.lost:
        raise DataError(f"no picture was found in {', '.join(pictures)}")
    tell(f"{tagged} pictures tagged, {speed:.1f} images/s on {tagger.backend.place}")
    if problems.lost:
        tell(f"{problems.lost} of {tagged + problems.lost} pictures could not be read")
        raise typer.Exit(_FAILED)


def list_items(pictures: list[str], null: bool, problems: "Problems") -> Iterator["Item"]:
    """Give what the arguments mean; `-` stands for the names on stdin."""
    from zokusei.inference.sources import find_items, read_list

    def names() -> Iterator[Path | str]:
        for given in pictures:
            if given == "-":
                yield from read_list(sys.stdin.buffer, zero=null)
            else:
                yield given

    return find_items(names(), problems.add)


def count_ahead(pictures: list[str], tell_total: Callable[[int], None]) -> None:
    """Count the pictures beside the work, so that time left can be shown; not those of stdin."""
    from zokusei.errors import ZokuseiError
    from zokusei.inference.sources import find_items

    def count() -> None:
        try:
            tell_total(sum(1 for _ in find_items(pictures, lambda *_: None)))
        except ZokuseiError:
            return  # the work itself says it

    if "-" not in pictures and sys.stderr.isatty():
        threading.Thread(target=count, daemon=True).start()
