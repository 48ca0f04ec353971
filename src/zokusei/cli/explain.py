"""`zokusei explain`."""

from pathlib import Path
from typing import Annotated

import typer

from zokusei.cli.options import Device

_OWNER = "zokusei:picture"  # which picture a PNG explains


def explain(
    run: Annotated[
        str, typer.Argument(help="A run folder or a model folder; base: the packaged tagger.")
    ],
    picture: Annotated[Path, typer.Argument(help="The picture.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="PNG to write; RUN/explanations/PICTURE.png, of a model folder "
            "./explanations/PICTURE.png.",
        ),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Explain this tag, given or not; may be repeated.")
    ] = None,
    most: Annotated[int, typer.Option(min=0, help="Influences shown either way.")] = 3,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print it as JSON, activation maps included.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Show why a picture gets its tags, as one picture.

        zokusei explain runs/mine picture.png --tag hat

    For each tag: where its activation map is high (bright) and highest (the ring), and, for models
    with a dynamic graph, which other tags raised or lowered it most, in logits: the score less the
    one without the edge from that tag. For a model that reads captions also the caption, word by
    word, with where the captioner looked.
    """
    from PIL.PngImagePlugin import PngInfo

    from zokusei.cli.console import out as console
    from zokusei.cli.console import tell
    from zokusei.cli.printing import print_json
    from zokusei.errors import ConfigError
    from zokusei.files import write_whole
    from zokusei.inference import Tagger
    from zokusei.memory import setting_up

    with setting_up():
        from zokusei.inference.explain import explain_picture
        from zokusei.report.explanation import draw_explanation

        tagger = Tagger.load(run, device=device)
    explanation = explain_picture(tagger, picture, tag)
    target = out or _choose_target(run, picture)
    if target.exists() and picture.exists() and target.samefile(picture):
        raise ConfigError(f"{target} is the picture itself; give another --out")
    with write_whole(target) as temporary:
        owner = PngInfo()
        owner.add_itxt(_OWNER, _name_owner(picture))
        draw_explanation(explanation, most).save(temporary, "PNG", pnginfo=owner)
    if as_json:
        print_json(explanation.to_dict(most))
    else:
        if explanation.caption is not None:
            console.print(f"caption: {explanation.caption.text}", markup=False)
        for reason in explanation.reasons:
            parts = [f"{by:+.2f} {name}" for name, by in reason.list_causes(most)]
            because = f"  ({', '.join(parts)})" if parts else ""
            below = "" if reason.score >= reason.threshold else f", below {reason.threshold:.2f}"
            console.print(f"{reason.name} {reason.score:.2f}{below}{because}", markup=False)
    tell(f"written: {target}")


def _choose_target(run: str, picture: Path) -> Path:
    """Name the file: in the run's folder, or here where that is a model's own.

    A picture of the same name that lies elsewhere has a number.
    """
    from zokusei.model_folder import BASE

    is_run = run != BASE and not (Path(run) / "config.json").exists()
    folder = (Path(run) if is_run else Path()) / "explanations"
    target, number = folder / f"{picture.name}.png", 1
    while target.exists() and _read_owner(target) != _name_owner(picture):
        number += 1
        target = folder / f"{picture.name}-{number}.png"
    return target


def _name_owner(picture: Path) -> str:
    """Name a picture's place so that a PNG can hold it."""
    return str(picture.resolve()).encode("utf-8", "backslashreplace").decode()


def _read_owner(target: Path) -> str | None:
    """Give the picture that a file explains; None of other files."""
    from PIL import Image

    try:
        with Image.open(target) as image:
            return image.info.get(_OWNER)
    except OSError:
        return None
