"""CapGCN whose caption votes: our variant beside the paper's model. No paper has this."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from zokusei.labels import LabelSpace
from zokusei.models.add_gcn import ADDGCN
from zokusei.models.registry import VotingHead, register_model, require_captions

_STEPS = 200  # of L-BFGS at most; it ends by itself before


@register_model("capgcn_votes")
class CapGCNVotes(ADDGCN, VotingHead):
    r"""CapGCN with another way in for the caption's vector: scores of its own.

    In `capgcn`, as the paper has it, the caption decides what the classes of a picture send to each
    other, and can say nothing that no class says already. Here the graph is that of ADD-GCN again,
    and the caption is asked by itself how likely each class is. Both are joined as independent
    witnesses are (naive Bayes):

    .. math::
        s'_c = s_c + \lambda \Big(u_c \cdot v_{cap} + b_c - \log\frac{\pi_c}{1 - \pi_c}\Big)

    with the share :math:`\pi_c` of training pictures that have the class. u and b are a logistic
    regression on the training pictures' vectors (`fit_votes`), found when the network is trained:
    its training is that of `add_gcn`, on s alone. Learnt together, the two would divide the
    pictures between them: what the caption tells, the network would not learn to see. lambda would
    be 1 if both knew nothing of each other. Where they saw the same, that counts it twice: so it is
    what validation pictures ask for, of all classes alike, and little or nothing where captions
    tell nothing new.

    Args:
        num_features: channels of the feature map.
        labels: the classes.
        caption_width: length of v_cap.
        hidden: D.
        attention: of `ADDGCN`, whose other options are as they are by default.
        vote_penalty: of `fit_votes`.
    """

    network = "add_gcn"
    vote_weight: Tensor
    vote_bias: Tensor

    def __init__(
        self,
        num_features: int,
        labels: LabelSpace,
        *,
        caption_width: int,
        hidden: int = 1024,
        attention: str = "mean",
        vote_penalty: float = 0.02,
    ) -> None:
        super().__init__(num_features, labels, hidden=hidden, attention=attention)
        self.caption_width, self.vote_penalty = caption_width, vote_penalty
        # No parameters: nothing of them is learnt step by step. Zeros until the network is trained.
        self.register_buffer("vote_weight", torch.zeros(labels.num_classes, caption_width))
        self.register_buffer("vote_bias", torch.zeros(labels.num_classes))
        self.register_buffer("vote_share", torch.zeros(()))

    def learn_captions(
        self,
        captions: Float[Tensor, "pictures width"],
        targets: Bool[Tensor, "pictures classes"],
        known: Bool[Tensor, "pictures classes"],
    ) -> None:
        """Find u and b; see `VotingHead.learn_captions`."""
        weight, bias = fit_votes(captions, targets, known, self.vote_penalty)
        self.vote_weight.copy_(weight)
        self.vote_bias.copy_(bias - log_odds(targets, known))

    def vote(self, captions: Float[Tensor, "pictures width"]) -> Float[Tensor, "pictures classes"]:
        """Give the votes as they are, lambda being 1; see `VotingHead.vote`."""
        return F.linear(captions, self.vote_weight, self.vote_bias)

    def forward(
        self,
        features: Float[Tensor, "batch channels rows columns"],
        caption_features: Float[Tensor, "batch caption_width"] | None = None,
    ) -> Float[Tensor, "batch classes"]:
        """Give the logits.

        Raises:
            ModelError: the caption vectors are missing or of another width.
        """
        return self.explain(features, caption_features)["logits"]

    def explain(
        self,
        features: Float[Tensor, "batch channels rows columns"],
        caption_features: Float[Tensor, "batch caption_width"] | None = None,
    ) -> dict[str, Tensor]:
        """Give what `ADDGCN.explain` gives, with the votes in `logits`.

        Returns:
            The same, and `caption_logits`: by how much the caption raises each.

        Raises:
            ModelError: the caption vectors are missing or of another width.
        """
        captions = require_captions(caption_features, self.caption_width)
        parts = super().explain(features)
        votes = self.vote_share * self.vote(captions)
        return parts | {"logits": parts["logits"] + votes, "caption_logits": votes}


def log_odds(
    targets: Bool[Tensor, "pictures classes"], known: Bool[Tensor, "pictures classes"]
) -> Float[Tensor, " classes"]:
    """Give the log odds of each class among what is known, with one more picture of either kind.

    >>> targets = torch.tensor([[True], [True], [False], [False]])
    >>> log_odds(targets, torch.ones(4, 1, dtype=torch.bool))
    tensor([0.])
    """
    positives = (targets & known).sum(0).float() + 1
    return (positives / (known.sum(0) + 2 - positives)).log()


def fit_votes(
    captions: Float[Tensor, "pictures width"],
    targets: Bool[Tensor, "pictures classes"],
    known: Bool[Tensor, "pictures classes"],
    penalty: float,
) -> tuple[Float[Tensor, "classes width"], Float[Tensor, " classes"]]:
    r"""Find a logistic regression for each class.

    .. math:: \min_{u, b} \frac{1}{N} \sum_i \mathrm{BCE}(u \cdot z_i + b, y_{ic})
        + \lambda \lVert u \rVert^2

    over those of all N pictures of which the class is known, so that a class that few were looked
    at for votes little; with z the vectors, each of whose numbers has mean 0 and deviation 1 over
    the pictures. One more picture of either kind, with z = 0, keeps b finite, and where nothing can
    be told u is 0 and b are the `log_odds`.

    Args:
        captions: vectors of the pictures.
        targets: what they have.
        known: what somebody looked for.
        penalty: lambda.

    Returns:
        Weights and biases for the vectors as they are given.
    """
    mean, scale = captions.mean(0), captions.std(0, correction=0).clamp(min=1e-6)
    standard = (captions - mean) / scale
    weight = torch.zeros(targets.shape[1], captions.shape[1], requires_grad=True)
    bias = log_odds(targets, known).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=_STEPS, history_size=10, line_search_fn="strong_wolfe"
    )

    def compute() -> Tensor:
        optimizer.zero_grad()
        losses = F.binary_cross_entropy_with_logits(
            F.linear(standard, weight, bias), targets.float(), reduction="none"
        )
        two_more = F.softplus(bias) + F.softplus(-bias)
        loss = ((losses * known).sum() + two_more.sum()) / len(known)
        loss = loss + penalty * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    with torch.enable_grad():
        optimizer.step(compute)  # type: ignore[no-untyped-call]
    found = weight.detach() / scale
    return found, bias.detach() - found @ mean
