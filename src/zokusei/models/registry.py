"""Models by name: one decorator to add one, one function to build one."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from zokusei.errors import ConfigError, ModelError, suggest
from zokusei.labels import LabelSpace
from zokusei.models.backbone import Backbone, load_backbone_weights
from zokusei.models.one_of import OneOf
from zokusei.models.second_look import SecondLook, look_at, mix_logits

_HEADS: dict[str, type["Head"]] = {}


class Head(nn.Module, ABC):
    """What turns a feature map into logits; every model of the zoo is one.

    A subclass takes `num_features` and `labels` (the `LabelSpace`), then its own options by
    keyword, each with a default.

    Attributes:
        needs_embeddings: whether it starts from what the tags mean. Such a head keeps them in a
            buffer called `label_embeddings`, so that its checkpoint needs nothing else.
        needs_captions: whether it reads a caption vector beside the picture. Such a head has an
            option `caption_width`, and takes `caption_features` (batch, width) as a second tensor
            in `forward` and `explain`.
    """

    needs_embeddings: ClassVar[bool] = False
    needs_captions: ClassVar[bool] = False

    def forward(
        self, features: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch classes"]:
        """Give the logits."""
        return self.explain(features)["logits"]

    @abstractmethod
    def explain(self, features: Float[Tensor, "batch channels rows columns"]) -> dict[str, Tensor]:
        """Give `logits` with everything on the way that is worth a look, by name."""


class VotingHead(Head):
    """A head beside which captions vote, once it is trained.

    What is found keeps it in buffers called `vote_...`, which are 0 until then: its training is
    that of the model without votes.

    Attributes:
        network: the registered model that it is without votes, if that has a name.
        vote_share: how much the votes count, from 0; found on validation pictures.
    """

    needs_captions = True
    network: ClassVar[str | None] = None
    vote_share: Tensor

    @abstractmethod
    def learn_captions(
        self,
        captions: Float[Tensor, "pictures width"],
        targets: Bool[Tensor, "pictures classes"],
        known: Bool[Tensor, "pictures classes"],
    ) -> None:
        """Look at all training pictures' caption vectors.

        Args:
            captions: a vector of each picture that could be read.
            targets: what the pictures have.
            known: what somebody looked for.
        """

    @abstractmethod
    def vote(self, captions: Float[Tensor, "pictures width"]) -> Float[Tensor, "pictures classes"]:
        """Say by how much captions raise the logits; `vote_share` of it is added to them."""


def require_captions(
    caption_features: Float[Tensor, "batch width"] | None, width: int
) -> Float[Tensor, "batch width"]:
    """Give the caption vectors that a head reads.

    Raises:
        ModelError: they are missing or of another width.
    """
    if caption_features is None:
        raise ModelError(
            f"this model reads a caption vector of {width} numbers a picture beside the picture, "
            "and got none; `zokusei tag` and `zokusei evaluate` have the captioner of the run "
            "write them, in Python CaptionSource.compute does"
        )
    if caption_features.shape[1] != width:
        raise ModelError(
            f"caption vectors have {caption_features.shape[1]} numbers, the model reads {width}; "
            "they come from another captioner or reading"
        )
    return caption_features


class Classifier(nn.Module):
    """A backbone and a head: images in, logits out.

    Attributes:
        backbone: pre-trained, gives a feature map.
        head: gives the logits.
        one_of: lets tags that exclude each other compete for theirs, where there are such.
        second_look: looks at faces again, for tags that are named, where there are such.
        mirror: whether each picture is seen in a mirror, too, and a tag has the mean probability.
        name: the registered name.
        arguments: what `create_model` needs to build the same again, without the weights.
    """

    def __init__(
        self,
        backbone: Backbone,
        head: Head,
        one_of: OneOf | None = None,
        second_look: SecondLook | None = None,
        *,
        mirror: bool = False,
        name: str,
        arguments: dict[str, Any],
    ) -> None:
        super().__init__()
        self.backbone, self.head, self.one_of = backbone, head, one_of
        self.second_look, self.mirror = second_look, mirror
        self.name, self.arguments = name, arguments

    def forward(
        self,
        images: Float[Tensor, "batch 3 height width"],
        caption_features: Float[Tensor, "batch caption_width"] | None = None,
    ) -> Float[Tensor, "batch classes"]:
        """Give a logit a class.

        Args:
            images: normalised pictures.
            caption_features: vectors of their captions, for a head that reads them.

        Raises:
            ModelError: they are missing where they are needed, or given where they are not.
        """
        features = self.look(images)
        logits = self.classify(features, caption_features)
        return self.conclude(images, logits, caption_features)

    def look(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch channels rows columns"]:
        """Give the backbone's map of the whole picture, for those who need it too."""
        if self.second_look is not None and not self.training:
            images = look_at(images, self.second_look.first)
        features: Tensor = self.backbone(images)
        return features

    def conclude(
        self,
        images: Float[Tensor, "batch 3 height width"],
        logits: Float[Tensor, "batch classes"],
        caption_features: Float[Tensor, "batch caption_width"] | None = None,
    ) -> Float[Tensor, "batch classes"]:
        """Give the logits that count from those of the whole picture; in training the same.

        Args:
            images: normalised pictures.
            logits: of `classify`, from the map that `look` gave.
            caption_features: see `forward`.
        """
        if self.training:
            return logits
        if self.mirror:
            mirrored = self.classify(self.look(images.flip(3)), caption_features)
            logits = _average(logits, mirrored)
        if self.second_look is not None:
            logits = self.second_look(logits, images, self._classify_squares)
        return logits

    def _classify_squares(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch classes"]:
        """Give the logits of what is cut out of pictures."""
        logits = self.classify(self.backbone(images))
        if self.mirror:
            logits = _average(logits, self.classify(self.backbone(images.flip(3))))
        return logits

    def classify(
        self,
        features: Float[Tensor, "batch channels rows columns"],
        caption_features: Float[Tensor, "batch caption_width"] | None = None,
    ) -> Float[Tensor, "batch classes"]:
        """Give a logit a class from the backbone's map, for those who need the map too.

        Args:
            features: what the backbone made of the pictures.
            caption_features: see `forward`.

        Raises:
            ModelError: see `forward`.
        """
        logits: Tensor = self.head(*self._join(features, caption_features))
        return logits if self.one_of is None else self.one_of(logits)

    def explain(
        self,
        images: Float[Tensor, "batch 3 height width"],
        caption_features: Float[Tensor, "batch caption_width"] | None = None,
    ) -> dict[str, Tensor]:
        """Give the logits with what led to them: activation maps, adjacency, parts of the score."""
        parts = self.head.explain(*self._join(self.look(images), caption_features))
        if self.one_of is not None:
            parts["logits"] = self.one_of(parts["logits"])
        parts["logits"] = self.conclude(images, parts["logits"], caption_features)
        return parts

    def combine(self, looks: Sequence[Float[Tensor, "batch classes"]]) -> Tensor:
        """Give the logits that count from the head's own, without a second look.

        Args:
            looks: of the pictures and, where the model sees them in a mirror, of those there.
        """
        settled = [look if self.one_of is None else self.one_of(look) for look in looks]
        return settled[0] if len(settled) == 1 else _average(*settled)

    def _join(self, features: Tensor, caption_features: Tensor | None) -> tuple[Any, ...]:
        """Give what the head reads."""
        if self.head.needs_captions:
            return features, caption_features
        if caption_features is not None:
            raise ModelError(f"model {self.name!r} reads no caption vector; leave it out")
        return (features,)


def _average(
    first: Float[Tensor, "batch classes"], second: Float[Tensor, "batch classes"]
) -> Float[Tensor, "batch classes"]:
    """Give the logits of the mean of two probabilities."""
    return mix_logits(first, second, torch.full_like(first, 0.5))


def register_model(name: str) -> Callable[[type[Head]], type[Head]]:
    """Make a head known under a name, to `create_model`, to configurations and to the tests."""

    def register(head: type[Head]) -> type[Head]:
        if name in _HEADS:
            raise ValueError(f"a model called {name!r} is registered already")
        _HEADS[name] = head
        return head

    return register


def find_head(name: str) -> type[Head]:
    """Give the class of a model's head.

    Raises:
        ConfigError: the model is unknown.
    """
    if name not in _HEADS:
        raise ConfigError(f"unknown model {name!r}{suggest(name, _HEADS)}")
    return _HEADS[name]


def list_options(head: type[Head]) -> dict[str, Any]:
    """Give the options of a head that may be left out, with what they are then.

    >>> list_options(find_head("add_gcn"))["hidden"]
    1024
    """
    parameters = inspect.signature(head).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def needs_embeddings(name: str) -> bool:
    """Say whether a model starts from label embeddings.

    Raises:
        ConfigError: the model is unknown.

    >>> needs_embeddings("gap"), needs_embeddings("ml_gcn")
    (False, True)
    """
    return find_head(name).needs_embeddings


def needs_captions(name: str) -> bool:
    """Say whether a model reads a caption vector.

    Raises:
        ConfigError: the model is unknown.

    >>> needs_captions("add_gcn"), needs_captions("capgcn")
    (False, True)
    """
    return find_head(name).needs_captions


def list_models() -> list[str]:
    """Name all models.

    >>> "add_gcn" in list_models()
    True
    """
    return sorted(_HEADS)


def create_model(
    name: str,
    labels: LabelSpace,
    *,
    backbone: str = "tf_efficientnet_lite0",
    weights: str = "none",
    one_of: Sequence[Sequence[str]] = (),
    second_look: Mapping[str, Any] | None = None,
    mirror: bool = False,
    **options: Any,
) -> Classifier:
    """Build a model.

    Args:
        name: a registered model.
        labels: its classes.
        backbone: a convolutional timm model.
        weights: see `load_backbone_weights`.
        one_of: groups of tags, by name, of which a picture has one at most; see `OneOf`.
        second_look: arguments of `SecondLook` but for the names of all tags. Its finder of faces
            has random weights; see `load_face_finder`.
        mirror: see each picture in a mirror, too; not in training.
        options: of the head.

    Raises:
        ConfigError: the model or an option is unknown, or it needs label embeddings and gets none;
            or a group of `one_of` is impossible, or a tag of `second_look`; or it reads captions
            and is to look twice.
        ModelError: the backbone or its weights cannot be had.

    >>> import torch
    >>> from zokusei.tags import TagSet
    >>> labels = LabelSpace.from_targets(TagSet.from_names(["a", "b"]), torch.ones(1, 2).bool())
    >>> model = create_model("gap", labels, backbone="test_efficientnet").eval()
    >>> model(torch.zeros(4, 3, 64, 64)).shape
    torch.Size([4, 2])
    """
    head_class = find_head(name)
    known = set(inspect.signature(head_class).parameters) - {"num_features", "labels"}
    for option in options:
        if option not in known:
            raise ConfigError(f"model {name!r} has no option {option!r}{suggest(option, known)}")
    if head_class.needs_embeddings and labels.embeddings is None:
        raise ConfigError(
            f"model {name!r} starts from label embeddings and the label space has none; set "
            "model.embeddings to glove, minilm, one_hot or a GloVe text file"
        )
    if head_class.needs_captions and "caption_width" not in options:
        raise ConfigError(
            f"model {name!r} reads the vector of a caption and is not told of which width; give "
            "caption_width"
        )
    if head_class.needs_captions and second_look is not None:
        raise ConfigError(
            f"model {name!r} reads the caption of a whole picture, and a face has none; leave out "
            "model.second_look"
        )
    compete = OneOf(one_of, labels.tags.names) if one_of else None
    closer = SecondLook(names=labels.tags.names, **second_look) if second_look else None
    body = Backbone(backbone)
    head = head_class(body.num_features, labels, **options)
    load_backbone_weights(body, backbone, weights)
    arguments = {"backbone": backbone, **options}
    if one_of:
        arguments["one_of"] = [list(group) for group in one_of]
    if second_look:
        arguments["second_look"] = dict(second_look)
    if mirror:
        arguments["mirror"] = True
    return Classifier(body, head, compete, closer, mirror=mirror, name=name, arguments=arguments)
