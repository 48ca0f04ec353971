"""`zokusei train`."""

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zokusei.captioner_config import CaptionerConfig
    from zokusei.config import Config
    from zokusei.white_box_config import WhiteBoxConfig


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
    """Train a tagger, a cartoonizer or a captioner; killed, the same command goes on where it was.

    From a configuration:

        zokusei train configs/anime-faces.yaml train.epochs=3

    From a folder of pictures with sidecars or a CSV, all else chosen from the data:

        zokusei train --images my-pictures --out runs/mine

    What is trained is the configuration's `recipe`: `classifier`, `white-box` or `captioner`.
    """
    from zokusei.config_file import read_recipe
    from zokusei.errors import ConfigError, MissingExtraError, suggest

    given = arguments or []
    files = [argument for argument in given if "=" not in argument]
    overrides = [argument for argument in given if "=" in argument]
    if len(files) > 1:
        raise ConfigError(f"one configuration at a time, not {', '.join(files)}")
    if images is not None:
        # Overrides are YAML, in which a folder's name may be a number, or hold a comment.
        named = {"data.path": str(images), "name": Path(images).resolve().name}
        overrides = [*(f"{key}={json.dumps(value)}" for key, value in named.items()), *overrides]
    path = files[0] if files else None
    recipe = read_recipe(path, overrides)
    has_data = bool(files) or any(override.startswith("data.path=") for override in overrides)
    if recipe == "classifier" and not has_data:
        raise ConfigError("nothing to train on: give a CONFIG.yaml or --images FOLDER")
    recipes = {
        "classifier": _train_classifier,
        "white-box": _train_white_box,
        "captioner": _train_captioner,
    }
    if recipe == "white-box" and images is not None:
        raise ConfigError(
            "--images is for taggers; a white-box training takes pictures.photographs=FOLDER and "
            "pictures.drawings=FOLDER"
        )
    if recipe == "captioner" and images is not None:
        raise ConfigError("--images is for taggers; a captioner takes data.path=CORPUS")
    if recipe not in recipes:
        raise ConfigError(f"unknown recipe {recipe!r}{suggest(recipe, recipes)}")
    try:
        recipes[recipe](path, overrides, out)
    except ModuleNotFoundError as error:
        if error.name != "accelerate":
            raise
        raise MissingExtraError("accelerate", "train", "training") from error


def _train_classifier(path: str | None, overrides: list[str], out: str | None) -> None:
    from zokusei.cli.console import TrainingProgress, counting, tell
    from zokusei.config_file import load_config
    from zokusei.training.classifier import train_classifier

    config = load_config(path, overrides)
    folder = _choose_folder(config, out)
    with closing(TrainingProgress()) as progress:
        checkpoint = train_classifier(config, folder, progress, tell, counting)
    found = checkpoint.metrics["map"]  # None where no validation picture has any tag
    said = "no tag to be found in validation" if found is None else f"validation mAP {found:.2f} %"
    tell(f"{said}; next: zokusei evaluate {folder}")


def _train_white_box(path: str | None, overrides: list[str], out: str | None) -> None:
    from zokusei.cli.console import WhiteBoxProgress, tell
    from zokusei.config_file import load_config
    from zokusei.training.white_box import train_white_box
    from zokusei.white_box_config import WhiteBoxConfig

    config = load_config(path, overrides, kind=WhiteBoxConfig)
    with closing(WhiteBoxProgress()) as progress:
        weights = train_white_box(config, _choose_folder(config, out), progress, tell)
    tell(f"next: zokusei cartoonize FOLDER -o OUT --weights {weights}")


def _train_captioner(path: str | None, overrides: list[str], out: str | None) -> None:
    from zokusei.captioner_config import CaptionerConfig
    from zokusei.cli.console import CaptionerProgress, counting, tell
    from zokusei.config_file import load_config
    from zokusei.training.captioner import train_captioner

    config = load_config(path, overrides, kind=CaptionerConfig)
    folder = _choose_folder(config, out)
    with closing(CaptionerProgress()) as progress:
        train_captioner(config, folder, progress, tell, counting)
    tell(f"next: zokusei evaluate {folder}; zokusei caption PICTURES --model {folder}")


def _choose_folder(config: "Config | WhiteBoxConfig | CaptionerConfig", out: str | None) -> Path:
    return Path(out or config.out or Path("runs") / config.name)
