"""The recipe of a captioner: pictures with captions in, a run folder with a writer out.

```
RUN/config.yaml        every setting as it was used
RUN/environment.json   versions, commit, hardware
RUN/captioner.json     of a training that starts from a captioner: which one that was
RUN/manifest.parquet   the pictures, the captions that are learnt, the splits
RUN/errors.jsonl       what could not be read, if anything
RUN/metrics.jsonl      the log; every epoch BLEU and CIDEr of captions written freely
RUN/state.safetensors  what a killed training goes on from
RUN/model/             the checkpoint
```
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from zokusei.caption_checkpoint import CaptionCheckpoint, save_caption_checkpoint
from zokusei.captioner_config import CaptionerConfig
from zokusei.captioning import losses
from zokusei.captioning.beam import generate
from zokusei.captioning.metrics import compute_caption_metrics
from zokusei.captioning.model import CaptionModel
from zokusei.data.manifest import Manifest
from zokusei.data.row_file import Counting
from zokusei.environment import describe_environment
from zokusei.training.captioner_data import CaptionBatch, CaptionLoader
from zokusei.training.captioner_parts import CaptionParts, create_parts
from zokusei.training.captioner_prepare import digest_start, prepare_captioner
from zokusei.training.loop import Loop, LoopSettings, Reporter, Task
from zokusei.training.optimizers import create_optimizer, create_schedule
from zokusei.training.prepare import CAPTIONER, prepare_in_turn, refuse_another_captioner

_AT_ONCE = 50


def train_captioner(
    config: CaptionerConfig,
    folder: Path,
    reporter: Reporter,
    tell: Callable[[str], None],
    counting: Counting,
) -> Path:
    """Train, or go on training, until the run folder holds its captioner; give that folder.

    Args:
        config: what to train on what.
        folder: the run folder; made when missing, continued when it holds this run.
        reporter: is told of every step and epoch.
        tell: is told what was found and chosen.
        counting: shows how far the encoding of the pictures is.

    Raises:
        ZokuseiError: the folder holds something else, or a setting, corpus or checkpoint cannot be
            used.
    """

    def prepare(accelerator: Accelerator) -> "CaptionerTraining":
        # All parts are built before the folder is written: a setting that is refused leaves none.
        run = prepare_captioner(config, folder, tell, counting, accelerator.device)
        start = digest_start(run.config)
        if not run.is_new:
            refuse_another_captioner(folder, start, "start")
        parts = create_parts(run.config, run.manifest, accelerator, counting)
        if run.is_new:
            run.save(folder, {CAPTIONER: {"digest": start}} if start else None)
        return CaptionerTraining(run.config, run.manifest, parts, folder, accelerator)

    training = prepare_in_turn(prepare)
    position = training.create_loop(reporter).run()
    for problem in training.parts.unreadable:
        tell(f"not used: {problem}")
    training.parts.close()
    kept = position.best_epoch + 1 if config.train.keep == "best" else position.epoch
    tell(f"kept epoch {kept} in {folder / 'model'}")
    return folder / "model"


class CaptionerTraining:
    """Everything that one training of a captioner is made of.

    Args:
        config: the settings.
        manifest: all splits.
        parts: model, vocabulary, loader and what validation needs.
        folder: the run folder.
        accelerator: devices and processes.
    """

    def __init__(
        self,
        config: CaptionerConfig,
        manifest: Manifest,
        parts: CaptionParts,
        folder: Path,
        accelerator: Accelerator,
    ) -> None:
        self.config, self.manifest, self.parts = config, manifest, parts
        self.folder, self.accelerator = folder, accelerator

    @property
    def loader(self) -> CaptionLoader:
        """Batches of the training split."""
        return self.parts.loader

    def create_loop(self, reporter: Reporter) -> Loop:
        """Put optimiser, schedule and loop together."""
        config, train = self.config, self.config.train
        chosen = {name: value for name, value in asdict(config.optimizer).items() if name != "clip"}
        total = train.epochs * len(self.loader)
        return Loop(
            Task(self.parts.model, self.compute_loss, self.evaluate, self.keep),
            self.loader,
            create_optimizer(self.parts.model, **chosen),
            create_schedule(total_steps=total, **asdict(config.schedule)),
            accelerator=self.accelerator,
            settings=LoopSettings(
                epochs=train.epochs,
                seed=train.seed,
                ema=train.ema,
                clip=config.optimizer.clip,
                early_stop=train.early_stop,
                keep_best=train.keep == "best",
                save_minutes=train.save_minutes,
                tensorboard=train.tensorboard,
            ),
            folder=self.folder,
            reporter=reporter,
        )

    def compute_loss(self, model: nn.Module, batch: CaptionBatch) -> Tensor:
        """Loss of one batch: the words, the coverage, and how far a pair is apart."""
        device, settings, pairs = self.accelerator.device, self.config.loss, self.config.pairs
        tokens, lengths = batch.tokens.to(device), batch.lengths.to(device)
        said = model(batch.pictures.to(device), tokens, lengths)
        loss = losses.compute_word_loss(said.logits, said.targets, settings.smoothing)
        if settings.coverage:
            loss = loss + settings.coverage * losses.compute_coverage_loss(said.alphas, lengths)
        if batch.photographs is None or self.parts.teacher is None:
            return loss
        photographs = batch.photographs.to(device)
        if pairs.annotations:
            far = losses.compute_annotation_distance(said.annotations, photographs, lengths)
            loss = loss + pairs.annotations * far
        if pairs.words or pairs.attention:
            with torch.no_grad():
                wanted = self.parts.teacher(photographs, tokens, lengths)
            apart = losses.compute_word_divergence(said.logits, wanted.logits)
            moved = losses.compute_attention_distance(said.alphas, wanted.alphas, lengths)
            loss = loss + pairs.words * apart + pairs.attention * moved
        return loss

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Figures of captions that the model writes freely of the validation pictures."""
        assert isinstance(model, CaptionModel)
        was_training = model.training
        model.eval()
        parts = self.parts
        captions: list[str] = []
        rows: list[int] = []
        for start in range(0, len(parts.references), _AT_ONCE):
            asked = list(range(start, min(start + _AT_ONCE, len(parts.references))))
            pictures = parts.read_judged(asked)
            readable = [i for i, row in enumerate(asked) if row not in parts.judged.unreadable]
            given = pictures[readable].to(self.accelerator.device)
            if not readable:
                continue
            annotations = model.encode(given) if given.ndim == 4 else given
            found = generate(
                model,
                annotations,
                beam=self.config.train.beam,
                max_length=self.config.data.max_words,
            )
            captions += [parts.vocabulary.decode(row) for row in found.tokens.tolist()]
            rows += [asked[i] for i in readable]
        model.train(was_training)
        figures = compute_caption_metrics(captions, [parts.references[row] for row in rows])
        row = figures.as_row()
        # BLEU-4 is 0 until the first four words in a row are right; BLEU-1 decides until then.
        return {"score": row["bleu4"] + row["bleu1"] / 1000, **row}

    def keep(self, model: nn.Module, figures: dict[str, float]) -> None:
        """Write the checkpoint."""
        assert isinstance(model, CaptionModel)
        environment = describe_environment()
        provenance = {
            "name": self.config.name,
            "seed": self.config.train.seed,
            "start": self.config.start,
            "training pictures": len(self.loader.captions),
            "target": self.config.pairs.target,
            "beam of the figures": self.config.train.beam,
            **environment,
        }
        metrics = {name: value for name, value in figures.items() if name != "score"}
        parts = self.parts
        checkpoint = CaptionCheckpoint(
            model,
            parts.vocabulary,
            parts.preprocess,
            metrics,
            provenance,
            max_words=self.config.data.max_words,
        )
        save_caption_checkpoint(self.folder / "model", checkpoint)
