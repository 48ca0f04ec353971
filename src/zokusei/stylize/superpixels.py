"""Pictures as patches of one colour each: what the structure loss draws a cartoon towards.

Two ways to find the patches: SLIC, and Felzenszwalb's graph-based segments merged by the
similarities of selective search (Uijlings et al., Selective Search for Object Recognition, IJCV
2013), which also joins what lies apart in brightness but belongs together.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from zokusei.errors import ConfigError, MissingExtraError, suggest

METHODS = ("slic", "selective_search")
COLOURS = ("adaptive", "mean")

# Standard deviations in grey levels between which a patch's colour turns from mean to median.
_EVEN, _UNEVEN = 20.0, 40.0
_COLOUR_BINS, _TEXTURE_BINS, _DIRECTIONS = 25, 10, 8


def draw_superpixels(
    images: Float[Tensor, "batch 3 height width"],
    *,
    method: str = "slic",
    count: int = 200,
    colour: str = "adaptive",
    power: float = 1.0,
) -> Float[Tensor, "batch 3 height width"]:
    r"""Fill every superpixel with one colour; no gradient flows through it.

    Args:
        images: blue, green, red, from -1 to 1; what is outside is clipped.
        method: `slic` (the released code's default) or `selective_search`.
        count: superpixels of a picture, about (SLIC) or at most.
        colour: `mean`, or `adaptive`: the mean where a patch's standard deviation is below 20
            grey levels, its median above 40, their mean between. (The released code compares these
            thresholds with pictures of -1 to 1, so that it always takes the mean.)
        power: exponent of the filled picture on 0 to 1, brought back to its largest value after;
            1.2 in the released code with selective search, which makes colours deeper.

    Raises:
        ConfigError: method or colour is unknown.
        MissingExtraError: scikit-image is not installed.

    >>> draw_superpixels(torch.zeros(1, 3, 4, 5)).unique()
    tensor([0.0039])
    """
    if method not in METHODS:
        raise ConfigError(f"unknown superpixels {method!r}{suggest(method, METHODS)}")
    if colour not in COLOURS:
        raise ConfigError(f"unknown superpixel colour {colour!r}{suggest(colour, COLOURS)}")
    find = find_slic if method == "slic" else find_selective_search
    pictures = ((images.detach().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    drawn = []
    for picture in pictures.flip(1).permute(0, 2, 3, 1).cpu().numpy():
        filled = fill_regions(picture, find(picture, count), adaptive=colour == "adaptive") / 255
        if power != 1 and filled.max() > 0:
            filled = filled**power
            filled = filled / filled.max()
        drawn.append(torch.from_numpy(filled.astype(np.float32)) * 2 - 1)
    return torch.stack(drawn).permute(0, 3, 1, 2).flip(1).to(images)


def find_slic(picture: NDArray[np.uint8], count: int) -> NDArray[np.int64]:
    """Cut a picture (height x width x 3) into about `count` even patches; numbers from 0."""
    slic = _segmentation().slic
    regions: NDArray[np.int64] = slic(
        picture, n_segments=count, sigma=1, compactness=10, start_label=0
    )
    return regions


def find_selective_search(picture: NDArray[np.uint8], count: int) -> NDArray[np.int64]:
    """Cut a picture into Felzenszwalb's segments and merge the most alike until `count` are left.

    Scale 10, sigma 0.8 and at least 100 pixels, as released.
    """
    regions = _segmentation().felzenszwalb(picture, scale=10, sigma=0.8, min_size=100)
    return merge_regions(picture, regions, count)


def fill_regions(
    picture: NDArray[np.uint8], regions: NDArray[np.int64], *, adaptive: bool
) -> NDArray[np.float64]:
    """Give every pixel the colour of its region: see `draw_superpixels`.

    >>> picture = np.array([[[0], [0], [255]]], dtype=np.uint8)
    >>> [float(fill_regions(picture, np.zeros((1, 3), int), adaptive=a)[0, 0, 0])
    ...  for a in (True, False)]
    [0.0, 85.0]
    """
    colours = mean_colours(picture, regions)
    if not adaptive:
        return colours
    pixels, filled = picture.reshape(-1, picture.shape[-1]), colours.reshape(-1, picture.shape[-1])
    order = np.argsort(regions, axis=None, kind="stable")
    starts = np.flatnonzero(np.diff(regions.ravel()[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        own = pixels[rows]
        spread = own.std(0).mean()
        if spread >= _EVEN:
            share = 0.5 if spread <= _UNEVEN else 1.0
            filled[rows] = share * np.median(own, 0) + (1 - share) * filled[rows]
    return filled.reshape(picture.shape)


def mean_colours(
    picture: NDArray[np.uint8] | NDArray[np.float32], regions: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Give every pixel the mean colour of its region.

    Args:
        picture: height x width x channels.
        regions: height x width, numbers from 0.

    >>> mean_colours(np.float32([[[0], [2], [9]]]), np.array([[0, 0, 1]]))[0, :, 0]
    array([1., 1., 9.])
    """
    flat = regions.ravel()
    counts = np.maximum(np.bincount(flat), 1)
    means = [np.bincount(flat, channel.ravel()) / counts for channel in np.moveaxis(picture, -1, 0)]
    colours: NDArray[np.float64] = np.stack(means, -1)[regions]
    return colours


@dataclass
class _Region:
    """What the similarities of selective search need of a region."""

    size: int
    box: tuple[int, int, int, int]
    colours: NDArray[np.float64]
    textures: NDArray[np.float64]
    neighbours: set[int] = field(default_factory=set)


def merge_regions(
    picture: NDArray[np.uint8], regions: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Merge neighbours, the most similar first, until at most `count` regions are left.

    Similarity is the sum of four parts of 0 to 1: how far histograms of Lab colours and of
    gradients overlap, how small both are, and how well they fill the box around them.
    """
    _, numbers = np.unique(regions, return_inverse=True)
    labels = numbers.reshape(regions.shape)
    known = _describe(picture, labels)
    total = labels.size
    similar = {
        (one, two): _similarity(known[one], known[two], total)
        for one, region in known.items()
        for two in region.neighbours
        if one < two
    }
    into = {number: number for number in known}
    newest = len(known)
    while len(known) > count and similar:
        one, two = max(similar, key=lambda pair: (similar[pair], pair))
        known[newest] = merged = _merge(known.pop(one), known.pop(two))
        merged.neighbours -= {one, two}
        into |= {one: newest, two: newest, newest: newest}
        similar = {pair: value for pair, value in similar.items() if not {one, two} & {*pair}}
        for other in merged.neighbours:
            known[other].neighbours -= {one, two}
            known[other].neighbours.add(newest)
            similar[other, newest] = _similarity(known[other], merged, total)
        newest += 1
    final = []
    for number in range(int(labels.max()) + 1):
        while into[number] != number:
            number = into[number]
        final.append(number)
    result: NDArray[np.int64] = np.unique(np.array(final), return_inverse=True)[1][labels]
    return result


def _similarity(one: _Region, two: _Region, total: int) -> float:
    top, left, bottom, right = _box_around(one, two)
    both = one.size + two.size
    unfilled = (bottom - top) * (right - left) - both
    colour = np.minimum(one.colours, two.colours).sum()
    texture = np.minimum(one.textures, two.textures).sum()
    return float(colour + texture + (1 - both / total) + (1 - unfilled / total))


def _merge(one: _Region, two: _Region) -> _Region:
    size = one.size + two.size
    return _Region(
        size,
        _box_around(one, two),
        (one.size * one.colours + two.size * two.colours) / size,
        (one.size * one.textures + two.size * two.textures) / size,
        one.neighbours | two.neighbours,
    )


def _box_around(one: _Region, two: _Region) -> tuple[int, int, int, int]:
    (top, left, bottom, right), (top2, left2, bottom2, right2) = one.box, two.box
    return min(top, top2), min(left, left2), max(bottom, bottom2), max(right, right2)


def _describe(picture: NDArray[np.uint8], labels: NDArray[np.int64]) -> dict[int, _Region]:
    """Measure every region; labels are 0 to n - 1."""
    from skimage.color import rgb2lab

    count = int(labels.max()) + 1
    lab = rgb2lab(picture)
    scaled = [lab[..., 0] / 100, (lab[..., 1] + 128) / 256, (lab[..., 2] + 128) / 256]
    colours = _histograms(scaled, labels, count, _COLOUR_BINS)
    slopes = []
    for channel in scaled:
        rows, columns = (
            np.gradient(channel, axis=axis) if channel.shape[axis] > 1 else 0 * channel
            for axis in (0, 1)
        )
        # Half a channel's range a pixel is as steep as edges get.
        slopes += [
            2 * np.maximum(columns * np.cos(angle) + rows * np.sin(angle), 0)
            for angle in 2 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
        ]
    textures = _histograms(slopes, labels, count, _TEXTURE_BINS)
    sizes = np.bincount(labels.ravel(), minlength=count)
    rows, columns = np.indices(labels.shape)
    corners = np.full((count, 4), [labels.shape[0], labels.shape[1], 0, 0])
    for side, values in ((0, rows), (1, columns)):
        np.minimum.at(corners[:, side], labels, values)
        np.maximum.at(corners[:, side + 2], labels, values + 1)
    known = {}
    for number in range(count):
        top, left, bottom, right = (int(corner) for corner in corners[number])
        box = (top, left, bottom, right)
        known[number] = _Region(int(sizes[number]), box, colours[number], textures[number])
    for here, there in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        apart = here != there
        for one, two in {*zip(here[apart].tolist(), there[apart].tolist(), strict=True)}:
            known[one].neighbours.add(two)
            known[two].neighbours.add(one)
    return known


def _histograms(
    channels: list[NDArray[np.float64]], labels: NDArray[np.int64], count: int, bins: int
) -> NDArray[np.float64]:
    """Histograms of channels from 0 to 1, a row a region; each row sums to 1."""
    rows = []
    for channel in channels:
        places = np.clip((channel * bins).astype(int), 0, bins - 1)
        found = np.bincount((labels * bins + places).ravel(), minlength=count * bins)
        rows.append(found.reshape(count, bins))
    together = np.concatenate(rows, axis=1).astype(np.float64)
    normalised: NDArray[np.float64] = together / together.sum(1, keepdims=True)
    return normalised


def _segmentation() -> Any:
    """Give scikit-image's segmentation, which is an extra."""
    try:
        from skimage import segmentation
    except ModuleNotFoundError as error:
        raise MissingExtraError("scikit-image", "stylize", "superpixels") from error
    return segmentation
