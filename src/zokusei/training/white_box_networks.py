"""Generator and critics as one module, so that one optimiser and one state hold all of them."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from zokusei.stylize import losses
from zokusei.stylize.discriminator import PatchDiscriminator
from zokusei.stylize.generator import WhiteBoxGenerator
from zokusei.stylize.white_box import cartoonize

# The filter behind the generator while it trains; 0.005 once it is used.
_EPS = 1e-2


class WhiteBoxNetworks(nn.Module):
    """The generator, and the two critics of an adversarial training.

    Args:
        width: channels of the generator's and the critics' first convolutions.
        blocks: the generator's residual blocks.
        critics: whether there are any; a pre-training needs none.
    """

    def __init__(self, width: int, blocks: int, *, critics: bool) -> None:
        super().__init__()
        self.generator = WhiteBoxGenerator(width, blocks)
        self.critics = nn.ModuleDict()
        if critics:
            self.critics["surface"] = PatchDiscriminator(3, width)
            self.critics["texture"] = PatchDiscriminator(1, width)

    def forward(
        self, photographs: Tensor, drawings: Tensor | None = None, grey: Tensor | None = None
    ) -> Tensor | dict[str, Tensor]:
        """Draw photographs; with drawings beside them, also let the critics judge.

        Args:
            photographs: batch x 3 x height x width, blue first, from -1 to 1.
            drawings: the same, of pictures drawn by people; None in a pre-training.
            grey: weights of the channels for what the texture critic sees.

        Returns:
            In a pre-training the network's unfiltered result. Else `drawn` (filtered), the
            generator's losses `surface` and `texture`, and `critics`, the loss of both critics.
        """
        if drawings is None or grey is None:
            result: Tensor = self.generator(photographs)
            return result
        drawn = cartoonize(self.generator, photographs, eps=_EPS)
        views = {
            "surface": (losses.smooth_surface(drawings), losses.smooth_surface(drawn)),
            "texture": (
                losses.shift_to_grey(drawings, grey),
                losses.shift_to_grey(drawn, grey),
            ),
        }
        found = {"drawn": drawn}
        learnt = []
        for name, (real, fake) in views.items():
            critic = self.critics[name]
            learnt.append(losses.compute_critic_loss(critic(real), critic(fake.detach())))
            with _held(critic):
                found[name] = losses.compute_fooling_loss(critic(fake))
        found["critics"] = torch.stack(learnt).sum()
        return found


@contextmanager
def _held(module: nn.Module) -> Iterator[None]:
    """Let gradients pass through a module and none reach its weights."""
    for weight in module.parameters():
        weight.requires_grad = False
    try:
        yield
    finally:
        for weight in module.parameters():
            weight.requires_grad = True
