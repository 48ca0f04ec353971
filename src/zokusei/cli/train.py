"""`zokusei train`."""

from pathlib import Path
from typing import Annotated

import typer


def train(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CONFIG.yaml] [key=value ...]",
            help="A configuration, and settings that override it (optimizer.lr=0.001).",
        ),
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Pictures with .txt sidecars or one CSV (file,tags); needs no configuration.",
        ),
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="Run folder; runs/NAME by default. Continued when killed.")
    ] = None,
) -> None:
    """Train a tagger; killed, the same command goes on where it was.

    From a configuration:

        zokusei train configs/anime-faces.yaml train.epochs=3

    From a folder of pictures with sidecars or a CSV, all else chosen from the data:

        zokusei train --images my-pictures --out runs/mine
    """
    from zokusei.cli.console import TrainingProgress, tell
    from zokusei.config import load_config
    from zokusei.errors import ConfigError, MissingExtraError

    given = arguments or []
    files = [argument for argument in given if "=" not in argument]
    overrides = [argument for argument in given if "=" in argument]
    if len(files) > 1:
        raise ConfigError(f"one configuration at a time, not {', '.join(files)}")
    if not files and images is None and not any(o.startswith("data.path=") for o in overrides):
        raise ConfigError("nothing to train on: give a CONFIG.yaml or --images FOLDER")
    if images is not None:
        overrides = [f"data.path={images}", f"name={Path(images).resolve().name}", *overrides]
    config = load_config(files[0] if files else None, overrides)
    try:
        from zokusei.training.classifier import train_classifier
    except ModuleNotFoundError as error:
        if error.name != "accelerate":
            raise
        raise MissingExtraError("accelerate", "train", "training") from error
    folder = Path(out or config.out or Path("runs") / config.name)
    progress = TrainingProgress()
    try:
        checkpoint = train_classifier(config, folder, progress, tell)
    finally:
        progress.close()
    tell(f"validation mAP {checkpoint.metrics['map']:.2f} %; next: zokusei evaluate {folder}")
