"""`zokusei evaluate`."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    manifest: Annotated[
        Path | None, typer.Option(help="Judge on another manifest than the run's own.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="Append one row to this CSV of results.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures a pass.")] = 64,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")] = "auto",
) -> None:
    """Judge a trained tagger on pictures that it never saw.

    Prints the figures of the field (mAP, OP OR OF1 CP CR CF1, macro-F1) and a table per tag, and
    leaves `evaluation-SPLIT.json` and `scores-SPLIT.parquet` in the run folder.
    """
    from zokusei.cli.console import counting, tell
    from zokusei.cli.tables import print_evaluation
    from zokusei.inference.evaluate import evaluate_run, result_row
    from zokusei.results import append_result

    with counting(f"evaluating {split}", None) as progress:
        evaluation = evaluate_run(
            run,
            split=split,
            manifest=manifest,
            batch_size=batch_size,
            device=device,
            progress=progress,
        )
    print_evaluation(evaluation)
    for problem in evaluation["problems"]:
        tell(f"not used: {problem}")
    if results is not None:
        append_result(results, result_row(run, evaluation))
        tell(f"one row added to {results}")
    tell(f"written: {run / f'evaluation-{split}.json'}; next: zokusei report {run}")
