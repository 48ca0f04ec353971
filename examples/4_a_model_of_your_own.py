"""Train a model that zokusei does not have, on pictures of your own.

    python examples/4_a_model_of_your_own.py CORPUS RUN [key=value ...]

CORPUS is a folder of pictures with tags, as `zokusei train --images` takes it. The model pools by a
generalised mean (Radenović, Tolias, Chum, 2018) whose exponent is learnt: 1 is the mean of `gap`,
and a large one comes near the maximum of `gmp`.
"""

import sys

import torch
from torch import nn

from zokusei.config_file import load_config
from zokusei.models import Head, register_model
from zokusei.training.classifier import train_classifier


@register_model("gem")
class GeM(Head):
    """Pools features by a generalised mean, then one linear layer."""

    def __init__(self, num_features, labels, *, exponent=3.0):
        super().__init__()
        self.exponent = nn.Parameter(torch.tensor(exponent))
        self.classifier = nn.Linear(num_features, labels.num_classes)

    def explain(self, features):
        positive = features.clamp(min=1e-6)  # roots of other numbers are none
        pooled = positive.pow(self.exponent).mean(dim=(2, 3)).pow(1 / self.exponent)
        maps = self.classifier(features.movedim(1, -1)).movedim(-1, 1)
        return {"logits": self.classifier(pooled), "activation_maps": maps}


class Lines:
    """Prints a line an epoch."""

    def begin(self, total_steps, done_steps):
        print(f"{total_steps - done_steps} steps to do")

    def step(self, loss, images_per_second):
        pass

    def epoch(self, epoch, record):
        print(f"epoch {epoch + 1}: validation mAP {record['map']:.1f}")


def main(corpus: str, run: str, *settings: str) -> None:
    config = load_config(None, [f"data.path={corpus}", "model.name=gem", *settings])
    checkpoint = train_classifier(config, run, Lines(), print)
    print(f"the exponent is {checkpoint.model.head.exponent.item():.2f} now")


if __name__ == "__main__":
    main(*sys.argv[1:])
