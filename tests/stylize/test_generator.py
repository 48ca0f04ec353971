"""The generator's parts against loops, whole against the published exports."""

import numpy as np
import pytest
import torch
from PIL import Image
from published import DYNAMIC, FP16, PHOTOGRAPHS, Export, needs_published

from zokusei.stylize import white_box
from zokusei.stylize.generator import SameConv2d, WhiteBoxGenerator, double_bilinear
from zokusei.stylize.guided_filter import guided_filter
from zokusei.stylize.weights import import_weights, load_generator
from zokusei.stylize.white_box import WhiteBox


def same_convolution(x, weight, bias, stride):
    """TensorFlow's definition, a pixel at a time."""
    kernel = weight.shape[-1]
    sides = [-(-size // stride) for size in x.shape[1:]]
    pads = [
        max((out - 1) * stride + kernel - size, 0) // 2
        for out, size in zip(sides, x.shape[1:], strict=True)
    ]
    result = np.zeros((len(weight), *sides))
    for channel, row, column in np.ndindex(result.shape):
        total = bias[channel]
        for source, i, j in np.ndindex(weight.shape[1:]):
            y, z = row * stride + i - pads[0], column * stride + j - pads[1]
            if 0 <= y < x.shape[1] and 0 <= z < x.shape[2]:
                total += weight[channel, source, i, j] * x[source, y, z]
        result[channel, row, column] = total
    return result


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 7])
@pytest.mark.parametrize("size", [(6, 8), (5, 7), (8, 5), (1, 2)])
def test_same_convolution(size, kernel, stride):
    torch.manual_seed(0)
    layer = SameConv2d(2, 3, kernel, stride).double()
    x = torch.randn(1, 2, *size, dtype=torch.float64)
    wanted = same_convolution(
        x[0].numpy(), layer.weight.detach().numpy(), layer.bias.detach().numpy(), stride
    )
    np.testing.assert_allclose(layer(x)[0].detach().numpy(), wanted, atol=1e-12)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (4, 5)])
def test_doubling(size):
    x = torch.randn(size, dtype=torch.float64)
    wanted = np.zeros((2 * size[0], 2 * size[1]))
    for row, column in np.ndindex(wanted.shape):
        y, z = row / 2, column / 2
        y0, z0 = int(y), int(z)
        y1, z1 = min(y0 + 1, size[0] - 1), min(z0 + 1, size[1] - 1)
        a, b = y - y0, z - z0
        wanted[row, column] = (1 - a) * ((1 - b) * x[y0, z0] + b * x[y0, z1]) + a * (
            (1 - b) * x[y1, z0] + b * x[y1, z1]
        )
    np.testing.assert_allclose(double_bilinear(x[None, None])[0, 0].numpy(), wanted, atol=1e-12)


def filter_loop(guide, image, radius, eps):
    """The guided filter's definition, a window at a time."""
    slope, offset, result = (np.zeros(guide.shape) for _ in range(3))

    def window(of, row, column):
        return of[
            max(row - radius, 0) : row + radius + 1, max(column - radius, 0) : column + radius + 1
        ]

    for row, column in np.ndindex(guide.shape):
        g, p = window(guide, row, column), window(image, row, column)
        slope[row, column] = ((g * p).mean() - g.mean() * p.mean()) / (g.var() + eps)
        offset[row, column] = p.mean() - slope[row, column] * g.mean()
    for row, column in np.ndindex(guide.shape):
        a, b = window(slope, row, column).mean(), window(offset, row, column).mean()
        result[row, column] = a * guide[row, column] + b
    return result


@pytest.mark.parametrize("radius", [1, 2])
def test_guided_filter(radius):
    rng = np.random.default_rng(0)
    guide, image = rng.standard_normal((2, 7, 6))
    wanted = filter_loop(guide, image, radius, 0.05)
    given = [torch.from_numpy(values)[None, None] for values in (guide, image)]
    found = guided_filter(*given, radius=radius, eps=0.05)[0, 0]
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-12)


@pytest.mark.parametrize("blocks", [4, 12])
@pytest.mark.parametrize("size", [(100, 430), (403, 77)])
def test_tiles_give_what_the_whole_gives(monkeypatch, size, blocks):
    torch.manual_seed(0)
    generator = WhiteBoxGenerator(width=4, blocks=blocks)
    for weight in generator.parameters():  # large enough for far pixels to matter
        weight.data.mul_(2.5)
    pictures = torch.randint(0, 256, (1, *size, 3), dtype=torch.uint8)
    whole = WhiteBox(generator)(pictures)
    monkeypatch.setattr(white_box, "_TILE", 40)
    tiled = WhiteBox(generator)(pictures)
    assert whole.float().std() > 20
    assert (whole.int() - tiled.int()).abs().max() <= 1  # rounding of sums in another order


def test_a_picture_is_drawn_blue_first_and_filtered_along_itself():
    torch.manual_seed(0)
    generator = WhiteBoxGenerator(width=4, blocks=1)
    for weight in generator.parameters():
        weight.data.mul_(2.5)
    # Even areas, in which the filter's eps counts, and an edge.
    rgb = np.random.default_rng(0).integers(0, 40, (16, 20, 3))
    rgb[:, 10:] += (200, 120, 30)
    bgr = (rgb[..., ::-1] / 127.5 - 1).transpose(2, 0, 1)
    with torch.no_grad():
        unfiltered = generator(torch.tensor(bgr[None], dtype=torch.float32))[0].numpy()
    filtered = np.stack([filter_loop(*pair, 1, 5e-3) for pair in zip(bgr, unfiltered, strict=True)])
    wanted = (filtered.clip(-1, 1)[::-1].transpose(1, 2, 0) + 1) * 127.5
    assert (np.abs(filtered) > 1).any()
    found = WhiteBox(generator)(torch.tensor(rgb[None], dtype=torch.uint8))[0].numpy()
    assert np.abs(found - wanted).max() <= 1


def test_a_picture_does_not_depend_on_its_batch():
    torch.manual_seed(0)
    draw = WhiteBox(WhiteBoxGenerator(width=4, blocks=1))
    pictures = torch.randint(0, 256, (3, 18, 21, 3), dtype=torch.uint8)
    together = draw(pictures)
    for index in range(3):
        alone = draw(pictures[index : index + 1])[0]
        assert (together[index].int() - alone.int()).abs().max() <= 1


def photograph(index, size=None):
    path = sorted(PHOTOGRAPHS.glob("*.jpg"))[index * 160]
    image = Image.open(path).convert("RGB")
    return np.asarray(image if size is None else image.resize(size[::-1]))


def drawn(draw, rgb):
    return draw(torch.from_numpy(rgb.copy())[None])[0].numpy().astype(np.float64)


def published_generator(tmp_path, export):
    import_weights(export, tmp_path / "weights.safetensors")
    return WhiteBox(load_generator(tmp_path / "weights.safetensors"))


@needs_published
@pytest.mark.slow
def test_fifty_photographs_are_drawn_as_by_the_published_export(tmp_path):
    draw, export = published_generator(tmp_path, FP16), Export(FP16)
    differences = []
    for index in range(50):
        rgb = photograph(index)
        differences.append(np.abs(drawn(draw, rgb) - export(rgb)).mean())
    assert len(differences) == 50
    assert max(differences) < 0.3  # rounding to bytes alone is a quarter on average


@needs_published
@pytest.mark.parametrize("size", [(160, 200), (100, 64), (98, 122), (99, 121), (101, 67)])
def test_even_and_odd_sizes_are_drawn_as_by_the_published_graph(tmp_path, size):
    draw, rgb = published_generator(tmp_path, FP16), photograph(3, size)
    # The authors' graph stops at sides that are no multiple of 4; it sees the continued picture.
    fours = [-(-side // 4) * 4 for side in size]
    padding = [(0, whole - side) for whole, side in zip(fours, size, strict=True)]
    continued = np.pad(rgb, (*padding, (0, 0)), mode="edge")
    wanted = Export(FP16, fours)(continued)[: size[0], : size[1]]
    assert np.abs(drawn(draw, rgb) - wanted).mean() < 0.3


@needs_published
def test_an_odd_picture_is_drawn_as_the_even_one_it_was_cut_from(tmp_path):
    # Pads that differ between even and odd sizes would shift the layers against each other.
    draw, rgb = published_generator(tmp_path, FP16), photograph(5)
    whole, cut = drawn(draw, rgb)[:-1, :-1], drawn(draw, rgb[:-1, :-1].copy())
    assert np.abs(whole - cut).mean() < 1


@needs_published
@pytest.mark.slow
def test_the_dynamic_range_export(tmp_path):
    export = Export(DYNAMIC)
    draw, rgb = published_generator(tmp_path, DYNAMIC), photograph(7, export.size)
    # That runner also rounds activations to bytes, which float weights do not.
    assert np.abs(drawn(draw, rgb) - export(rgb)).mean() < 2


@needs_published
def test_the_published_export_holds_the_guided_filter(tmp_path):
    rgb = photograph(9)
    wanted = Export(FP16)(rgb)
    import_weights(FP16, tmp_path / "weights.safetensors")
    generator = load_generator(tmp_path / "weights.safetensors")
    images = torch.from_numpy(rgb[..., ::-1].copy()).permute(2, 0, 1)[None] / 127.5 - 1
    unfiltered = (generator(images).clamp(-1, 1)[0].flip(0).permute(1, 2, 0) + 1) * 127.5
    assert np.abs(unfiltered.numpy() - wanted).mean() > 5
