"""DAN: two layers by hand, and VGG-16 as far as it was published to go."""

import timm
import torch

from label_spaces import create_label_space
from loops import linear, numbers, positions, relu
from zokusei.models import Backbone, create_model, freeze_stages
from zokusei.models.dan import DAN


def test_dan_equals_the_loops():
    torch.manual_seed(0)
    head = DAN(4, create_label_space(3), hidden=5, input_dropout=0.5).double().eval()
    features = torch.randn(2, 4, 2, 3, dtype=torch.float64)
    w = numbers(head)
    wanted = []
    for picture in features:
        columns = zip(*positions(picture.tolist()), strict=True)
        mean = [sum(column) / len(column) for column in columns]
        inner = relu(linear(w["layers.1.weight"], mean, w["layers.1.bias"]))
        wanted.append(linear(w["layers.4.weight"], inner, w["layers.4.bias"]))
    torch.testing.assert_close(head(features), torch.tensor(wanted, dtype=torch.float64))
    # One position: the map is the score.
    alone = head.explain(features[:, :, :1, :1])
    torch.testing.assert_close(alone["activation_maps"][:, :, 0, 0], alone["logits"])


def test_on_vgg_16_it_is_the_published_network():
    labels = create_label_space(25)
    with torch.device("meta"):  # 100 million weights that nobody looks at
        model = create_model("dan", labels, backbone="vgg16", input_dropout=0.5)
        vgg = timm.create_model("vgg16")
    count = {name: sum(p.numel() for p in part.parameters()) for name, part in
             (("ours", model), ("vgg", vgg))}  # fmt: skip
    # VGG-16 has 138,357,544; its fc7 (4096) and fc8 (1000) are replaced by 1024 and 25 units.
    assert count["vgg"] == 138_357_544
    replaced = (4096 * 4096 + 4096) + (4096 * 1000 + 1000)
    fresh = (4096 * 1024 + 1024) + (1024 * 25 + 25)
    assert count["ours"] == 138_357_544 - replaced + fresh
    assert model.backbone(torch.zeros(1, 3, 224, 224, device="meta")).shape == (1, 4096, 1, 1)
    assert model.backbone(torch.zeros(1, 3, 448, 448, device="meta")).shape == (1, 4096, 8, 8)


def test_ten_frozen_stages_of_vgg_are_its_first_four():
    with torch.device("meta"):
        backbone = Backbone("vgg16")
    freeze_stages(backbone, 10)
    trained = [name for name, p in backbone.body.named_parameters() if p.requires_grad]
    convolutions = [name for name in trained if name.endswith("weight")]
    # conv5_1, conv5_2, conv5_3 and fc6
    assert convolutions == [
        "features.24.weight", "features.26.weight", "features.28.weight", "pre_logits.fc1.weight",
    ]  # fmt: skip
