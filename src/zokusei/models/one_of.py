"""Tags of which a picture has one at most: their probabilities become a softmax."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from zokusei.errors import ConfigError, suggest


class OneOf(nn.Module):
    r"""Let the tags of a group compete, whatever model their logits come from.

    With the logits :math:`s` of a group :math:`G`, and a silent "none of them" whose logit is 0,

    .. math:: s'_k = s_k - \log\Bigl(1 + \sum_{j \in G, j \ne k} e^{s_j}\Bigr), \qquad
        \sigma(s'_k) = \frac{e^{s_k}}{1 + \sum_{j \in G} e^{s_j}},

    so that what follows, losses and thresholds and metrics alike, goes on reading logits of one
    sigmoid a tag. Tags of no group keep theirs. No paper that this project follows does this.

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
        members: dict[int, None] = {}
        for group in groups:
            if len(group) < 2:
                raise ConfigError(
                    f"a group of one_of has too few tags ({', '.join(group) or 'none'}); two of "
                    "them are the least that can exclude each other"
                )
            for name in group:
                if name not in positions:
                    raise ConfigError(f"one_of has no tag {name!r}{suggest(name, names)}")
                if positions[name] in members:
                    raise ConfigError(f"one_of names {name!r} twice")
                members[positions[name]] = None
        rest = [position for position in range(len(names)) if position not in members]
        self.sizes = [len(rest), *(len(group) for group in groups)]
        # Gathering, and gathering back, is something that every runtime can do.
        order = torch.tensor([*rest, *members])
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("back", order.argsort(), persistent=False)

    def forward(self, logits: Float[Tensor, "batch classes"]) -> Float[Tensor, "batch classes"]:
        """Give the logits of the same tags where those of a group exclude each other."""
        # Half precision has too few digits for a sum of many.
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        rest, *groups = torch.split(logits[:, self.order], self.sizes, dim=1)
        return torch.cat([rest, *(_compete(group) for group in groups)], dim=1)[:, self.back]

    def settle(
        self, targets: Bool[Tensor, "batch classes"], known: Bool[Tensor, "batch classes"]
    ) -> Bool[Tensor, "batch classes"]:
        """Give the known entries without those that say nothing of their group.

        That some colours are absent, and nothing of the others, would raise the others: of a group
        a picture counts if one of its tags is there, or all are known.

        Args:
            targets: multi-hot tags.
            known: entries of them that mean something.
        """
        rest, *groups = torch.split(known[:, self.order], self.sizes, dim=1)
        _, *present = torch.split((targets & known)[:, self.order], self.sizes, dim=1)
        told = [
            own & (there.any(1, keepdim=True) | own.all(1, keepdim=True))
            for own, there in zip(groups, present, strict=True)
        ]
        return torch.cat([rest, *told], dim=1)[:, self.back]


def find_groups(patterns: Sequence[Sequence[str]], names: Sequence[str]) -> list[list[str]]:
    """Give the groups that names and patterns mean, each in the order of the tags.

    Args:
        patterns: of each group; see `find_tags`.
        names: of all tags.

    Raises:
        ConfigError: one of them means no tag.

    >>> find_groups([["*_eyes", "heterochromia"]], ["red_eyes", "heterochromia", "smile"])
    [['red_eyes', 'heterochromia']]
    """
    return [find_tags(group, names, "one_of") for group in patterns]


def find_tags(patterns: Sequence[str], names: Sequence[str], setting: str) -> list[str]:
    """Give the tags that names and patterns mean, in the order of the tags.

    Args:
        patterns: names, or patterns of them as of files (`*_hair`).
        names: of all tags; what is one of them is no pattern.
        setting: which has them, for the error.

    Raises:
        ConfigError: one of them means no tag.
    """
    known = set(names)

    def means(pattern: str, name: str) -> bool:
        # Emoticons are tags, too: *_* is one.
        return name == pattern if pattern in known else fnmatchcase(name, pattern)

    for pattern in patterns:
        if not any(means(pattern, name) for name in names):
            raise ConfigError(
                f"{setting}: no tag is called {pattern!r}{suggest(pattern, names)} (tags rarer "
                "than data.min_count are left out)"
            )
    return [name for name in names if any(means(pattern, name) for pattern in patterns)]


def _compete(logits: Tensor) -> Tensor:
    """Subtract from each logit what the others of its group come to, and the one of none.

    What the others of the largest come to is summed without it: taken as the whole less the own it
    would be lost to rounding just where a tag is certain. All the rest are half of the whole at
    most, and lose nothing.
    """
    full = F.pad(logits, (0, 1))  # the last one is none of them
    whole = full.logsumexp(1, keepdim=True)
    is_top = full.argmax(1, keepdim=True) == torch.arange(full.shape[1], device=full.device)
    of_top = full.masked_fill(is_top, -torch.inf).logsumexp(1, keepdim=True)
    others = whole + torch.log1p(-(full - whole).masked_fill(is_top, -torch.inf).exp())
    competed: Tensor = full - torch.where(is_top, of_top, others)
    return competed[:, :-1]
