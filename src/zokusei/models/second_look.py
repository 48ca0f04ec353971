"""A second, closer look at the face, for tags of what is small in a whole picture."""

from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import NamedTuple

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn import functional as F

from zokusei.errors import ConfigError, ModelError, suggest
from zokusei.models.backbone import create_timm_model

_STAGE = 3  # of the body: a cell for each 16 x 16 pixels, with 112 channels
_CELL = 16
_HALVES = (0.5, 0.5, 0.5)


class Face(NamedTuple):
    """The most prominent face of each picture, in shares of a square picture's side.

    Attributes:
        x: of its middle, from the left.
        y: of its middle, from the top.
        side: of the square from the chin to above the brows.
        certainty: probability that there is a face at all.
    """

    x: Float[Tensor, " batch"]
    y: Float[Tensor, " batch"]
    side: Float[Tensor, " batch"]
    certainty: Float[Tensor, " batch"]


class FaceFinder(nn.Module):
    r"""Says where the most prominent face is.

    The first stages of a backbone give each cell of 16 x 16 pixels a score :math:`s` that it holds
    the middle of the face, beside one :math:`s_0` for none, and the face's place in the cell and
    size, were it there:

    .. math:: p_k = \frac{e^{s_k}}{e^{s_0} + \sum_j e^{s_j}}

    The cell with the highest is taken. It is CenterNet (Zhou et al., Objects as Points, 2019) with
    a softmax over the places in the stead of a focal loss, since one face is looked for.

    Args:
        backbone: an EfficientNet of timm.
        size: pixels a side in which it looks at the whole picture.
        channels: between the backbone and what it says.

    >>> finder = FaceFinder().eval()
    >>> face = finder(torch.zeros(2, 3, 320, 320))
    >>> face.x.shape, bool((face.certainty <= 1).all())
    (torch.Size([2]), True)
    """

    def __init__(
        self, backbone: str = "tf_efficientnet_lite0", *, size: int = 224, channels: int = 128
    ) -> None:
        super().__init__()
        self.size = size
        self.body = create_timm_model(backbone, features_only=True, out_indices=(_STAGE,))
        (width,), (last,) = self.body.feature_info.channels(), self.body.feature_info.module_name()
        # timm would compute the stages behind it, too, and keep their weights.
        del self.body.blocks[int(last.removeprefix("blocks.")) + 1 :]
        self.join = nn.Sequential(
            nn.Conv2d(width, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        )
        self.say = nn.Conv2d(channels, 4, 1)
        self.none = nn.Linear(channels, 1)

    def forward(self, images: Float[Tensor, "batch 3 height height"]) -> Face:
        """Give the place, size and certainty of a face a picture."""
        scores, places = self.look(images)
        best = scores[:, :-1].argmax(1)
        x, y, side = places.gather(2, best[:, None, None].expand(-1, 3, 1)).squeeze(2).unbind(1)
        return Face(x, y, side, 1 - scores.softmax(1)[:, -1])

    def look(
        self, images: Float[Tensor, "batch 3 height height"]
    ) -> tuple[Float[Tensor, "batch choices"], Float[Tensor, "batch 3 cells"]]:
        """Give the scores of all cells and of "none", and x, y and side for each cell."""
        seen = self.join(self.body(look_at(images, self.size))[0])
        said, none = self.say(seen), self.none(seen.mean((2, 3)))
        rows, columns = seen.shape[2:]
        y = torch.arange(rows, device=seen.device)[:, None] + 0.5 + said[:, 2]
        x = torch.arange(columns, device=seen.device) + 0.5 + said[:, 1]
        # A quarter of the picture where nothing is learnt yet.
        side = said[:, 3].clamp(-4, 4).exp() / 4
        places = torch.stack([x * _CELL / self.size, y * _CELL / self.size, side], 1)
        return torch.cat([said[:, 0].flatten(1), none], 1), places.flatten(2)


def look_at(
    images: Float[Tensor, "batch 3 height height"], size: int
) -> Float[Tensor, "batch 3 size size"]:
    """Give pictures at another size; at half of it each pixel is the mean of two by two.

    >>> look_at(torch.tensor([[[[0.0, 4.0], [8.0, 0.0]]]]).expand(1, 3, 2, 2), 1)[0, 0]
    tensor([[3.]])
    """
    if images.shape[-1] == size:
        return images
    return F.interpolate(images, (size, size), mode="bilinear", align_corners=False)


def cut_out(
    images: Float[Tensor, "batch 3 height height"], face: Face, size: int, margin: float
) -> Float[Tensor, "batch 3 size size"]:
    """Cut a square around each face; what lies outside of the picture is as at its border.

    Args:
        images: of which they are cut.
        face: where.
        size: pixels a side of what is given; each is the mean of two by two that are looked up.
        margin: side of the square in sides of the face.
    """
    steps = (torch.arange(2 * size, device=images.device) + 0.5) / size - 1  # -1 to 1
    # grid_sample counts from -1 to 1, too. In lines of x, y, x, y...: exported graphs are slow
    # along the last axis of a grid, which has two numbers.
    square = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), 2).flatten(1)
    middle = (2 * torch.stack(find_middle(face, margin), 1) - 1).repeat(1, 2 * size)
    lines = middle[:, None] + (face.side * margin)[:, None, None] * square
    grid = lines.view(-1, 2 * size, 2 * size, 2)
    sampled = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return look_at(sampled, size)


def find_middle(
    face: Face, margin: float
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    """Give x and y of the middle of the square around a face.

    Hair is above it, so the square is set higher by a tenth of what the margin adds.
    """
    return face.x, face.y - 0.1 * (margin - 1) * face.side


class SecondLook(nn.Module):
    r"""Let a classifier look at the whole picture, and then at the face.

    With the probabilities :math:`p` of the whole picture, those :math:`q` of the square around the
    face, and the certainty :math:`c` that there is one, a tag that is looked at closer has

    .. math:: (1 - c / 2) \, p + (c / 2) \, q

    and every other tag has :math:`p`. In training there is one look, at whatever augmentation
    gives; nothing here learns then. No paper that this project follows does this.

    Args:
        tags: names of the tags that the second look has a say in.
        names: of all tags, in the order of the logits.
        first: pixels a side of the whole picture, as the classifier sees it first.
        size: pixels a side of the square around the face.
        margin: side of that square in sides of the face.
        mean: of 0 to 1, by which pictures were normalised for the classifier.
        std: deviation, of the same.

    Raises:
        ConfigError: there is no tag, or an unknown one.
    """

    closer: Tensor
    scale: Tensor
    shift: Tensor

    def __init__(
        self,
        tags: Sequence[str],
        names: Sequence[str],
        *,
        first: int,
        size: int,
        margin: float = 1.5,
        mean: Sequence[float] = _HALVES,
        std: Sequence[float] = _HALVES,
    ) -> None:
        super().__init__()
        if not tags:
            raise ConfigError("second_look has no tag; name those that a closer look tells")
        for tag in tags:
            if tag not in names:
                raise ConfigError(f"second_look has no tag {tag!r}{suggest(tag, names)}")
        self.first, self.size, self.margin = first, size, margin
        self.finder = FaceFinder().requires_grad_(requires_grad=False)
        closer = torch.tensor([float(name in set(tags)) for name in names])
        self.register_buffer("closer", closer, persistent=False)
        # What finds faces learnt with another mean and deviation than some backbones.
        scale, shift = torch.tensor(std) / 0.5, (torch.tensor(mean) - 0.5) / 0.5
        self.register_buffer("scale", scale.view(3, 1, 1), persistent=False)
        self.register_buffer("shift", shift.view(3, 1, 1), persistent=False)

    def train(self, mode: bool = True) -> "SecondLook":
        """Stay as it is: what finds faces was trained before, and for every model."""
        del mode
        return super().train(mode=False)

    def find_face(self, images: Float[Tensor, "batch 3 height height"]) -> Face:
        """Give where the face is in pictures as the classifier gets them."""
        found: Face = self.finder(images * self.scale + self.shift)
        return found

    def forward(
        self,
        first: Float[Tensor, "batch classes"],
        images: Float[Tensor, "batch 3 height height"],
        classify: Callable[[Tensor], Tensor],
    ) -> Float[Tensor, "batch classes"]:
        """Give the logits of both looks together.

        Args:
            first: logits of the whole pictures.
            images: in the size of which the square is cut.
            classify: gives the logits of squares.
        """
        face = self.find_face(images)
        second = classify(cut_out(images, face, self.size, self.margin))
        share = face.certainty[:, None] / 2 * self.closer
        return mix_logits(first, second, share)


def mix_logits(
    first: Float[Tensor, "batch classes"],
    second: Float[Tensor, "batch classes"],
    share: Float[Tensor, "batch classes"],
) -> Float[Tensor, "batch classes"]:
    """Give the logits of weighed means of two probabilities.

    Sums of logarithms lose nothing where a probability is next to 0 or 1.

    Args:
        first: logits.
        second: logits.
        share: of the second's probability, below 1.

    >>> mix_logits(torch.tensor([[0.0]]), torch.tensor([[100.0]]), torch.tensor([[0.5]])).sigmoid()
    tensor([[0.7500]])
    """
    first, second = (x.to(torch.promote_types(x.dtype, torch.float32)) for x in (first, second))
    share = share.to(first.dtype)
    own, other = torch.log1p(-share), share.clamp(min=torch.finfo(share.dtype).tiny).log()

    def join(sign: int) -> Tensor:
        parts = own + F.logsigmoid(sign * first), other + F.logsigmoid(sign * second)
        return torch.stack(parts).logsumexp(0)

    return torch.where(share > 0, join(1) - join(-1), first)


def load_face_finder(finder: FaceFinder) -> None:
    """Put the weights that come with the package into a finder of faces.

    Raises:
        ModelError: they are missing or do not fit.
    """
    path = files("zokusei.weights") / "faces" / "model.safetensors"
    if not path.is_file():
        raise ModelError(
            "this zokusei came without what finds faces; `python weights/faces.py` makes it"
        )
    try:
        finder.load_state_dict(load(path.read_bytes()))
    except (RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"{path} is damaged, or of another version of zokusei; install zokusei anew"
        ) from error
