"""The folder of an exported model: a graph, and all that a user of it needs."""

import csv
import io
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zokusei import __version__
from zokusei.checkpoint import Checkpoint, load_checkpoint
from zokusei.data.manifest import Manifest
from zokusei.errors import ConfigError, ModelError, suggest
from zokusei.export.graph import OUTPUTS, write_onnx
from zokusei.export.openvino_file import write_openvino
from zokusei.export.parity import Parity, measure_parity
from zokusei.export.pictures import choose_pictures
from zokusei.export.quantize import quantize
from zokusei.files import write_json, write_text
from zokusei.inference.backends import create_backend
from zokusei.inference.backends.torch import TorchBackend
from zokusei.inference.exported import FILES, FORMS, describe_form, find_runtime, load_exported
from zokusei.inference.steps import describe_steps
from zokusei.model_folder import FORMAT_VERSION, describe_metrics, write_model_folder
from zokusei.tags import CATEGORIES, TagSet, write_threshold

PRECISIONS = ("float32", "bfloat16", "int8")
"""What an exported model may be computed in."""

CLIENTS = {"wd": "any tool that runs WD v3 taggers from a folder", "imgutils": "imgutils"}
"""The forms that a graph can be asked for in, and what runs it then."""

_WRITTEN = {
    *FILES.values(), "model.onnx.data", "model.bin", "config.json", "tags.csv",
    "selected_tags.csv", "preprocess.json", "categories.json", "thresholds.csv",
    "metrics.json", "README.md",
}  # fmt: skip
"""All that an exported model may consist of."""

# How far probabilities may lie off. Libraries of float32 differ by less than a hundredth of this in
# any of them. In bfloat16 a face may be found elsewhere, and its colours differ for good: there the
# mean tells a broken graph, of which a dead one has a share of 1. What eight bits cost is for the
# user to judge.
_FARTHEST, _LARGEST_SHARE = 1e-3, 0.5


def export_run(
    run: Path | str,
    out: Path | str,
    runtime: str,
    *,
    form: str = "wd",
    precision: str = "float32",
    manifest: Path | str | None = None,
    pictures: Path | str | None = None,
    progress: Callable[[int], None] | None = None,
) -> Parity:
    """Export a trained model, and compare it with the trained one on pictures.

    Args:
        run: a run folder or a checkpoint folder.
        out: the folder to write; appears when it is complete and agrees.
        runtime: `onnx` or `openvino`.
        form: with `onnx` one of `CLIENTS`, which the graph is made for; OpenVINO has one form.
        precision: one of `PRECISIONS`: `int8` is calibrated on training pictures, smaller, and not
            the same; `bfloat16`, with `openvino`, is computed so where the processor has it.
        manifest: labelled pictures to compare (`val`) and calibrate (`train`) on; the run's own by
            default.
        pictures: a folder of pictures without labels, in place of a manifest; there is no mAP
            then.
        progress: told the number of pictures compared, batch by batch.

    Raises:
        CheckpointError: the run has no finished model.
        ConfigError: runtime, form or precision are unknown or do not go together, `out` is a folder
            of something else, or both kinds of pictures are given.
        DataError: there are no pictures to compare on.
        ModelError: the model cannot be exported, or says something else afterwards.
        MissingExtraError: a library is not installed.
    """
    _check_form(runtime, form, precision)
    run, out, int8 = Path(run), Path(out), precision == "int8"
    form = "openvino" if runtime == "openvino" else form
    check_target(out)
    checkpoint = load_checkpoint(run)
    compared, calibration = choose_pictures(
        run, checkpoint.tags, manifest, pictures, calibrate=int8
    )
    found: list[Parity] = []

    def write(fresh: Path) -> None:
        _write_graph(fresh, checkpoint, runtime, form)
        if calibration is not None:
            _quantize(fresh / FILES[runtime], checkpoint, runtime, form, calibration)
        _describe(fresh, checkpoint, runtime, form, precision)
        parity = _compare(fresh, checkpoint, compared, progress)
        _refuse_another(parity, precision, f"{checkpoint.model.name!r} exported to {runtime}")
        _add_figures(fresh, checkpoint, runtime, form, precision, parity)
        found.append(parity)

    write_model_folder(out, write)
    return found[0]


def _refuse_another(parity: Parity, precision: str, what: str) -> None:
    """Refuse a graph that says something else.

    Raises:
        ModelError: it does.
    """
    if not math.isfinite(parity.mean):
        raise ModelError(f"{what} gives probabilities that are no numbers; nothing was written")
    if precision == "float32" and parity.largest > _FARTHEST:
        raise ModelError(
            f"{what} gives a probability that lies {parity.largest:.2g} from the trained model's, "
            f"and {_FARTHEST:g} is allowed; nothing was written"
        )
    if precision == "bfloat16" and parity.share > _LARGEST_SHARE:
        raise ModelError(
            f"{what} in bfloat16 gives probabilities that lie {parity.share:.0%} from the trained "
            f"model's on average, and {_LARGEST_SHARE:.0%} is allowed; nothing was written"
        )


def _quantize(
    graph: Path, checkpoint: Checkpoint, runtime: str, form: str, pictures: Manifest
) -> None:
    """Replace the graph by one of eight-bit numbers."""
    model = checkpoint.model
    competing = model.one_of is not None or model.second_look is not None or model.mirror
    quantize(graph, runtime, pictures, checkpoint.preprocess, FORMS[form], competing=competing)


def _check_form(runtime: str, form: str, precision: str) -> None:
    """Refuse what is unknown, or does not go together.

    Raises:
        ConfigError: it does not.
    """
    if runtime not in FILES:
        raise ConfigError(f"unknown runtime {runtime!r}{suggest(runtime, FILES)}")
    if form not in CLIENTS:
        raise ConfigError(f"unknown form {form!r}{suggest(form, CLIENTS)}")
    if precision not in PRECISIONS:
        raise ConfigError(f"unknown precision {precision!r}{suggest(precision, PRECISIONS)}")
    if precision == "bfloat16" and runtime != "openvino":
        raise ConfigError("bfloat16 is what OpenVINO computes in; give --to openvino")
    if form != "wd" and runtime != "onnx":
        raise ConfigError(f"the form {form!r} is for clients that run ONNX; give --to onnx")


def _compare(
    folder: Path,
    checkpoint: Checkpoint,
    pictures: Manifest,
    progress: Callable[[int], None] | None,
) -> Parity:
    """Let the trained model and the one in the folder judge the same pictures."""
    return measure_parity(
        TorchBackend(checkpoint, "cpu"),
        create_backend(load_exported(folder), "cpu"),
        pictures,
        checkpoint.tags,
        checkpoint.preprocess,
        progress=progress,
    )


def _write_graph(folder: Path, checkpoint: Checkpoint, runtime: str, form: str) -> None:
    """Write the file of the runtime, and leave no other."""
    graph = folder / FILES["onnx"]
    write_onnx(graph, checkpoint.model, checkpoint.preprocess, form)
    if runtime == "openvino":
        write_openvino(graph, folder / FILES["openvino"])
        graph.unlink()


def check_target(out: Path) -> None:
    """Refuse to put an exported model in the place of something else.

    Raises:
        ConfigError: `out` is there, and no exported model.
    """
    if not out.exists():
        return
    if not out.is_dir() or any(out.iterdir()):
        replaceable = (out / "config.json").is_file() and find_runtime(out) is not None
        if not replaceable:
            raise ConfigError(f"{out} is there and no exported model; name another with --out")
        others = sorted(path.name for path in out.iterdir() if path.name not in _WRITTEN)
        if others:
            raise ConfigError(
                f"{out} holds {', '.join(others[:3])} beside an exported model, which would be "
                "lost; move it away, or name another folder with --out"
            )


def _describe(
    folder: Path, checkpoint: Checkpoint, runtime: str, form: str, precision: str
) -> None:
    """Write what `load_exported` reads, and the files that other tools read."""
    config = {
        "format_version": FORMAT_VERSION,
        "model": checkpoint.model.name,
        "runtime": runtime,
        "precision": precision,
        "form": describe_form(FORMS[form]),
        "provenance": {**checkpoint.provenance, "exported_by": f"zokusei {__version__}"},
    }
    write_json(folder / "config.json", config)
    checkpoint.tags.save(folder / "tags.csv")
    save_selected_tags(folder / "selected_tags.csv", checkpoint.tags)
    if form == "imgutils":
        own, steps = checkpoint.preprocess.to_dict(), describe_steps(checkpoint.preprocess)
        write_json(folder / "preprocess.json", {**own, **steps})
        save_categories(folder, checkpoint.tags)
    else:
        # With steps beside it, imgutils would feed a graph of WD's form what it does not take.
        checkpoint.preprocess.save(folder / "preprocess.json")


def save_selected_tags(path: Path, tags: TagSet) -> None:
    """Write the tag list as WD's and imgutils' readers expect it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["tag_id", "name", "category", "count", "best_threshold"])
    for index, tag in enumerate(tags):
        writer.writerow([index, tag.name, tag.category, tag.count, write_threshold(tag.threshold)])
    write_text(path, text.getvalue())


def save_categories(folder: Path, tags: TagSet) -> None:
    """Write names and thresholds of the categories as imgutils' reader expects them.

    It takes the threshold of a category where those of the tags are switched off; there is none
    of a category here, so that the median of its tags stands for it.
    """
    found: dict[int, list[float]] = {}
    for tag in tags:
        found.setdefault(tag.category, []).append(tag.threshold)
    numbers = sorted(found)
    names = [{"category": n, "name": CATEGORIES.get(n, f"category_{n}")} for n in numbers]
    write_json(folder / "categories.json", names)
    rows = [f"{n},{statistics.median(found[n]):.6g}\n" for n in numbers]
    write_text(folder / "thresholds.csv", "".join(["category,threshold\n", *rows]))


def _add_figures(
    folder: Path, checkpoint: Checkpoint, runtime: str, form: str, precision: str, parity: Parity
) -> None:
    figures: dict[str, Any] = {**checkpoint.metrics, "parity": parity.to_dict()}
    write_json(folder / "metrics.json", figures)
    write_text(folder / "README.md", _model_card(checkpoint, runtime, form, precision, parity))


def _model_card(
    checkpoint: Checkpoint, runtime: str, form: str, precision: str, parity: Parity
) -> str:
    preprocess, provenance = checkpoint.preprocess, checkpoint.provenance
    about = "\n".join(f"- {name}: {value}" for name, value in provenance.items())
    size = preprocess.size
    kind, maps = "validation pictures", ""
    if parity.map_before is None:
        kind = "pictures without labels"
    else:
        maps = f", mAP goes from\n{parity.map_before:.2f} to {parity.map_after:.2f}"
    others = f", or {CLIENTS[form]}" if form in CLIENTS else ""
    takes = {
        "wd": f"float32, batch x {size} x {size} x 3, blue first, 0 to 255",
        "imgutils": f"float32, batch x 3 x {size} x {size}, red first, normalised",
        "openvino": f"bytes, batch x {size} x {size} x 3, red first, 0 to 255",
    }
    inside = "are applied inside"
    if FORMS[form].wants_normalized:
        inside = "are applied by whoever makes the input"
    scores, *more = OUTPUTS[form]
    numbers = {
        "float32": "float32",
        "bfloat16": "computed in bfloat16 where the processor has it",
        "int8": "weights and activations in eight bits, calibrated on pictures",
    }
    return f"""# {provenance.get("name", checkpoint.model.name)}, for {runtime}

A multi-label tagger for anime illustrations with {len(checkpoint.tags)} tags, exported by zokusei.

- file: `{FILES[runtime]}`
- numbers: {numbers[precision]}
- input `input`: {takes[form]}; any batch size
- outputs: `{scores}` (probabilities, batch x {len(checkpoint.tags)}), {", ".join(more)}
- the mean and deviation of `preprocess.json` {inside}; size, fit ({preprocess.fit}) and
  interpolation ({preprocess.interpolation}) are for whoever makes the input
- tags, in the order of the outputs: `tags.csv` with each tag's threshold, `selected_tags.csv` for
  other tools
{about}

Use it: `zokusei tag PICTURE --model FOLDER`{others}.

Against the trained model, on {parity.pictures} {kind}: probabilities differ by at most
{parity.largest:.2g}, {parity.changed:.3f} % of the decisions differ{maps}.

Figures of the trained model on the validation split, rates in per cent:

{describe_metrics(checkpoint.metrics)}
"""
