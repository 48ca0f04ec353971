"""`zokusei cartoonize`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

_FAILED = 3
_METHODS = ("white-box", "plain")


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
        typer.Option(help="Weights of the generator; those in the user's data folder by default."),
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
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")] = "auto",
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
    from zokusei.errors import ConfigError, suggest
    from zokusei.stylize.weights import default_weights_path

    if method not in _METHODS:
        raise ConfigError(f"unknown method {method!r}{suggest(method, _METHODS)}")
    if not pictures and import_weights is None:
        raise ConfigError("nothing to draw: give pictures or folders, and --out FOLDER")
    if pictures and out is None:
        raise ConfigError("no place for the drawings; give --out FOLDER")
    path = weights or default_weights_path()
    if import_weights is not None:
        _import(import_weights, path)
    if pictures and out is not None:
        draw, settings = _create(method, path, device)
        _draw_all(pictures, out, draw, {**settings, "size": size}, size, batch_size)


def _import(source: Path, path: Path) -> None:
    from zokusei.cli.console import tell
    from zokusei.stylize.weights import LICENCE, import_weights

    import_weights(source, path)
    tell(f"weights are in {path} ({LICENCE})")


def _create(
    method: str, weights: Path, device: str
) -> tuple[Callable[[Any], Any], dict[str, str | int]]:
    """Give the stylizer, and what its drawings depend on."""
    import hashlib

    from zokusei.inference.backends.torch import choose_device
    from zokusei.stylize.plain import Plain
    from zokusei.stylize.weights import load_generator
    from zokusei.stylize.white_box import WhiteBox

    chosen = choose_device(device)
    if method == "plain":
        return Plain(), {"method": method}
    draw = WhiteBox(load_generator(weights), device=chosen)
    return draw, {"method": method, "weights": hashlib.sha256(weights.read_bytes()).hexdigest()}


def _draw_all(
    pictures: list[Path],
    out: Path,
    draw: Callable[[Any], Any],
    settings: dict[str, str | int],
    size: int,
    batch_size: int,
) -> None:
    from zokusei.cli.console import counting, tell
    from zokusei.errors import ImageError
    from zokusei.stylize.folder import Job, draw_each, list_jobs, open_folder

    jobs = list_jobs(pictures, out)
    open_folder(out, settings)
    left = [job for job in jobs if not job.target.exists()]
    if len(left) < len(jobs):
        tell(f"{len(jobs) - len(left)} of {len(jobs)} pictures are drawn already")
    failed = 0
    with counting("drawing", len(left)) as progress:

        def on_error(job: Job, error: ImageError) -> None:
            nonlocal failed
            del job  # the message names it
            failed += 1
            tell(f"not drawn: {error}")
            progress(1)

        for _ in draw_each(left, draw, size=size, batch_size=batch_size, on_error=on_error):
            progress(1)
    tell(f"{len(left) - failed} pictures drawn into {out} ({settings['method']})")
    if failed:
        tell(f"{failed} of {len(jobs)} pictures could not be drawn")
        raise typer.Exit(_FAILED)
