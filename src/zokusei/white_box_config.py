"""Settings of a White-box training: photographs and drawings in, a generator out."""

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from zokusei.config import STRICT_KEYS, Fraction, NonNegative, Positive, PositiveInt, ScheduleConfig


@dataclass(frozen=True, config=STRICT_KEYS)
class PicturesConfig:
    """What is learnt from: two folders that need not belong together.

    Attributes:
        photographs: folder of the pictures to be drawn.
        drawings: folder of pictures as they are to look; not read by pre-training.
        val: photographs held out, on which every epoch is judged, all in one batch: as many as fit
            into memory.
        limit: use only this many photographs, and as many drawings; none: all.
        size: side of the training crops in pixels; 256 as published.
    """

    photographs: str = ""
    drawings: str = ""
    val: PositiveInt = 16
    limit: PositiveInt | None = None
    size: Annotated[int, Field(ge=16, le=1024)] = 256


@dataclass(frozen=True, config=STRICT_KEYS)
class NetworksConfig:
    """The generator, its critics, and the network whose features are compared.

    Attributes:
        start: weights the generator starts from: a pre-trained or imported `.safetensors`.
        width: channels of the generator's and the critics' first convolutions; 32 as published.
        blocks: residual blocks; 4 as published.
        features: `packaged` (EfficientNet-Lite0, a stand-in that needs no download), or a file with
            torchvision's VGG19 weights, the network of the paper.
        feature_scale: the features are scaled so that their mean absolute value on the first
            photographs is this. The published weights were chosen for VGG19's features of 0 to 255
            pictures, which are large; 100 is chosen, not measured, so that structure and content
            do not weigh exactly what was published, whatever the preset.
    """

    start: str | None = None
    width: PositiveInt = 32
    blocks: PositiveInt = 4
    features: str = "packaged"
    feature_scale: Positive = 100.0


@dataclass(frozen=True, config=STRICT_KEYS)
class WhiteBoxLossConfig:
    """What each loss counts, and how superpixels are found.

    Attributes:
        preset: `code` (weights of the released code) or `paper` (surface, texture, structure and
            content ten times that). With features that `networks.feature_scale` scales, neither
            is the published weighting of structure and content.
        surface, texture, structure, content, variation: factors on the preset's weights; with 0 a
            loss counts nothing, but is computed and logged all the same, superpixels included.
        superpixels: `slic`, or `selective_search` (Felzenszwalb's segments, merged).
        superpixel_count: of a picture.
        superpixel_colour: `adaptive` (mean or median by how uneven a patch is) or `mean`.
        superpixel_power: exponent on the filled picture; 1.2 as published with selective search.
    """

    preset: Literal["code", "paper"] = "code"
    surface: NonNegative = 1.0
    texture: NonNegative = 1.0
    structure: NonNegative = 1.0
    content: NonNegative = 1.0
    variation: NonNegative = 1.0
    superpixels: Literal["slic", "selective_search"] = "slic"
    superpixel_count: PositiveInt = 200
    superpixel_colour: Literal["adaptive", "mean"] = "adaptive"
    superpixel_power: Positive = 1.0


@dataclass(frozen=True, config=STRICT_KEYS)
class AdamConfig:
    """Adam, one for generator and critics.

    Attributes:
        lr: learning rate; 2e-4 as published.
        beta1, beta2: decay of the two moments; 0.5 and 0.99 as published.
        clip: largest gradient norm of all networks together; none: no limit, as published.
    """

    lr: Positive = 2e-4
    beta1: Fraction = 0.5
    beta2: Fraction = 0.99
    clip: Positive | None = None


@dataclass(frozen=True, config=STRICT_KEYS)
class StepsConfig:
    """The loop.

    Attributes:
        epochs: how often the training is judged and saved.
        epoch_steps: steps between; the published trainings have 50,000 and 100,000 in all.
        batch_size: photographs a step, and as many drawings; 16 as published.
        seed: of weights, order and variation.
        ema: decay of averaged weights that are judged and kept; 0, as published, turns them off.
        cache_gib: decoded pictures are kept in memory up to this many GiB, each folder's apart.
        workers: decoding threads.
        save_minutes: the state to resume from is written at least this often.
        tensorboard: also log for TensorBoard.
    """

    epochs: PositiveInt = 10
    epoch_steps: PositiveInt = 500
    batch_size: PositiveInt = 16
    seed: int = 0
    ema: Fraction = 0.0
    cache_gib: NonNegative = 2.0
    workers: Annotated[int, Field(ge=0)] = 2
    save_minutes: Positive = 5.0
    tensorboard: bool = False


@dataclass(frozen=True, config=STRICT_KEYS)
class WhiteBoxConfig:
    """Everything a White-box training needs; saved whole into its run folder.

    Attributes:
        recipe: says that a configuration is one of these.
        name: of the run.
        out: its folder; runs/NAME when not given.
        stage: `pretrain` (photographs are to come out as they went in) or `adversarial`.
    """

    recipe: Literal["white-box"] = "white-box"
    name: str = "white-box"
    out: str | None = None
    stage: Literal["pretrain", "adversarial"] = "adversarial"
    pictures: PicturesConfig = field(default_factory=PicturesConfig)
    networks: NetworksConfig = field(default_factory=NetworksConfig)
    loss: WhiteBoxLossConfig = field(default_factory=WhiteBoxLossConfig)
    optimizer: AdamConfig = field(default_factory=AdamConfig)
    schedule: ScheduleConfig = field(default_factory=lambda: ScheduleConfig("constant", 0.0))
    train: StepsConfig = field(default_factory=StepsConfig)
