"""Without its batch norms a network says the same."""

import pytest
import torch
from torch import nn

from label_spaces import create_label_space
from zokusei.models import create_model
from zokusei.models.folding import fold_batch_norms


def shake(network):
    """Give batch norms statistics and weights of their own."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network.eval()


def count(network, kind=nn.BatchNorm2d):
    return sum(isinstance(module, kind) for module in network.modules())


@pytest.mark.parametrize("backbone", ["test_efficientnet", "tf_efficientnet_lite0", "resnet18"])
@pytest.mark.parametrize("name", ["gap", "add_gcn"])
def test_a_model_says_the_same_without_its_batch_norms(backbone, name):
    torch.manual_seed(0)
    model = shake(create_model(name, create_label_space(5), backbone=backbone, weights="none"))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    folded = fold_batch_norms(model, torch.zeros(1, 3, 64, 64))
    assert count(model) > 0
    assert count(folded) == 0
    pictures = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        wanted, found = model(pictures), folded(pictures)
    assert wanted.std() > 0.01
    assert torch.allclose(wanted, found, rtol=1e-3, atol=1e-4)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


class Twice(nn.Module):
    """Reads what its convolution gives before and behind the norm."""

    def __init__(self):
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, images):
        features = self.convolution(images)
        return features + self.norm(features)


@pytest.mark.parametrize("make", [torch.randn, torch.zeros])
def test_a_convolution_that_is_read_elsewhere_stays_as_it_is(make):
    torch.manual_seed(0)
    network = shake(Twice())
    folded = fold_batch_norms(network, make(1, 3, 8, 8))
    assert count(folded) == 1
    images = torch.randn(2, 3, 9, 9)
    with torch.no_grad():
        assert torch.equal(network(images), folded(images))
