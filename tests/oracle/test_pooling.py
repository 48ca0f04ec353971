"""The plain baselines against loops."""

import pytest
import torch

from zokusei.labels import LabelSpace
from zokusei.models.gap import GlobalAveragePooling
from zokusei.models.gmp import GlobalMaxPooling
from zokusei.tags import TagSet


@pytest.mark.parametrize("head_class", [GlobalAveragePooling, GlobalMaxPooling])
def test_pooling_and_one_linear_layer(head_class):
    labels = LabelSpace.from_targets(TagSet.from_names(["a", "b", "c"]), torch.ones(1, 3).bool())
    head = head_class(4, labels).double().eval()
    features = torch.randn(2, 4, 3, 5, dtype=torch.float64)
    weight, bias = head.classifier.weight.tolist(), head.classifier.bias.tolist()
    with torch.no_grad():
        parts = head.explain(features)
    assert torch.equal(parts["logits"], head(features))
    for picture, logits, maps in zip(
        features.tolist(), parts["logits"], parts["activation_maps"], strict=True
    ):
        values = [[value for row in channel for value in row] for channel in picture]
        mean = head_class is GlobalAveragePooling
        pooled = [sum(v) / len(v) if mean else max(v) for v in values]
        for c in range(3):
            wanted = bias[c] + sum(w * p for w, p in zip(weight[c], pooled, strict=True))
            assert float(logits[c]) == pytest.approx(wanted, rel=1e-12)
            for y in range(3):
                for x in range(5):
                    here = bias[c] + sum(weight[c][k] * picture[k][y][x] for k in range(4))
                    assert float(maps[c, y, x]) == pytest.approx(here, rel=1e-12)
        if mean:
            assert maps.mean((1, 2)).tolist() == pytest.approx(logits.tolist(), rel=1e-12)


@pytest.mark.parametrize("head_class", [GlobalAveragePooling, GlobalMaxPooling])
def test_features_are_dropped_in_training_only(head_class):
    labels = LabelSpace.from_targets(TagSet.from_names(["a"]), torch.ones(1, 1).bool())
    head = head_class(64, labels, dropout=0.5)
    features = torch.rand(1, 64, 2, 2)
    assert not torch.equal(head(features), head(features))
    head.eval()
    assert torch.equal(head(features), head(features))
