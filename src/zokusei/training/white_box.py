"""The recipe of a White-box generator: photographs and drawings in, a run folder out.

```
RUN/config.yaml            every setting as it was used
RUN/environment.json       versions, commit, hardware
RUN/photographs.parquet    what is drawn, in the splits train and val
RUN/drawings.parquet       what it is to look like
RUN/metrics.jsonl          the log; every epoch each loss on the held-out photographs
RUN/state.safetensors      what a killed training goes on from
RUN/samples/               held-out photographs above what became of them, a picture an epoch
RUN/generator.safetensors  weights for `zokusei cartoonize --weights`
```
"""

from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import Accelerator
from PIL import Image
from torch import Tensor, nn
from torch.optim import Adam

from zokusei.config_file import load_config, save_config
from zokusei.data.manifest import Manifest
from zokusei.environment import describe_environment, find_commit
from zokusei.errors import ConfigError
from zokusei.files import write_folder_whole, write_json, write_whole
from zokusei.stylize import losses
from zokusei.stylize.losses import PRESETS
from zokusei.stylize.superpixels import draw_superpixels
from zokusei.stylize.weights import load_generator, save_generator
from zokusei.training.features import FeatureNetwork
from zokusei.training.loop import Loop, LoopSettings, Reporter, Task
from zokusei.training.optimizers import create_schedule
from zokusei.training.prepare import (
    HOW,
    compute_as_asked,
    prepare_in_turn,
    refuse_another_run,
    refuse_other_files,
)
from zokusei.training.white_box_data import PairBatch, create_loaders, list_pictures, to_network
from zokusei.training.white_box_networks import WhiteBoxNetworks
from zokusei.white_box_config import WhiteBoxConfig

_SHOWN = 8
PARTS = ("surface", "texture", "structure", "content", "variation")


def train_white_box(
    config: WhiteBoxConfig, folder: Path, reporter: Reporter, tell: Callable[[str], None]
) -> Path:
    """Train, or go on training, until the run folder holds its generator; give that file's path.

    Args:
        config: what to train on what.
        folder: the run folder; made when missing, continued when it holds this run.
        reporter: is told of every step and epoch.
        tell: is told what was found and chosen.

    Raises:
        ZokuseiError: the folder holds something else, or a setting, picture folder or weight file
            cannot be used.
    """
    training = prepare_in_turn(lambda accelerator: _prepare(config, folder, accelerator, tell))
    training.create_loop(reporter).run()
    for problem in training.unreadable:
        tell(f"not used: {problem}")
    training.close()
    return folder / "generator.safetensors"


def _prepare(
    config: WhiteBoxConfig, folder: Path, accelerator: Accelerator, tell: Callable[[str], None]
) -> "WhiteBoxTraining":
    """Build all parts before the folder is written: a setting that is refused leaves none."""
    path = folder / "config.yaml"
    names = ("photographs", "drawings")
    if path.exists():
        settled = load_config(path, kind=WhiteBoxConfig)
        refuse_another_run(config, settled, folder, elsewhere=HOW)
        settled = compute_as_asked(settled, config)
        pictures = {
            name: Manifest.load(file)
            for name in names
            if (file := folder / f"{name}.parquet").exists()
        }
        return WhiteBoxTraining(settled, pictures, folder, accelerator)
    refuse_other_files(folder)
    pictures = list_pictures(config, tell)
    training = WhiteBoxTraining(config, pictures, folder, accelerator)
    found = ", ".join(f"{len(pictures[name])} {name}" for name in names if name in pictures)
    tell(f"{found}; {config.stage} at {config.pictures.size} px")
    if config.stage == "adversarial" and training.features.is_packaged:
        tell("features of EfficientNet-Lite0 stand in for VGG19's; networks.features says how else")
    # At once: killed here, a run has not begun, and can be begun again.
    with write_folder_whole(folder) as fresh:
        for name, manifest in pictures.items():
            manifest.save(fresh / f"{name}.parquet")
        write_json(fresh / "environment.json", describe_environment())
        save_config(config, fresh / path.name)
    return training


class WhiteBoxTraining:
    """Everything that one training of a generator is made of.

    Generator and critics take one step of one optimiser together: the critics' losses see drawn
    pictures that carry no gradient, and the generator's losses see critics that take none, so that
    each moves by its own loss alone, as if they had taken turns on the same batch.

    Args:
        config: the settings.
        pictures: manifests by name: `photographs`, and `drawings` unless it is a pre-training.
        folder: the run folder.
        accelerator: devices and processes.
    """

    def __init__(
        self,
        config: WhiteBoxConfig,
        pictures: dict[str, Manifest],
        folder: Path,
        accelerator: Accelerator,
    ) -> None:
        self.config, self.folder, self.accelerator = config, folder, accelerator
        self.is_adversarial = config.stage == "adversarial"
        torch.manual_seed(config.train.seed)
        networks = config.networks
        self.model = WhiteBoxNetworks(networks.width, networks.blocks, critics=self.is_adversarial)
        # A training that goes on has its weights in its state.
        if networks.start is not None and not (folder / "state.safetensors").exists():
            _start_from(self.model, Path(networks.start))
        self.model = self.model.to(memory_format=torch.channels_last)
        world, rank = accelerator.num_processes, accelerator.process_index
        self.loaders = create_loaders(config, pictures, rank=rank, world=world)
        self.judged = next(iter(self.loaders.val.batches(0)))
        self.weights = PRESETS[config.loss.preset]
        if self.is_adversarial:
            self.features = FeatureNetwork(networks.features).to(accelerator.device)
            photographs = to_network(self.judged.photographs.to(accelerator.device))
            self.features.fit_scale(photographs, networks.feature_scale)

    def create_loop(self, reporter: Reporter) -> Loop:
        """Put optimiser, schedule and loop together."""
        train, adam, schedule = self.config.train, self.config.optimizer, self.config.schedule
        self.loop = Loop(
            Task(self.model, self.compute_loss, self.evaluate, self.keep),
            self.loaders.train,
            Adam(self.model.parameters(), lr=adam.lr, betas=(adam.beta1, adam.beta2)),
            create_schedule(
                schedule.name,
                train.epochs * train.epoch_steps,
                warmup=schedule.warmup,
                milestones=schedule.milestones,
                gamma=schedule.gamma,
            ),
            accelerator=self.accelerator,
            settings=LoopSettings(
                epochs=train.epochs,
                seed=train.seed,
                ema=train.ema,
                clip=adam.clip,
                keep_best=False,
                save_minutes=train.save_minutes,
                tensorboard=train.tensorboard,
            ),
            folder=self.folder,
            reporter=reporter,
        )
        return self.loop

    def compute_loss(self, model: nn.Module, batch: PairBatch) -> Tensor:
        """Loss of one batch: the weighted parts, and what the critics learn from."""
        parts, critics, _ = self._compute_parts(model, batch, losses.draw_grey_weights())
        return self._weigh(parts) + critics

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Give every part on the held-out photographs, before its weight; and the sum after."""
        model.eval()
        grey = losses.draw_grey_weights(torch.Generator().manual_seed(0))
        parts, critics, drawn = self._compute_parts(model, self.judged, grey)
        self._drawn = drawn
        figures = {name: float(value) for name, value in parts.items()}
        total = float(self._weigh(parts))
        model.train()
        critic = {"critics": float(critics)} if self.is_adversarial else {}
        return {"score": -total, "total": total, **figures, **critic}

    def keep(self, model: nn.Module, figures: dict[str, float]) -> None:
        """Write the generator, and what it makes of the held-out photographs."""
        assert isinstance(model, WhiteBoxNetworks)
        save_generator(
            self.folder / "generator.safetensors",
            model.generator,
            name=self.config.name,
            stage=self.config.stage,
            commit=find_commit(),
            total=f"{figures['total']:.6g}",
        )
        photographs = to_network(self.judged.photographs)
        shown = (photographs[:_SHOWN], self._drawn[:_SHOWN].cpu())
        rows = [torch.cat(list(images), dim=2) for images in shown]
        sheet = torch.cat(rows, dim=1).clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)
        epoch = self.loop.position.epoch + 1
        with write_whole(self.folder / "samples" / f"{epoch:03}.png") as temporary:
            Image.fromarray(sheet.flip(0).permute(1, 2, 0).numpy()).save(temporary)

    @property
    def unreadable(self) -> list[str]:
        """Pictures that could not be read, with the reason."""
        return self.loaders.unreadable

    def close(self) -> None:
        """End the decoding threads."""
        self.loaders.close()

    def _compute_parts(
        self, model: nn.Module, batch: PairBatch, grey: Tensor
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Give the generator's losses before their weights, the critics', and what was drawn."""
        device = self.accelerator.device
        photographs = to_network(batch.photographs.to(device))
        if batch.drawings is None:
            drawn = model(photographs)
            return {"content": (drawn - photographs).abs().mean()}, torch.zeros(()), drawn
        found = model(photographs, to_network(batch.drawings.to(device)), grey)
        drawn, settings = found["drawn"], self.config.loss
        patches = draw_superpixels(
            drawn,
            method=settings.superpixels,
            count=settings.superpixel_count,
            colour=settings.superpixel_colour,
            power=settings.superpixel_power,
        )
        features = self.features(drawn)
        with torch.no_grad():
            of_photographs, of_patches = self.features(photographs), self.features(patches)
        parts = {
            "surface": found["surface"],
            "texture": found["texture"],
            "structure": losses.compute_feature_distance(features, of_patches),
            "content": losses.compute_feature_distance(features, of_photographs),
            "variation": losses.compute_variation(drawn),
        }
        return parts, found["critics"], drawn

    def _weigh(self, parts: dict[str, Tensor]) -> Tensor:
        """Add the parts with their weights; a pre-training has one, which counts as it is."""
        if not self.is_adversarial:
            return parts["content"]
        weighted = [
            getattr(self.weights, name) * getattr(self.config.loss, name) * parts[name]
            for name in PARTS
        ]
        return torch.stack(weighted).sum()


def _start_from(model: WhiteBoxNetworks, path: Path) -> None:
    """Put weights into the generator.

    Raises:
        ConfigError: they are of a generator of another size.
        ModelError: they cannot be read.
    """
    given, own = load_generator(path), model.generator
    if (given.width, len(given.blocks)) != (own.width, len(own.blocks)):
        raise ConfigError(
            f"{path} holds a generator of width {given.width} with {len(given.blocks)} blocks, not "
            f"{own.width} with {len(own.blocks)}; set networks.width and networks.blocks alike"
        )
    own.load_state_dict(given.state_dict())
