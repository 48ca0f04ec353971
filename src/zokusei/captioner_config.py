"""Settings of a captioner's training: pictures with captions in, a writer of captions out."""

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from zokusei.config import (
    STRICT_KEYS,
    Fraction,
    NonNegative,
    OptimizerConfig,
    PositiveInt,
    ScheduleConfig,
)


@dataclass(frozen=True, config=STRICT_KEYS)
class CaptionDataConfig:
    """Where the pictures and their captions come from, and how they are split.

    Attributes:
        path: a manifest with captions, or a corpus that `zokusei data import` recognises.
        images: folder that the corpus's file names are relative to, where it is another than its
            own: photographs that were cartoonized keep their names, and so their captions.
        val, test: share of the groups held out, where the source does not say itself. Pictures that
            a source with splits of its own puts into none are left out.
        split_seed: which groups they are.
        min_count: words that the training captions use less often are unknown to the model; not
            asked for where there is a `start`, whose vocabulary stays.
        max_words: longer captions are not learnt from.
    """

    path: str = ""
    images: str | None = None
    val: Fraction = 0.10
    test: Fraction = 0.15
    split_seed: int = 0
    min_count: PositiveInt = 5
    max_words: PositiveInt = 30


@dataclass(frozen=True, config=STRICT_KEYS)
class WriterConfig:
    """Encoder and writer; with a `start` they must be those of its model.

    Attributes:
        backbone: any convolutional timm model whose map has more than one position.
        weights: of the backbone, where there is no `start`: `auto`, `packaged`, `timm`, `none`, or
            a weight file.
        freeze: `all` of the backbone stays as it was loaded, and pictures are encoded only once; or
            the number of its first stages that do, the stem included. Batch statistics always stay.
        embedding: width of a word's vector.
        hidden: of the LSTM.
        attention: width in which positions and state are compared.
        gate: `vector`, one value a channel, or `scalar`, one for all, as the paper writes it.
        dropout: on word vectors and before the last layer.
    """

    backbone: str = "tf_efficientnet_lite0"
    weights: str = "auto"
    freeze: Annotated[int, Field(ge=0)] | Literal["all"] = "all"
    embedding: PositiveInt = 256
    hidden: PositiveInt = 512
    attention: PositiveInt = 256
    gate: Literal["vector", "scalar"] = "vector"
    dropout: Fraction = 0.5


@dataclass(frozen=True, config=STRICT_KEYS)
class InputConfig:
    """What the encoder sees.

    Attributes:
        size: side of the square input in pixels.
        fit: `squash` ignores the aspect, `pad` keeps it on white, `crop` keeps the centre.
    """

    size: PositiveInt = 224
    fit: Literal["squash", "pad", "crop"] = "pad"


@dataclass(frozen=True, config=STRICT_KEYS)
class VariationConfig:
    """How training pictures are varied.

    Attributes:
        flip: probability of mirroring; pictures whose captions say left or right are never. With
            a frozen encoder the mirrored pictures are a second set in the cache.
        crop: smallest share of the area that a random crop keeps, for an encoder that is not
            frozen; 1: the whole picture.
    """

    flip: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    crop: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0


@dataclass(frozen=True, config=STRICT_KEYS)
class PairsConfig:
    """Adapting a photograph's captioner to drawings of the same photographs.

    Attributes:
        photographs: folder that holds, by the same relative path, the photograph of every picture
            of `data`; empty: no pairs.
        target: `human`: the captions of the corpus; `generated`: what the model of `start` says of
            the photograph.
        beam: of the search that writes those.
        words: weight of the divergence (KL, nats a word) between the words that the model of
            `start` expects on the photograph and those that are expected on the drawing.
        attention: weight of the distance (0 to 2 a word) between their attention maps.
        annotations: weight of the distance (0: none, 1: as far as from nothing) between what the
            encoder of `start` says of the photograph and what the learning one says of the drawing.
    """

    photographs: str = ""
    target: Literal["human", "generated"] = "human"
    beam: PositiveInt = 3
    words: NonNegative = 0.0
    attention: NonNegative = 0.0
    annotations: NonNegative = 0.0

    @property
    def compares(self) -> bool:
        """Whether the model of `start` is asked about the photographs while another learns."""
        return bool(self.words or self.attention or self.annotations)


@dataclass(frozen=True, config=STRICT_KEYS)
class CaptionLossConfig:
    """What is learnt.

    Attributes:
        smoothing: share of every word's probability that is wanted of all words alike.
        coverage: weight of the doubly stochastic penalty: all of the picture is to be looked at.
    """

    smoothing: Fraction = 0.1
    coverage: NonNegative = 1.0


@dataclass(frozen=True, config=STRICT_KEYS)
class CaptionTrainConfig:
    """The loop.

    Attributes:
        epochs: passes over the training pictures.
        batch_size: pictures a step, over all processes together.
        captions: captions of each of them that are learnt in that step, chosen by lot.
        seed: of weights, order and variation.
        ema: decay of averaged weights that are judged and kept; 0 turns them off.
        early_stop: epochs without a better validation BLEU-4 after which training ends; 0: never.
        keep: `best` epoch on validation pictures (BLEU-4, then BLEU-1), or the `last`.
        beam: of the search that validation captions are written with.
        annotations: folder for what a frozen encoder says of the pictures, 125 kB each of 224 px by
            EfficientNet-Lite0; the user's cache when not given.
        cache_gib: decoded pictures are kept in memory up to this many GiB, where the encoder is not
            frozen.
        workers: decoding threads.
        save_minutes: the state to resume from is written at least this often.
        tensorboard: also log for TensorBoard.
    """

    epochs: PositiveInt = 12
    batch_size: PositiveInt = 64
    captions: PositiveInt = 5
    seed: int = 0
    ema: Fraction = 0.0
    early_stop: Annotated[int, Field(ge=0)] = 0
    keep: Literal["best", "last"] = "best"
    beam: PositiveInt = 3
    annotations: str | None = None
    cache_gib: NonNegative = 2.0
    workers: Annotated[int, Field(ge=0)] = 2
    save_minutes: Annotated[float, Field(gt=0.0)] = 5.0
    tensorboard: bool = False


@dataclass(frozen=True, config=STRICT_KEYS)
class CaptionerConfig:
    """Everything a captioner's training needs; saved whole into its run folder.

    Attributes:
        recipe: says that a configuration is one of these.
        name: of the run.
        out: its folder; runs/NAME when not given.
        start: a captioner's run or model folder whose weights and vocabulary it starts from.
    """

    recipe: Literal["captioner"] = "captioner"
    name: str = "captioner"
    out: str | None = None
    start: str | None = None
    data: CaptionDataConfig = field(default_factory=CaptionDataConfig)
    model: WriterConfig = field(default_factory=WriterConfig)
    preprocess: InputConfig = field(default_factory=InputConfig)
    augment: VariationConfig = field(default_factory=VariationConfig)
    pairs: PairsConfig = field(default_factory=PairsConfig)
    loss: CaptionLossConfig = field(default_factory=CaptionLossConfig)
    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(lr=1e-3, backbone_lr_factor=0.1, clip=5.0)
    )
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    train: CaptionTrainConfig = field(default_factory=CaptionTrainConfig)
