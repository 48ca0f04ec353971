"""Tags of which a picture has one at most: their probabilities become a softmax."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zokusei.errors import ConfigError, suggest


class OneOf(nn.Module):
    r"""Let the tags of a group compete, whatever model their logits come from.

    With the logits :math:`s` of a group :math:`G`, and a silent "none of them" whose logit is 0,

    .. math:: s'_k = s_k - \log\Bigl(1 + \sum_{j \in G, j \ne k} e^{s_j}\Bigr), \qquad
        \sigma(s'_k) = \frac{e^{s_k}}{1 + \sum_{j \in G} e^{s_j}},

    so that what follows, losses and thresholds and metrics alike, goes on reading logits of one
    sigmoid a tag. Tags of no group keep theirs. None of the papers has it.

    Args:
        groups: names of the tags of each group.
        names: of all tags, in the order of the logits.

    Raises:
        ConfigError: a tag is unknown or in two groups, or a group has fewer than two.

    >>> compete = OneOf([["blue_hair", "red_hair"]], ["blue_hair", "smile", "red_hair"])
    >>> compete(torch.tensor([[3.0, 3.0, 3.0]])).sigmoid()
    tensor([[0.4879, 0.9526, 0.4879]])
    """

    order: Tensor
    back: Tensor

    def __init__(self, groups: Sequence[Sequence[str]], names: Sequence[str]) -> None:
        super().__init__()
        positions = {name: position for position, name in enumerate(names)}
        for group in groups:
            for name in group:
                if name not in positions:
                    raise ConfigError(f"one_of has no tag {name!r}{suggest(name, names)}")
            if len(group) < 2:
                raise ConfigError(f"a group of one_of has one tag only: {', '.join(group)}")
        members = [positions[name] for group in groups for name in group]
        for member in members:
            if members.count(member) > 1:
                raise ConfigError(f"one_of names {names[member]!r} twice")
        rest = sorted(set(range(len(names))) - set(members))
        self.sizes = [len(rest), *(len(group) for group in groups)]
        # Gathering, and gathering back, is something that every runtime can do.
        order = torch.tensor([*rest, *members])
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("back", order.argsort(), persistent=False)

    def forward(self, logits: Float[Tensor, "batch classes"]) -> Float[Tensor, "batch classes"]:
        """Give the logits of the same tags where those of a group exclude each other."""
        rest, *groups = torch.split(logits[:, self.order], self.sizes, dim=1)
        return torch.cat([rest, *(_compete(group) for group in groups)], dim=1)[:, self.back]


def find_groups(patterns: Sequence[Sequence[str]], names: Sequence[str]) -> list[list[str]]:
    """Give the groups that names and patterns mean, each in the order of the tags.

    Args:
        patterns: of each group: names, or patterns of them as of files (`*_hair`).
        names: of all tags.

    Raises:
        ConfigError: one of them means no tag.

    >>> find_groups([["*_eyes", "heterochromia"]], ["red_eyes", "heterochromia", "smile"])
    [['red_eyes', 'heterochromia']]
    """
    for pattern in (pattern for group in patterns for pattern in group):
        if not any(fnmatchcase(name, pattern) for name in names):
            raise ConfigError(f"one_of: no tag is called {pattern!r}{suggest(pattern, names)}")
    return [
        [name for name in names if any(fnmatchcase(name, pattern) for pattern in group)]
        for group in patterns
    ]


def _compete(logits: Tensor) -> Tensor:
    """Subtract from each logit what the others of its group come to, and the one of none.

    The sum over the others is made of them alone: taken as the whole less the own it would be lost
    to rounding just where a tag is certain.
    """
    size = logits.shape[1]
    rivals = logits[:, None, :].expand(-1, size, -1)
    own = torch.eye(size, dtype=torch.bool, device=logits.device)
    none = torch.zeros_like(logits)[:, :, None]
    return logits - torch.cat([rivals.masked_fill(own, -torch.inf), none], dim=2).logsumexp(dim=2)
