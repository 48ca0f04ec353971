"""`zokusei evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from zokusei.cli.options import Device


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    manifest: Annotated[
        Path | None, typer.Option(help="Judge on another manifest than the run's own.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            help="What the judgement and its files are called; the split, with --manifest the "
            "name of its file or folder."
        ),
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="Append one row to this CSV of results.")
    ] = None,
    beam: Annotated[
        int | None,
        typer.Option(min=1, max=100, help="Of a captioner's search; 3 by default."),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures a pass.")] = 64,
    device: Device = "auto",
) -> None:
    """Judge a trained tagger or captioner on pictures that it never saw.

    For a tagger prints the figures of the field (mAP, OP OR OF1 CP CR CF1, macro-F1) and a table
    per tag, and leaves `evaluation-NAME.json` and `scores-NAME.parquet` in the run folder. Another
    manifest never takes the place of the run's own judgement; one that was never divided is judged
    as a whole, and tags that only one of model and manifest has are named. For a captioner prints
    BLEU-1 to 4 and CIDEr of captions written freely, with sacrebleu's signature, and leaves
    `evaluation-SPLIT.json`.
    """
    from zokusei.errors import ConfigError
    from zokusei.model_folder import read_kind
    from zokusei.results import append_result, read_results

    if results is not None and results.exists():
        read_results(results)  # what is no table is refused before the work
    if read_kind(run) == "captioner":
        if name is not None:
            raise ConfigError("--name is for taggers, and this run holds a captioner; leave it out")
        _evaluate_captioner(run, split, manifest, results, beam or 3, batch_size, device)
        return
    if beam is not None:
        raise ConfigError("--beam is for captioners, and this run holds a tagger; leave it out")
    from zokusei.cli.console import counting, tell
    from zokusei.cli.tables import describe_tags, print_evaluation
    from zokusei.inference.evaluate import evaluate_run, result_row

    evaluation = evaluate_run(
        run,
        split=split,
        manifest=manifest,
        name=name,
        batch_size=batch_size,
        device=device,
        counting=counting,
    )
    print_evaluation(evaluation)
    for line in describe_tags(evaluation):
        tell(line)
    for problem in evaluation["problems"]:
        tell(f"not used: {problem}")
    if lost := evaluation["unreadable"]:
        tell(f"{lost} of {evaluation['pictures']} pictures could not be read, and judge nothing")
    if results is not None:
        append_result(results, result_row(run, evaluation))
        tell(f"one row added to {results}")
    called = evaluation["name"]
    shown = f"zokusei report {run}" + ("" if called == "test" else f" --split {called}")
    tell(f"written: {run / f'evaluation-{called}.json'}; next: {shown}")


def _evaluate_captioner(
    run: Path,
    split: str,
    manifest: Path | None,
    results: Path | None,
    beam: int,
    batch_size: int,
    device: str,
) -> None:
    from zokusei.cli.console import counting, out, tell
    from zokusei.inference.evaluate_captions import caption_row, evaluate_captions
    from zokusei.results import append_result

    with counting(f"captioning {split}", None) as progress:
        evaluation = evaluate_captions(
            run,
            split=split,
            manifest=manifest,
            beam=beam,
            batch_size=batch_size,
            device=device,
            progress=progress,
        )
    figures = evaluation["metrics"]
    bleu = "  ".join(f"BLEU-{order} {figures[f'bleu{order}']:.1f}" for order in range(1, 5))
    out.print(f"{bleu}  CIDEr {figures['cider']:.1f}", markup=False)
    out.print(f"{evaluation['pictures']} pictures ({split}), beam {beam}", markup=False)
    out.print(f"sacrebleu {evaluation['signature']}", markup=False)
    for problem in evaluation["problems"]:
        tell(f"not used: {problem}")
    if results is not None:
        append_result(results, caption_row(run, evaluation))
        tell(f"one row added to {results}")
    tell(f"written: {run / f'evaluation-{split}.json'}")
