"""`zokusei explain`."""

import json
from pathlib import Path
from typing import Annotated

import typer


def explain(
    run: Annotated[
        str, typer.Argument(help="A run folder or a model folder; base: the packaged tagger.")
    ],
    picture: Annotated[Path, typer.Argument(help="The picture.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="PNG to write; RUN/explanations/PICTURE.png."),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Explain this tag, given or not; may be repeated.")
    ] = None,
    most: Annotated[int, typer.Option(min=0, help="Influences shown either way.")] = 3,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print it as JSON, activation maps included.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")] = "auto",
) -> None:
    """Show why a picture gets its tags, as one picture.

        zokusei explain runs/mine picture.png --tag hat

    For each tag: where its activation map is high (bright) and highest (the ring), and, for models
    with a dynamic graph, which other tags raised or lowered it most, in logits: the score less the
    one without the edge from that tag. For a model that reads captions also the caption, word by
    word, with where the captioner looked.
    """
    from zokusei.cli.console import out as console
    from zokusei.cli.console import tell
    from zokusei.files import write_whole
    from zokusei.inference import Tagger
    from zokusei.inference.explain import explain_picture
    from zokusei.model_folder import BASE
    from zokusei.report.explanation import draw_explanation

    explanation = explain_picture(Tagger.load(run, device=device), picture, tag)
    place = Path() if run == BASE else Path(run)
    target = out or place / "explanations" / f"{picture.name}.png"
    with write_whole(target) as temporary:
        draw_explanation(explanation, most).save(temporary, "PNG")
    if as_json:
        typer.echo(json.dumps(explanation.to_dict(most), ensure_ascii=False))
    else:
        if explanation.caption is not None:
            console.print(f"caption: {explanation.caption.text}", markup=False)
        for reason in explanation.reasons:
            raised, lowered = reason.strongest(most)
            parts = [f"{by:+.2f} {name}" for name, by in {**raised, **lowered}.items()]
            because = f"  ({', '.join(parts)})" if parts else ""
            below = "" if reason.score >= reason.threshold else f", below {reason.threshold:.2f}"
            console.print(f"{reason.name} {reason.score:.2f}{below}{because}", markup=False)
    tell(f"written: {target}")
