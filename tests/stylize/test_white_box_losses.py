"""The White-box losses and superpixels against loops in double precision."""

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from zokusei.errors import ConfigError
from zokusei.stylize import losses, superpixels
from zokusei.stylize.discriminator import PatchDiscriminator


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator, dtype=torch.float64) * 2 - 1


def test_critic_and_fooling_loss():
    real, fake = random(2, 1, 3, 4), random(2, 1, 3, 4, seed=1)
    critic = fooling = 0.0
    for r, f in zip(real.flatten().tolist(), fake.flatten().tolist(), strict=True):
        critic += 0.5 * ((r - 1) ** 2 + f**2) / real.numel()
        fooling += (f - 1) ** 2 / real.numel()
    assert float(losses.compute_critic_loss(real, fake)) == pytest.approx(critic, rel=1e-12)
    assert float(losses.compute_fooling_loss(fake)) == pytest.approx(fooling, rel=1e-12)


def test_feature_distance_and_variation():
    one, two = random(2, 3, 4, 5), random(2, 3, 4, 5, seed=1)
    distance = below = right = 0.0
    for b, c, y, x in np.ndindex(2, 3, 4, 5):
        distance += abs(float(one[b, c, y, x] - two[b, c, y, x])) / one.numel()
        if y < 3:
            below += float(one[b, c, y + 1, x] - one[b, c, y, x]) ** 2 / (2 * 3 * 3 * 5)
        if x < 4:
            right += float(one[b, c, y, x + 1] - one[b, c, y, x]) ** 2 / (2 * 3 * 4 * 4)
    assert float(losses.compute_feature_distance(one, two)) == pytest.approx(distance, rel=1e-12)
    assert float(losses.compute_variation(one)) == pytest.approx(below + right, rel=1e-12)


def test_presets_are_the_published_weights():
    code, paper = losses.PRESETS["code"], losses.PRESETS["paper"]
    assert (code.surface, code.texture) == (0.1, 1)
    assert (paper.surface, paper.texture) == (1, 10)
    # On the released code's own sums over VGG19's 32 x 32 x 512 and 256 x 256 x 3.
    assert code.content * 524_288 == pytest.approx(200)
    assert paper.structure * 524_288 == pytest.approx(2000)
    assert code.variation * 196_608 == pytest.approx(1e4)
    for preset in (code, paper):
        assert preset.structure == preset.content


def test_the_colour_shift_draws_what_was_published():
    generator = torch.Generator().manual_seed(0)
    drawn = torch.stack([losses.draw_grey_weights(generator) for _ in range(4000)])
    assert (drawn.sum(1) - 1).abs().max() < 1e-6
    # Blue, green, red: 0.114, 0.587 and 0.299 on average, as luminance has them.
    assert torch.allclose(drawn.mean(0), torch.tensor([0.114, 0.587, 0.299]), atol=0.004)
    low, high = np.array([0.014, 0.487, 0.199]), np.array([0.214, 0.687, 0.399])
    assert (drawn.amin(0).numpy() > low / (low + high.sum() - high)).all()
    assert (drawn.amax(0).numpy() < high / (high + low.sum() - low)).all()


def test_the_grey_picture_is_the_weighted_sum():
    images, weights = random(2, 3, 4, 5), torch.tensor([0.2, 0.5, 0.3])
    grey = losses.shift_to_grey(images, weights)
    for b, y, x in np.ndindex(2, 4, 5):
        wanted = sum(float(weights[c]) * float(images[b, c, y, x]) for c in range(3))
        assert float(grey[b, 0, y, x]) == pytest.approx(wanted, rel=1e-9)


def test_the_surface_loses_texture_and_keeps_shapes():
    picture = torch.zeros(1, 3, 40, 40)
    picture[..., 20:] = 1.8
    noisy = picture - 0.9 + 0.1 * torch.randn(picture.shape)
    smooth = losses.smooth_surface(noisy)
    assert smooth[..., :12].std() < 0.3 * noisy[..., :12].std()
    assert smooth[..., 26:].mean() - smooth[..., :14].mean() > 1.5


@pytest.mark.parametrize("channels", [1, 3])
def test_the_critics_slope_is_bounded(channels):
    torch.manual_seed(0)
    critic = PatchDiscriminator(channels, width=8)
    with torch.no_grad():
        for weight in critic.parameters():
            weight.mul_(30)
        images = torch.randn(4, channels, 32, 32)
        for _ in range(50):  # the norm is estimated anew with every pass
            critic(images)
    critic.eval()
    for layer in [*critic.layers, critic.last]:
        largest = torch.linalg.svdvals(layer.weight.detach().flatten(1)).max()
        assert float(largest) == pytest.approx(1, abs=0.05)


def region_loop(picture, regions, adaptive):
    filled = np.zeros(picture.shape)
    for number in set(regions.ravel().tolist()):
        own = picture[regions == number].astype(np.float64)
        spread = np.mean([own[:, c].std() for c in range(3)])
        mean, median = own.mean(0), np.array([sorted(own[:, c]) for c in range(3)])
        middle = (median[:, (len(own) - 1) // 2] + median[:, len(own) // 2]) / 2
        colour = mean
        if adaptive and spread > 40:
            colour = middle
        elif adaptive and spread >= 20:
            colour = (mean + middle) / 2
        filled[regions == number] = colour
    return filled


@pytest.mark.parametrize("adaptive", [True, False])
def test_regions_are_filled_with_their_colour(adaptive):
    rng = np.random.default_rng(0)
    regions = rng.integers(0, 4, (12, 9)) * 3  # numbers may be missing
    spread = np.array([5, 0, 0, 40, 0, 0, 120, 0, 0, 250])[regions]
    picture = (rng.random((12, 9, 3)) * spread[..., None]).astype(np.uint8)
    found = superpixels.fill_regions(picture, regions, adaptive=adaptive)
    np.testing.assert_allclose(found, region_loop(picture, regions, adaptive))
    by_mean = superpixels.fill_regions(picture, regions, adaptive=False)
    assert adaptive == (np.abs(found - by_mean).max() > 1)


def naive_merge(picture, labels, count):
    """Selective search with everything measured anew from the pixels before each merge."""
    lab = rgb2lab(picture)
    channels = [lab[..., 0] / 100, (lab[..., 1] + 128) / 256, (lab[..., 2] + 128) / 256]
    labels = labels.copy()

    def histogram(values, bins):
        counts = np.zeros(bins)
        for value in values:
            counts[min(max(int(value * bins), 0), bins - 1)] += 1
        return counts

    def features(number):
        inside = labels == number
        colour = np.concatenate([histogram(c[inside], 25) for c in channels])
        texture = []
        for channel in channels:
            down, right = np.gradient(channel)
            for step in range(8):
                angle = step * np.pi / 4
                slope = np.maximum(right * np.cos(angle) + down * np.sin(angle), 0)[inside]
                texture.append(histogram(2 * slope, 10))
        texture = np.concatenate(texture)
        return inside.sum(), np.argwhere(inside), colour / colour.sum(), texture / texture.sum()

    while len(numbers := sorted(set(labels.ravel().tolist()))) > count:
        known = {number: features(number) for number in numbers}
        best = None
        for y, x in np.ndindex(labels.shape):
            for v, w in ((y + 1, x), (y, x + 1)):
                if v == labels.shape[0] or w == labels.shape[1] or labels[y, x] == labels[v, w]:
                    continue
                one, two = sorted((int(labels[y, x]), int(labels[v, w])))
                a, b = known[one], known[two]
                places = np.concatenate([a[1], b[1]])
                box = np.prod(places.max(0) - places.min(0) + 1)
                value = np.minimum(a[2], b[2]).sum() + np.minimum(a[3], b[3]).sum()
                value += 1 - (a[0] + b[0]) / labels.size
                value += 1 - (box - a[0] - b[0]) / labels.size
                best = max(best or (value, one, two), (value, one, two))
        labels[labels == best[2]] = best[1]
    return labels


@pytest.mark.parametrize("seed", range(3))
def test_merging_equals_merging_by_pixels(seed):
    rng = np.random.default_rng(seed)
    labels = np.kron(np.arange(16).reshape(4, 4), np.ones((4, 4), int))
    colours = rng.integers(0, 256, (16, 3))
    picture = (colours[labels] + rng.integers(-20, 20, (16, 16, 3))).clip(0, 255).astype(np.uint8)
    found = superpixels.merge_regions(picture, labels, 5)
    wanted = naive_merge(picture, labels, 5)
    assert len(np.unique(found)) == 5
    assert len(np.unique(np.stack([found, wanted]).reshape(2, -1), axis=1).T) == 5


@pytest.mark.parametrize("method", superpixels.METHODS)
def test_superpixels_are_flat_and_close_to_the_picture(method):
    image = torch.nn.functional.interpolate(
        torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(0)) * 2 - 1, (96, 84)
    )
    drawn = superpixels.draw_superpixels(image.requires_grad_(), method=method, count=60)
    assert drawn.shape == image.shape
    assert not drawn.requires_grad
    assert (drawn - image).abs().mean() < 0.2
    for picture in drawn:
        assert len(torch.unique(picture.flatten(1), dim=1).T) <= 80


def test_one_region_when_everything_is_alike():
    assert (superpixels.find_selective_search(np.zeros((20, 20, 3), np.uint8), 3) == 0).all()


def test_the_power_makes_colours_deeper():
    image = torch.linspace(-1, 1, 64).expand(1, 3, 64, 64)
    plain, deep = (superpixels.draw_superpixels(image, power=power) for power in (1.0, 1.2))
    wanted = ((plain + 1) / 2) ** 1.2
    torch.testing.assert_close((deep + 1) / 2, wanted / wanted.max(), atol=1e-5, rtol=0)


def test_unknown_superpixels_are_refused():
    with pytest.raises(ConfigError, match="did you mean 'slic'"):
        superpixels.draw_superpixels(torch.zeros(1, 3, 4, 4), method="slick")
    with pytest.raises(ConfigError, match="did you mean 'adaptive'"):
        superpixels.draw_superpixels(torch.zeros(1, 3, 4, 4), colour="adaptve")
