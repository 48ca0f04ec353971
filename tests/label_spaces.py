"""Label spaces with counts that give a graph its edges in one direction."""

import torch

from zokusei.labels import LabelSpace
from zokusei.tags import TagSet


def create_label_space(num_classes, width=3, seed=0):
    """Some tags imply others and not the other way round; embeddings in double precision."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.rand(60, num_classes, generator=generator) < 0.3
    for index in range(num_classes - 1):
        targets[:, index] |= targets[:, index + 1]
    tags = TagSet.from_names([f"tag_{index}" for index in range(num_classes)])
    labels = LabelSpace.from_targets(tags, targets)
    vectors = torch.randn(num_classes, width, generator=generator, dtype=torch.float64)
    return labels.with_embeddings(vectors)
