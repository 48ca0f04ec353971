"""Judging a captioner's run: captions written freely, BLEU and CIDEr."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zokusei.captioning.metrics import compute_caption_metrics
from zokusei.data.manifest import Manifest
from zokusei.errors import DataError, ImageError
from zokusei.files import write_json
from zokusei.images import Picture
from zokusei.inference.captioner import Captioner
from zokusei.run_folder import read_environment


def evaluate_captions(
    run: Path | str,
    *,
    split: str = "test",
    manifest: Path | str | None = None,
    beam: int = 3,
    batch_size: int = 64,
    device: str = "auto",
    progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Judge a run's captioner, and leave figures and captions in its folder.

    Args:
        run: the run folder.
        split: `train`, `val` or `test`.
        manifest: pictures with captions to judge on; the run's own by default.
        beam: beginnings that the search keeps.
        batch_size: pictures a pass.
        device: see `choose_device`.
        progress: told the number of pictures done.

    Returns:
        What `evaluation-SPLIT.json` holds: figures in per cent, sacrebleu's signature, and the
        captions with their references.

    Raises:
        DataError: that split has no picture with captions, or none that can be read.
        CheckpointError: the run has no finished captioner.
    """
    run = Path(run)
    pictures = Manifest.load(manifest or run / "manifest.parquet").select(split)
    evaluation = {
        "split": split,
        **judge_captions(
            Captioner.load(run, device=device),
            pictures,
            f"the split {split!r} of {manifest or run}",
            beam=beam,
            batch_size=batch_size,
            progress=progress,
        ),
        "manifest": str(Path(manifest).absolute()) if manifest else None,
    }
    write_json(run / f"evaluation-{split}.json", evaluation)
    return evaluation


def judge_captions(
    captioner: Captioner,
    pictures: Manifest,
    name: str,
    *,
    beam: int = 3,
    batch_size: int = 64,
    progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Have pictures captioned and compare that with what people say of them.

    Args:
        captioner: what is judged.
        pictures: those without captions are left out.
        name: what messages call them.
        beam: beginnings that the search keeps.
        batch_size: pictures a pass.
        progress: told the number of pictures done.

    Returns:
        Figures in per cent, sacrebleu's signature, and the captions with their references.

    Raises:
        DataError: no picture has captions, or none can be read.
    """
    wanted = {
        str(path): (file, texts)
        for path, file, texts in zip(
            pictures.paths, pictures.column("path"), pictures.column("captions"), strict=True
        )
        if texts
    }
    if not wanted:
        raise DataError(f"{name} holds no picture with captions")
    problems: list[str] = []

    def on_error(picture: Picture, error: ImageError) -> None:
        del picture  # the message names it
        problems.append(str(error))

    entries = []
    for caption in captioner.caption(wanted, beam=beam, batch_size=batch_size, on_error=on_error):
        file, texts = wanted[caption.path]
        entries.append({"path": file, "caption": caption.text, "references": texts})
        if progress is not None:
            progress(1)
    if not entries:
        raise DataError(f"no picture of {name} can be read: {problems[0]}")
    metrics = compute_caption_metrics(
        [entry["caption"] for entry in entries], [entry["references"] for entry in entries]
    )
    return {
        "pictures": len(entries),
        "beam": beam,
        "metrics": metrics.as_row(),
        "signature": metrics.signature,
        "unreadable": len(problems),
        "problems": problems,
        "captions": entries,
    }


def caption_row(run: Path | str, evaluation: dict[str, Any]) -> dict[str, Any]:
    """Give an evaluated captioner as a row of `zokusei.results`; CIDEr is left to other tables."""
    from zokusei.captioner_config import CaptionerConfig
    from zokusei.config_file import load_config

    run = Path(run)
    config = load_config(run / "config.yaml", kind=CaptionerConfig)
    log = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = sorted(record["images_per_second"] for record in log if record["kind"] == "step")
    environment = read_environment(run)
    return {
        **{name: value for name, value in evaluation["metrics"].items() if name != "cider"},
        "experiment": config.name,
        "corpus": Path(config.data.images or config.data.path).stem,
        "split": evaluation["split"],
        "model": "show_attend_tell",
        "preset": f"{config.model.backbone}-{config.preprocess.size}-beam{evaluation['beam']}",
        "seed": config.train.seed,
        "images_per_second": steps[len(steps) // 2],
        "seconds": max(record["seconds"] for record in log if record["kind"] == "epoch"),
        "commit": environment["commit"],
        "config": config.name,
        "hardware": environment["hardware"],
    }
