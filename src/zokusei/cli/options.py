"""Options that several commands have, worded once."""

from typing import Annotated

import typer

Device = Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")]

TaggerFolder = Annotated[
    str,
    typer.Option(
        help="A run, a model folder, an exported model, or another tagger's folder (WD, imgutils, "
        "DeepDanbooru, CL, Camie, RAM); base: the packaged one."
    ),
]

TagThreshold = Annotated[
    list[str] | None,
    typer.Option(metavar="TAG=P", help="The same for one tag; counts most."),
]
