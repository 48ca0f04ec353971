"""The recipe of an attribute classifier: from a configuration to a run folder with a model.

```
RUN/config.yaml        every setting as it was used
RUN/environment.json   versions, commit, hardware
RUN/captioner.json     of a model that reads captions: which captioner's
RUN/manifest.parquet   the pictures, their tags and splits
RUN/errors.jsonl       what could not be read, if anything
RUN/metrics.jsonl      the log
RUN/state.safetensors  what a killed training goes on from
RUN/network.json       of a model beside which captions vote: whose network it took, if it did
RUN/model/             the checkpoint
```
"""

import dataclasses
import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import Tensor, nn

from zokusei.caption_source import CaptionSource
from zokusei.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from zokusei.config import Config
from zokusei.data.loader import Batch
from zokusei.data.manifest import Manifest
from zokusei.data.row_file import Counting, no_counting
from zokusei.environment import describe_environment
from zokusei.errors import ConfigError
from zokusei.evaluation import compute_scores
from zokusei.files import lock_folder, write_json, write_text
from zokusei.losses import create_loss
from zokusei.metrics import compute_metrics, find_best_thresholds
from zokusei.models import Classifier, VotingHead
from zokusei.training.caption_features import load_source
from zokusei.training.classifier_parts import create_parts
from zokusei.training.loop import TAKEN, Loop, LoopSettings, Reporter, Task
from zokusei.training.optimizers import create_optimizer, create_schedule
from zokusei.training.prepare import (
    CAPTIONER,
    do_once,
    prepare_in_turn,
    prepare_run,
    refuse_another_captioner,
)
from zokusei.training.self_distillation import EarlierPredictions, gather_batch
from zokusei.training.votes import (
    Mirrored,
    find_network,
    judge_shares,
    learn_votes,
    take_network,
)

TAKEN_FROM = "network.json"
SHARED_THRESHOLD = 40
"""Weight of the threshold that tags share: what others are worth is in benchmarks/README.md."""


def train_classifier(
    config: Config,
    folder: Path | str,
    reporter: Reporter,
    tell: Callable[[str], None],
    counting: Counting = no_counting,
    networks: Sequence[Path] = (),
) -> Checkpoint:
    """Train, or go on training, until the run folder holds its finished model.

    Args:
        config: what to train on what.
        folder: the run folder; made when missing, continued when it holds this run.
        reporter: is told of every step and epoch.
        tell: is told what was found and chosen.
        counting: shows how far captions are written, for a model that reads them.
        networks: runs that may have the same network, for a model beside which captions vote: the
            first that has it is taken as it is, with its log, and nothing is left to do but the
            votes. A training that was begun goes on instead.

    Returns:
        The kept checkpoint.

    Raises:
        ZokuseiError: see `prepare_run` and `Loop.run`.
    """
    folder = Path(folder)
    trainer = prepare_in_turn(
        lambda accelerator: _prepare(config, folder, accelerator, tell, counting, networks),
        mixed_precision=config.train.mixed_precision,
    )
    if trainer.accelerator.is_main_process:
        if trainer.flip_refused:
            tell(f"no mirroring: {', '.join(trainer.flip_refused[:3])} name a side")
        if config.model.mirror and not config.augment.flip:
            tell("model.mirror sees mirrored pictures, which augment.flip = 0 never shows it")
        for note in trainer.word_notes:
            tell(note)
    loop, accelerator = trainer.create_loop(reporter), trainer.accelerator
    [network] = broadcast_object_list([trainer.network])
    if network is None:
        position = loop.run()
        kept = position.best_epoch + 1 if config.train.keep == "best" else position.epoch
        tell(f"kept epoch {kept} in {folder / 'model'}")
    elif network != folder:
        tell(f"its network is that of {network}, which was trained with the same settings")
    if isinstance(trainer.model.head, VotingHead):
        is_main = accelerator.is_main_process
        with lock_folder(folder, taken=TAKEN) if is_main else nullcontext():
            trainer.add_votes(network or folder, tell)
    for problem in trainer.unreadable:
        tell(f"not used: {problem}")
    trainer.close()
    return load_checkpoint(folder)


def _prepare(
    config: Config,
    folder: Path,
    accelerator: Accelerator,
    tell: Callable[[str], None],
    counting: Counting,
    networks: Sequence[Path],
) -> "ClassifierTraining":
    """Build all parts before the folder is written: a setting that is refused leaves none."""
    source = load_source(config)
    run = prepare_run(config, folder, tell, counting)
    if not run.is_new:
        refuse_another_captioner(folder, source.digest if source else None, "captions.captioner")
    trainer = ClassifierTraining(run.config, run.manifest, folder, accelerator, source, counting)
    if (folder / TAKEN_FROM).exists() and (folder / "model").exists():
        trainer.network = folder  # it is there, but for its votes perhaps
    elif not (folder / "state.safetensors").exists():
        trainer.network = find_network(networks, run.config, run.manifest)
    if run.is_new:
        run.save(folder, {CAPTIONER: {"digest": source.digest}} if source else None)
    return trainer


class ClassifierTraining:
    """Everything that one training of a classifier is made of.

    Args:
        config: settled, with size and epochs.
        manifest: all splits.
        folder: the run folder.
        accelerator: devices, precision and processes.
        source: where a model that reads captions has them from.
        counting: shows how far they are written.
    """

    def __init__(
        self,
        config: Config,
        manifest: Manifest,
        folder: Path,
        accelerator: Accelerator,
        source: CaptionSource | None = None,
        counting: Counting = no_counting,
    ) -> None:
        self.config, self.folder, self.accelerator = config, folder, accelerator
        self.source = source
        # What is refused at once comes before captions are written, which takes a while.
        self.compute_classification_loss = create_loss(config.loss.name, **config.loss.options)
        if config.train.self_distillation and config.loss.name == "dan":
            raise ConfigError(
                "loss 'dan' counts the pictures that have a tag, and train.self_distillation makes "
                "targets of shares; choose bce or asl"
            )
        parts = create_parts(config, manifest, accelerator, source, counting)
        self.labels, self.word_notes = parts.labels, parts.word_notes
        self.flip_refused, self.preprocess = parts.flip_refused, parts.preprocess
        self.model: Classifier = parts.model
        self.train_loader, self.val_loader = parts.train_loader, parts.val_loader
        self.earlier = self._create_memory()
        self._judged: tuple[Tensor, Tensor] | None = None
        self.network: Path | None = None  # that of another run

    def create_loop(self, reporter: Reporter) -> Loop:
        """Put optimiser, schedule and loop together."""
        optimizer = create_optimizer(self.model, **_without(self.config.optimizer, "clip"))
        schedule = self.config.schedule
        train = self.config.train
        return Loop(
            Task(self.model, self.compute_loss, self.evaluate, self.keep, self.earlier),
            self.train_loader,
            optimizer,
            create_schedule(
                total_steps=self._epochs * len(self.train_loader), **_without(schedule)
            ),
            accelerator=self.accelerator,
            settings=LoopSettings(
                epochs=self._epochs,
                seed=train.seed,
                ema=train.ema,
                clip=self.config.optimizer.clip,
                early_stop=train.early_stop,
                keep_best=train.keep == "best",
                save_minutes=train.save_minutes,
                tensorboard=train.tensorboard,
            ),
            folder=self.folder,
            reporter=reporter,
        )

    def _create_memory(self) -> EarlierPredictions | None:
        """Give what remembers predictions, where they are to be learnt from."""
        share = self.config.train.self_distillation
        if not share:
            return None
        total_steps = self._epochs * len(self.train_loader)
        return EarlierPredictions(self.train_loader.targets, share, total_steps)

    @property
    def _epochs(self) -> int:
        epochs = self.config.train.epochs
        assert epochs is not None, "prepare_run settles them"
        return epochs

    def compute_loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Loss of one batch, in single precision whatever the network computes in."""
        device = self.accelerator.device
        images = self.preprocess.normalize(batch.images.to(device))
        captions = batch.caption_features
        given = (images,) if captions is None else (images, captions.to(device))
        with self.accelerator.autocast():
            logits = model(*given)
        targets, known = batch.targets.to(device), batch.known.to(device)
        if self.model.one_of is not None:
            known = self.model.one_of.settle(targets, known)
        logits = logits.float()
        if self.earlier is None:
            return self.compute_classification_loss(logits, targets.float(), known)
        rows = torch.tensor(batch.rows, dtype=torch.int64)
        if batch.is_page is not None:  # the next time a picture is shown among others
            rows = rows.masked_fill(batch.is_page, -1)
        goals = self.earlier.refine(rows, batch.targets).to(device)
        self.earlier.remember(*gather_batch(self.accelerator, rows, logits.sigmoid()))
        return self.compute_classification_loss(logits, goals, known)

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Figures on the validation split, in per cent; the mAP decides."""
        device = self.accelerator.device
        scores, known = compute_scores(model, self.val_loader, self.preprocess, device=device)
        if self.accelerator.num_processes > 1:
            scores = self.accelerator.reduce(scores.to(device), "sum").cpu()
            known = self.accelerator.reduce(known.to(device).int(), "sum").cpu() > 0
        self._judged = scores, known
        row = compute_metrics(scores, self.val_loader.targets, known).as_row()
        return {"score": row["map"], **row}

    def keep(self, model: nn.Module, figures: dict[str, float]) -> None:
        """Write the checkpoint, with the thresholds that suit these validation scores best."""
        assert self._judged is not None, "evaluate comes before keep"
        assert isinstance(model, Classifier)
        scores, known = self._judged
        thresholds = find_best_thresholds(
            scores, self.val_loader.targets, known, shared_weight=SHARED_THRESHOLD
        )
        labels = self.labels.with_tags(self.labels.tags.with_thresholds(thresholds.tolist()))
        metrics = {name: value for name, value in figures.items() if name != "score"}
        environment = describe_environment()
        provenance = {
            "name": self.config.name,
            "seed": self.config.train.seed,
            "training pictures": len(self.train_loader.targets),
            "commit": environment["commit"],
            "hardware": environment["hardware"],
            "versions": environment["versions"],
        }
        checkpoint = Checkpoint(model, labels, self.preprocess, metrics, provenance, self.source)
        save_checkpoint(self.folder / "model", checkpoint)

    def add_votes(self, network: Path, tell: Callable[[str], None]) -> None:
        """Let captions vote beside a trained network, and write the checkpoint of both.

        Args:
            network: the run that it was trained in: this one, or another one like it.
            tell: is told how much the votes count.
        """
        model, head, accelerator = self.model, self.model.head, self.accelerator
        assert isinstance(head, VotingHead), "only such a head has votes"
        take_network(model, load_checkpoint(network).model.state_dict())
        learn_votes(head, self.train_loader)
        vectors, validation = self.val_loader.caption_features, self.val_loader.targets
        assert vectors is not None, "captions vote only where there is a captioner"
        votes = head.vote(vectors.float().to(accelerator.device)).cpu()
        head.vote_share.zero_()
        bare = Classifier(model.backbone, head, name=model.name, arguments={})
        looks, known = [], self.val_loader.known
        for look in (bare, Mirrored(bare))[: 1 + model.mirror]:
            self.evaluate(look)
            assert self._judged is not None, "evaluate has just judged"
            looks.append(self._judged[0])
            known = self._judged[1]
        reached = judge_shares(
            looks, votes, validation, known,
            lambda own: model.combine([logits.float().to(accelerator.device) for logits in own]),
        )  # fmt: skip
        [share] = broadcast_object_list([max(reached, key=lambda share: reached[share])])
        head.vote_share.fill_(share)
        figures = self.evaluate(model)

        def write() -> None:
            if network != self.folder:
                log = (network / "metrics.jsonl").read_text(encoding="utf-8")
                write_text(self.folder / "metrics.jsonl", log)
            self.keep(model, figures)
            if network != self.folder:
                made = json.loads((network / "environment.json").read_text(encoding="utf-8"))
                write_json(self.folder / TAKEN_FROM, {"run": str(network), **made})

        do_once(write)
        tell(
            f"captions vote with weight {share:g}: {figures['map']:.1f} mAP on validation "
            f"pictures, {100 * reached[0]:.1f} without"
        )

    @property
    def unreadable(self) -> list[str]:
        """Pictures that could not be read, with the reason."""
        stores = (self.train_loader.store, self.val_loader.store)
        return sorted(reason for store in stores for reason in store.unreadable.values())

    def close(self) -> None:
        """End the decoding threads."""
        self.train_loader.store.close()
        self.val_loader.store.close()


def _without(section: Any, *names: str) -> dict[str, Any]:
    values = dataclasses.asdict(section)
    return {name: value for name, value in values.items() if name not in names}
