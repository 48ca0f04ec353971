"""`zokusei tag`."""

import json
from pathlib import Path
from typing import Annotated

import typer

_FAILED = 3


def tag(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures, and folders of them.")],
    model: Annotated[Path, typer.Option(help="A run folder or a model folder.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="One object a line: path, tags, all scores.")
    ] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures a pass.")] = 16,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")] = "auto",
) -> None:
    """Print the tags of pictures, the most probable first.

    Pictures that cannot be read are named on stderr, the others are tagged, and the exit code is 3.
    """
    from zokusei.cli.console import counting, out, tell
    from zokusei.errors import DataError, ImageError
    from zokusei.images import find_images
    from zokusei.inference import Picture, Tagger

    paths = [
        path for given in pictures for path in (find_images(given) if given.is_dir() else [given])
    ]
    if not paths:
        raise DataError(f"no picture was found in {', '.join(map(str, pictures))}")
    tagger = Tagger.load(model, device=device)
    failed: list[str] = []

    def on_error(picture: Picture, error: ImageError) -> None:
        del picture  # the message names it
        failed.append(str(error))
        tell(f"not tagged: {error}")

    with counting("tagging", len(paths)) as progress:
        for tags in tagger.tag_each(paths, batch_size=batch_size, on_error=on_error):
            if as_json:
                typer.echo(json.dumps(tags.to_dict(), ensure_ascii=False))
            else:
                shown = ", ".join(f"{name} ({tags.scores[name]:.2f})" for name in tags.names)
                out.print(f"{tags.path}: {shown or '(no tag)'}", markup=False)
            progress(1)
    if failed:
        tell(f"{len(failed)} of {len(paths)} pictures could not be read")
        raise typer.Exit(_FAILED)
