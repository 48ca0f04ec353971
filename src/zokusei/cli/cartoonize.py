"""`zokusei cartoonize`."""

from pathlib import Path
from typing import Annotated

import typer

from zokusei.cli.options import Device

_FAILED = 3


def cartoonize(
    pictures: Annotated[
        list[Path] | None, typer.Argument(help="Photographs, and folders of them.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the drawings; layout is kept.")
    ] = None,
    method: Annotated[
        str,
        typer.Option(help="white-box (needs weights), or plain: image processing without any."),
    ] = "white-box",
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Weights of the generator, and where imported ones are written; in the user's "
            "data folder by default."
        ),
    ] = None,
    import_weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="First take the weights from a published .tflite or .onnx."
        ),
    ] = None,
    size: Annotated[
        int, typer.Option(min=1, help="Shrink the shorter side to at most this many pixels.")
    ] = 720,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures a pass.")] = 8,
    device: Device = "auto",
) -> None:
    """Draw photographs as cartoon pictures.

    The White-box weights are their authors' (CC BY-NC-SA 4.0, no commercial use) and not part of
    this package. Import your copy once:

        zokusei cartoonize --import-weights whitebox_cartoon_gan_fp16.tflite

        zokusei cartoonize photographs -o cartoons

    What is there already is not drawn again, so that a killed command goes on; what is there goes
    by its name alone, so give other pictures of the same names another --out. Pictures that cannot
    be read or written are named on stderr, the others are drawn, and the exit code is 3.
    """
    from zokusei.errors import ConfigError
    from zokusei.stylize.methods import check_method
    from zokusei.stylize.weights import default_weights_path

    check_method(method)
    if not pictures and import_weights is None:
        raise ConfigError("nothing to draw: give pictures or folders, and --out FOLDER")
    if pictures and out is None:
        raise ConfigError("no place for the drawings; give --out FOLDER")
    path = weights or default_weights_path()
    if import_weights is not None:
        _import(import_weights, path)
    if pictures and out is not None:
        _draw(pictures, out, method, path, device, size, batch_size)


def _import(source: Path, path: Path) -> None:
    from zokusei.cli.console import tell
    from zokusei.stylize.weights import LICENCE, import_weights

    import_weights(source, path)
    tell(f"weights are in {path} ({LICENCE})")


def _draw(
    pictures: list[Path],
    out: Path,
    method: str,
    weights: Path,
    device: str,
    size: int,
    batch_size: int,
) -> None:
    from zokusei.cli.console import counting, tell
    from zokusei.inference.backends.torch import choose_device
    from zokusei.stylize.folder import draw_folder
    from zokusei.stylize.methods import create_stylizer

    draw, settings = create_stylizer(method, weights, choose_device(device))
    drawn, failed = draw_folder(
        pictures, out, draw, settings, size=size, batch_size=batch_size, tell=tell,
        counting=counting,
    )  # fmt: skip
    tell(f"{drawn} pictures drawn into {out} ({method})")
    if failed:
        raise typer.Exit(_FAILED)
