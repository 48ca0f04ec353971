"""Settings of a training: frozen dataclasses, in which every key has its default.

Recipes and what prepares them read these classes; models, losses and augmentation take plain
arguments. `config_file` reads them from YAML.
"""

from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

STRICT_KEYS = ConfigDict(extra="forbid")

Fraction = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
PositiveInt = Annotated[int, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0.0)]


@dataclass(frozen=True, config=STRICT_KEYS)
class DataConfig:
    """Where the pictures and their tags come from, and how they are split.

    Attributes:
        path: a manifest (.parquet), a table (.csv, .jsonl), a folder of pictures with sidecars
            or with one CSV inside, or another form that `zokusei data import` recognises.
        images: folder that the table's file names are relative to; the table's own by default.
        columns: columns that hold one attribute each, with the tag they become:
            `{hair: "{}_hair"}` turns `blonde` in column `hair` into `blonde_hair`.
        group_column: column that names near copies; a group never crosses a split.
        vocabulary: a file with one tag a line; tags that are not in it are left out.
        val, test: share of the groups held out, where the source does not say itself.
        split_seed: which groups they are; apart from `train.seed`, so that runs with several
            seeds are tested on the same pictures.
        near_copies: read every picture once more before the training, and keep near copies
            (rescaled, recompressed, retouched ones) in one split.
        min_count: tags with fewer training pictures are left out; chosen from the data when
            not given.
        repeat: how often an epoch shows the training pictures of a source (the names that
            `zokusei data merge` gave), as `{art: 4, drawn: 0.5}`; once by default.
    """

    path: str = ""
    images: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    group_column: str | None = None
    vocabulary: str | None = None
    val: Fraction = 0.10
    test: Fraction = 0.15
    split_seed: int = 0
    near_copies: bool = False
    min_count: PositiveInt | None = None
    repeat: dict[str, Positive] = field(default_factory=dict)


def _refuse_settings(options: dict[str, Any]) -> dict[str, Any]:
    """See that the options of a head have no name that means something else.

    Raises:
        ValueError: one has; pydantic says where.
    """
    for name in ("backbone", "weights", "one_of", "second_look", "mirror"):
        if name in options:
            raise ValueError(f"{name} is no option of a head but a setting: model.{name}")
    if "caption_width" in options:
        raise ValueError("caption_width is that of the captioner and cannot be set")
    return options


@dataclass(frozen=True, config=STRICT_KEYS)
class ModelConfig:
    """Which model, on which backbone, from which weights.

    Attributes:
        name: a registered model (`gap`, `gmp`, `add_gcn`, ...).
        backbone: any convolutional timm model.
        weights: `auto` (packaged weights, else timm's download), `packaged`, `timm`, `none`,
            a local weight file, or `captioner`: the encoder of `captions.captioner`. If all of it
            stays as it is (`freeze: all`) and sees what the captioner sees, both share one pass.
        freeze: first stages of the backbone, the stem included, that stay as they were loaded;
            `all`: only the head learns.
        embeddings: what the tags mean, for the models that start from it (`ml_gcn`, `ssgrl`):
            `glove`, `minilm`, `one_hot`, or a GloVe text file of any width.
        embeddings_unknown: a tag of which no word has a vector is an `error`, or gets `zeros`.
        one_of: groups of tags of which a picture has one at most, as `[[blue_eyes, red_eyes],
            ["*_hair"]]`: their probabilities are a softmax over the group and "none of them". Two
            of a group that are both there can have one half each at most. A picture of which no tag
            of a group is known to be there counts for it only if all of them were looked for.
        second_look: tags, or patterns of them, that a closer look at the face has a say in, as
            `["*_hair", "*_eyes"]`. Pictures then come at `preprocess.size`: the model sees them
            whole at half of that, and the face that was found at `augment.size`. Training has one
            look, at crops as ever; tagging takes about twice the time.
        mirror: see each picture in a mirror, too, and give each tag the mean of both probabilities,
            which is a little better; tagging and validation take twice the time, also of a second
            look's. Not where a tag names a side.
        options: arguments of the model's head, by name.
    """

    name: str = "gap"
    backbone: str = "tf_efficientnet_lite0"
    weights: str = "auto"
    freeze: Annotated[int, Field(ge=0)] | Literal["all"] = 0
    embeddings: str | None = None
    embeddings_unknown: Literal["error", "zeros"] = "error"
    one_of: tuple[tuple[str, ...], ...] = ()
    second_look: tuple[str, ...] = ()
    mirror: bool = False
    options: Annotated[dict[str, Any], AfterValidator(_refuse_settings)] = field(
        default_factory=dict
    )


@dataclass(frozen=True, config=STRICT_KEYS)
class CaptionsConfig:
    """Where the caption vectors of `capgcn` and `capgcn_votes` come from; nothing else reads them.

    They are made once a picture, of the whole picture whatever augmentation does to it, and kept in
    the user's cache folder.

    Attributes:
        captioner: a run or a model folder of a captioner (`zokusei train
            configs/captioner-photos.yaml`).
        reading: what of it is the vector: `encoder`, the mean of its feature map; `attended`, that
            map weighed by where it looked; `hidden`, its mean state; `text`, the mean vector of the
            words it said.
        beam: beginnings of a caption that are kept; 1 is greedy.
        control: what takes the vectors' place, to see whether they matter: `none`, `zero`,
            `shuffled` between pictures, `random` but fixed, or `truth`, the pictures' own captions
            (with `reading: text`).
    """

    captioner: str | None = None
    reading: Literal["encoder", "attended", "hidden", "text"] = "attended"
    beam: PositiveInt = 1
    control: Literal["none", "zero", "shuffled", "random", "truth"] = "none"


@dataclass(frozen=True, config=STRICT_KEYS)
class PreprocessConfig:
    """What the network sees; mean and standard deviation come from the weights.

    Attributes:
        size: side of the square input in pixels; chosen from the data when not given.
        fit: `squash` ignores the aspect, `pad` keeps it on white, `crop` keeps the centre.
    """

    size: PositiveInt | None = None
    fit: Literal["squash", "pad", "crop"] = "pad"


@dataclass(frozen=True, config=STRICT_KEYS)
class AugmentConfig:
    """How training pictures are varied.

    Attributes:
        crop: `random_resized_crop`, `multi_scale_crop` (as ADD-GCN's code means it) or `none`.
        size: side of the training pictures in pixels. A crop shows everything larger than it is
            in the whole picture, so that a network does better on larger pictures than those it
            was trained on (Touvron et al., Fixing the train-test resolution discrepancy, 2019).
            When not given: 7/8 of `preprocess.size` for `random_resized_crop`, which also saves
            time, and all of it for the others, as published.
        scale: smallest and largest share of the area that a random resized crop keeps.
        ratio: smallest and largest width / height of that crop.
        flip: probability of mirroring; ignored, and said so, when a tag has a side.
        trivial: TrivialAugment, one random operation a picture.
        erase: probability of blanking a random rectangle.
        shrink: probability of showing the whole crop smaller, down to half its side, at a random
            place on a plain ground: for figures that fill their pictures more than those that are
            to be tagged.
        jitter: brightness, contrast and saturation are each multiplied by 1 - jitter to
            1 + jitter; the hue stays, since it is what tags of colours are about.
        collage: shows pictures of a source several at a time on one, as `{faces: 3}`: in squares of
            1 to 3 a side (8 at most), each as probable, every picture varied by itself. For
            close-ups among whole figures. A page has the tags of all that it shows, so that tags
            that count people become wrong on it, and colours of hair are no longer `one_of`. On
            average `{faces: 3}` reads 4.7 pictures a page: see `train.cache_gib`.
        margin: training pictures are decoded at `size * margin` before they are cropped; 8/7 is the
            published 512 for 448.
    """

    crop: Literal["random_resized_crop", "multi_scale_crop", "none"] = "random_resized_crop"
    size: PositiveInt | None = None
    scale: tuple[Positive, Positive] = (0.5, 1.0)
    ratio: tuple[Positive, Positive] = (0.8, 1.25)
    flip: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    trivial: bool = False
    erase: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    shrink: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    jitter: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    collage: dict[str, Annotated[int, Field(ge=1, le=8)]] = field(default_factory=dict)
    margin: Annotated[float, Field(ge=1.0, le=4.0)] = 8 / 7


@dataclass(frozen=True, config=STRICT_KEYS)
class LossConfig:
    """Which loss: `bce`, `asl` (asymmetric) or `dan` (batch-weighted), with its options."""

    name: str = "bce"
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, config=STRICT_KEYS)
class OptimizerConfig:
    """How weights move.

    Attributes:
        name: `adamw` or `sgd`.
        lr: learning rate of the head.
        backbone_lr_factor: the backbone's as a share of it (the paper's groups: 0.5 and 0.1).
        momentum: of SGD.
        weight_decay: per step, on all weights as the published codes have it.
        clip: largest gradient norm; the norm is logged either way. None: no limit.
    """

    name: Literal["adamw", "sgd"] = "adamw"
    lr: Positive = 2e-3
    backbone_lr_factor: Positive = 0.5
    momentum: Fraction = 0.9
    weight_decay: NonNegative = 0.02
    clip: Positive | None = 10.0


@dataclass(frozen=True, config=STRICT_KEYS)
class ScheduleConfig:
    """How the learning rate changes over the steps.

    Attributes:
        name: `one_cycle` (up, then down to nothing), `cosine`, `step` or `constant`.
        warmup: share of all steps in which the rate rises from nothing.
        milestones: shares of all steps after which `step` multiplies the rate by `gamma`
            (30 and 40 of 50 epochs in the paper's recipe).
        gamma: that factor.
    """

    name: Literal["one_cycle", "cosine", "step", "constant"] = "one_cycle"
    warmup: Fraction = 0.15
    milestones: tuple[Fraction, ...] = (0.6, 0.8)
    gamma: Positive = 0.1


@dataclass(frozen=True, config=STRICT_KEYS)
class TrainConfig:
    """The loop itself.

    Attributes:
        epochs: passes over the training split; chosen from the data when not given.
        batch_size: pictures a step, over all processes together.
        seed: of weights, order and augmentation.
        ema: decay of the averaged weights that are evaluated and kept; 0 turns them off.
        mixed_precision: `no`, `bf16` or `fp16`. Sums over thousands of classes, as `add_gcn` and
            `capgcn` have them, are too large for fp16; bf16 holds them.
        self_distillation: weight of the run's own earlier prediction in the targets; it rises from
            0 at the first step to this at the last. 0.6 where labels are loose. Takes next to no
            time, and two bytes a picture and tag. A page of `augment.collage` has its labels alone.
        freeze_batch_norm: keep the backbone's batch statistics as they were loaded.
        early_stop: epochs without a better validation mAP after which training ends; 0: never.
        keep: `best` epoch on validation data, or the `last`.
        cache_gib: decoded pictures are kept in memory up to this many GiB, those of training and of
            validation apart; beyond it they are decoded again each epoch.
        workers: decoding threads when they are not kept in memory.
        save_minutes: the state to resume from is written at least this often, and at every
            epoch's end.
        tensorboard: also log for TensorBoard (needs the extra of that name).
    """

    epochs: PositiveInt | None = None
    batch_size: PositiveInt = 32
    seed: int = 0
    ema: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.99
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    self_distillation: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    freeze_batch_norm: bool = False
    early_stop: Annotated[int, Field(ge=0)] = 0
    keep: Literal["best", "last"] = "best"
    cache_gib: NonNegative = 4.0
    workers: Annotated[int, Field(ge=0)] = 2
    save_minutes: Positive = 5.0
    tensorboard: bool = False


@dataclass(frozen=True, config=STRICT_KEYS)
class Config:
    """Everything a training of a classifier needs; saved whole into its run folder."""

    recipe: Literal["classifier"] = "classifier"
    name: str = "run"
    out: str | None = None
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    captions: CaptionsConfig = field(default_factory=CaptionsConfig)
    preprocess: PreprocessConfig = field(default_factory=PreprocessConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
