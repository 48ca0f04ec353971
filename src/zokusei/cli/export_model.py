"""`zokusei export`."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[str, typer.Argument(help="A run folder; base: the packaged tagger.")],
    to: Annotated[str, typer.Option(help="onnx or openvino.")],
    form: Annotated[
        str, typer.Option(help="wd, or imgutils: whose clients the ONNX graph is made for.")
    ] = "wd",
    int8: Annotated[
        bool, typer.Option("--int8", help="Eight-bit numbers, calibrated on training pictures.")
    ] = False,
    bf16: Annotated[
        bool,
        typer.Option(
            "--bf16", help="OpenVINO computes in bfloat16 where the processor has it, much faster."
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to write; RUN/TO, RUN/TO-int8, RUN/TO-bf16..."),
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="Labelled pictures to compare on; the run's.")
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(help="Folder of pictures without labels to compare on; in its place."),
    ] = None,
) -> None:
    """Make a model that needs no torch, and compare it with the trained one.

        zokusei export runs/mine --to onnx

        zokusei tag PICTURES --model runs/mine/onnx

    ONNX runs nearly everywhere; OpenVINO is for processors, and for graphics of Intel. The folder
    holds the graph, tags, thresholds and preprocessing; normalisation and sigmoid are in the graph.
    ONNX takes pictures as WD v3's graphs do, so that other tools run it too; with `--form imgutils`
    it takes them as imgutils gives them, and the folder has the files that imgutils reads. It is
    compared on the validation split, or on `--pictures` where a model came without one as `base`
    does, and not written where it says something else than the trained model.

    With `--bf16` (OpenVINO) the numbers have eight binary digits while they are computed, on recent
    processors of Intel and AMD; others compute as exactly as without it.

    With `--int8` it is about a quarter as large and says something slightly else: the change of mAP
    on validation pictures is printed, and whether it is worth it is yours to say. Of `--pictures`
    every second one is for calibration then.
    """
    from zokusei.cli.console import counting, tell
    from zokusei.errors import ConfigError
    from zokusei.export.folder import export_run
    from zokusei.model_folder import BASE, TAGGER, find_model_folder

    place = find_model_folder(run, TAGGER) if run == BASE else Path(run)
    if out is None and (place / "config.json").exists():
        raise ConfigError(
            f"{run} is a model folder, which an export would change; give --out FOLDER"
        )
    if int8 and bf16:
        raise ConfigError("--int8 and --bf16 are two kinds of numbers; give one of them")
    precision = "int8" if int8 else "bfloat16" if bf16 else "float32"
    kinds = {"imgutils": form == "imgutils", "int8": int8, "bf16": bf16}
    target = out or place / "-".join([to, *(kind for kind, is_it in kinds.items() if is_it)])
    with counting("comparing", None) as progress:
        parity = export_run(
            place, target, to, form=form, precision=precision, manifest=manifest,
            pictures=pictures, progress=progress,
        )  # fmt: skip
    kind = "pictures" if pictures else "validation pictures"
    if parity.unreadable:
        tell(f"{parity.unreadable} {kind} could not be read")
    tell(
        f"{parity.pictures} {kind}: probabilities differ by {parity.largest:.2g} at "
        f"most and {parity.mean:.2g} on average, {parity.changed:.3f} % of the decisions"
    )
    if parity.map_change is not None:
        tell(
            f"mAP {parity.map_before:.2f} before, {parity.map_after:.2f} after "
            f"({parity.map_change:+.2f})"
        )
    tell(f"written: {target}; next: zokusei tag PICTURES --model {target}")
