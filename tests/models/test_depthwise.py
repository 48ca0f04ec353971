"""Wide depthwise kernels learn what they would have learnt, from the same gradients."""

import copy

import pytest
import timm
import torch
from timm.layers import Conv2dSame
from torch import nn

from zokusei.models.depthwise import DepthwiseConv2d, quicken_depthwise


def compute_gradients(model, pictures):
    model.zero_grad()
    pictures = pictures.clone().requires_grad_()
    torch.manual_seed(1)
    output = model(pictures)
    (output * torch.randn_like(output)).sum().backward()
    return [output, pictures.grad, *(p.grad for p in model.parameters())]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize(
    ("kind", "kernel", "settings", "size"),
    [
        (nn.Conv2d, (5, 5), {"padding": 2}, (4, 4)),
        (nn.Conv2d, (5, 5), {"padding": 2, "stride": 2, "bias": False}, (9, 8)),
        (nn.Conv2d, (3, 7), {"padding": (1, 3), "stride": (2, 1)}, (6, 7)),
        (nn.Conv2d, (2, 4), {}, (5, 11)),
        (nn.Conv2d, (5, 5), {"padding": 4, "stride": 3}, (3, 2)),
        (nn.Conv2d, (1, 6), {"stride": 4}, (9, 9)),  # some columns are never seen
        (Conv2dSame, (5, 5), {"stride": 2}, (7, 6)),
        (Conv2dSame, (5, 5), {}, (3, 1)),
    ],
)
def test_gradients_are_those_of_the_plain_convolution(kind, kernel, settings, size, layout):
    torch.manual_seed(0)
    plain = nn.Sequential(kind(6, 6, kernel, groups=6, **settings)).double()
    quick = copy.deepcopy(plain)
    assert quicken_depthwise(quick) == 1
    assert isinstance(quick[0], DepthwiseConv2d)
    pictures = torch.randn(3, 6, *size, dtype=torch.float64).to(memory_format=layout)
    for one, other in zip(
        compute_gradients(plain, pictures), compute_gradients(quick, pictures), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_a_network_keeps_its_names_and_learns_the_same():
    torch.manual_seed(0)
    plain = timm.create_model("tf_efficientnet_lite0", num_classes=3, drop_path_rate=0.0)
    plain = plain.to(memory_format=torch.channels_last).train()
    frozen = plain.blocks[2][0].conv_dw
    assert frozen.kernel_size == (5, 5)
    frozen.requires_grad_(requires_grad=False)
    quick = copy.deepcopy(plain)
    assert quicken_depthwise(quick) == 8  # of nine one does not learn
    assert quicken_depthwise(quick) == 0
    assert list(quick.state_dict()) == list(plain.state_dict())
    pictures = torch.randn(4, 3, 64, 64).to(memory_format=torch.channels_last)
    plain(pictures).square().sum().backward()
    copy_of_quick = copy.deepcopy(quick)  # as an average of weights is made
    copy_of_quick(pictures).square().sum().backward()
    for (name, one), other in zip(
        plain.named_parameters(), copy_of_quick.parameters(), strict=True
    ):
        if name != "blocks.2.0.conv_dw.weight":
            largest = one.grad.abs().max()
            assert (one.grad - other.grad).abs().max() <= 1e-3 * largest, name
    assert all(parameter.grad is None for parameter in quick.parameters())


def test_other_convolutions_and_other_ways_to_compute_stay():
    others = nn.Sequential(
        nn.Conv2d(4, 4, 5), nn.Conv2d(4, 4, (5, 3), groups=4), nn.Conv2d(4, 8, 5, groups=4),
        nn.Conv2d(4, 4, 5, groups=4, dilation=2), nn.Conv2d(4, 4, 5, groups=4, padding="same"),
        nn.Conv2d(4, 4, 5, groups=4, padding=2, padding_mode="circular"),
    )  # fmt: skip
    assert quicken_depthwise(others) == 0
    quick = nn.Sequential(nn.Conv2d(4, 4, 5, groups=4))
    plain, pictures = copy.deepcopy(quick), torch.randn(2, 4, 6, 6)
    quicken_depthwise(quick)
    with torch.no_grad():
        assert torch.equal(quick(pictures), plain(pictures))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(quick(pictures), plain(pictures))
        assert quick(pictures).dtype == torch.bfloat16
