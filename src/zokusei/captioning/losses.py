"""What a captioner is trained on: the right words, and looking at all of the picture."""

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def compute_word_loss(
    logits: Float[Tensor, "words vocabulary"],
    targets: Int[Tensor, " words"],
    smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """Give the mean cross entropy of the words; `smoothing` of it against all words alike."""
    return F.cross_entropy(logits, targets, label_smoothing=smoothing)


def compute_coverage_loss(
    alphas: Float[Tensor, "pictures k steps positions"], lengths: Int[Tensor, "pictures k"]
) -> Float[Tensor, ""]:
    r"""Give the doubly stochastic penalty: every position should be looked at as much as a word is.

    .. math:: \frac{1}{N L} \sum_{n,i} \Big(1 - \sum_t \alpha_{nti}\Big)^2

    (Xu et al. 2015, eq. 14, with a mean over the L positions where the paper has a sum, so that its
    weight means the same for any map).

    Args:
        alphas: attention, 0 after a caption's end.
        lengths: words of each caption; captions with none are left out.
    """
    missed = (1 - alphas.sum(2)).square().mean(-1)
    return missed[lengths > 0].mean()


def compute_word_divergence(
    logits: Float[Tensor, "words vocabulary"], wanted: Float[Tensor, "words vocabulary"]
) -> Float[Tensor, ""]:
    r"""Give :math:`KL(p_{wanted} \| p)` in nats, the mean over the words."""
    own, other = logits.log_softmax(-1), wanted.log_softmax(-1)
    return F.kl_div(own, other, log_target=True, reduction="batchmean")


def compute_attention_distance(
    alphas: Float[Tensor, "pictures k steps positions"],
    wanted: Float[Tensor, "pictures k steps positions"],
    lengths: Int[Tensor, "pictures k"],
) -> Float[Tensor, ""]:
    r"""Give :math:`\sum_i |\alpha_i - \alpha^*_i|`, from 0 to 2, the mean over the words."""
    return (alphas - wanted).abs().sum() / lengths.sum()


def compute_annotation_distance(
    annotations: Float[Tensor, "pictures positions features"],
    wanted: Float[Tensor, "pictures positions features"],
    lengths: Int[Tensor, "pictures k"],
) -> Float[Tensor, ""]:
    r"""Give :math:`\sum_i \|a_i - a^*_i\|^2 / \sum_i \|a^*_i\|^2`, both summed over the pictures.

    0 where an encoder says of a drawing what another says of its photograph, 1 where it says
    nothing at all. Not of the paper, which leaves open what brings the two together; it is the
    regression of another network's feature map of Romero et al. 2015 (FitNets, eq. 3), without
    their layer in between and divided by the map's size, so that a weight means the same for any
    encoder.

    Args:
        annotations: of the drawings, by the encoder that learns.
        wanted: of their photographs, by the one that does not.
        lengths: words of each caption; pictures without a caption are left out.

    >>> import torch
    >>> told = torch.ones(1, 4, 8)
    >>> compute_annotation_distance(0.5 * told, told, torch.tensor([[3]]))
    tensor(0.2500)
    """
    told = (lengths > 0).any(1)
    annotations, wanted = annotations[told], wanted[told]
    return (annotations - wanted).square().sum() / wanted.square().sum()
