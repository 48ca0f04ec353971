"""Soft targets: what a training itself said of a picture when it saw it last."""

import torch
from accelerate import Accelerator
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn


class EarlierPredictions(nn.Module):
    r"""Believe a label less, the longer the training goes on, and the model's own view more.

    Labels that people gave loosely are learnt by heart otherwise. Kim et al., Self-Knowledge
    Distillation with Progressive Refinement of Targets, ICCV 2021, with p as the model saw the
    picture, varied as it was, when it was shown last:

    .. math:: y'_t = (1 - \alpha_t) \, y + \alpha_t \, p, \quad \alpha_t = \alpha_T \, t / T

    Published for a softmax, with t in epochs; here every tag has a probability of its own, and t
    counts steps. Until a picture has been shown its p are its labels. It costs two bytes a picture
    and tag, in every process and in the state that a killed training goes on from.

    Args:
        targets: labels of all pictures of the training.
        share: alpha_T, what the model's view counts at the end.
        total_steps: T.

    >>> earlier = EarlierPredictions(torch.tensor([[True, False]]), 0.5, total_steps=2)
    >>> earlier.remember(torch.tensor([0]), torch.tensor([[0.5, 0.5]]))
    >>> earlier.refine(torch.tensor([0]), torch.tensor([[True, False]]))
    tensor([[0.8750, 0.1250]])
    """

    probabilities: Tensor
    step: Tensor

    def __init__(
        self, targets: Bool[Tensor, "pictures classes"], share: float, total_steps: int
    ) -> None:
        super().__init__()
        self.share, self.total_steps = share, total_steps
        self.register_buffer("probabilities", targets.half())
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))

    def refine(
        self, rows: Int64[Tensor, " batch"], targets: Bool[Tensor, "batch classes"]
    ) -> Float[Tensor, "batch classes"]:
        """Give what is to be learnt of some pictures, of each tag from 0 to 1.

        Args:
            rows: which they are; -1 for one of which nothing is remembered.
            targets: their labels.
        """
        alpha = self.share * float(self.step) / self.total_steps
        own = targets.float()
        said = torch.where(rows[:, None] >= 0, self.probabilities[rows].float(), own)
        return (1 - alpha) * own + alpha * said

    def remember(
        self, rows: Int64[Tensor, " batch"], probabilities: Float[Tensor, "batch classes"]
    ) -> None:
        """Keep what the model says of some pictures, and count a step.

        Args:
            rows: which they are; what is said of -1 is not kept, and of a picture that was shown
                twice the last.
            probabilities: of each tag.
        """
        last = {row: place for place, row in enumerate(rows.tolist()) if row >= 0}
        places = torch.tensor([*last.values()], dtype=torch.int64)
        told = probabilities[places].detach().to(self.probabilities)
        self.probabilities[torch.tensor([*last], dtype=torch.int64)] = told
        self.step += 1


def gather_batch(
    accelerator: Accelerator,
    rows: Int64[Tensor, " batch"],
    probabilities: Float[Tensor, "batch classes"],
) -> tuple[Int64[Tensor, " everyone"], Float[Tensor, "everyone classes"]]:
    """Give rows and predictions of all processes, so that each remembers what any of them saw.

    They come in the order of the whole batch, which was dealt out to the processes picture by
    picture; rows of -1 fill up where the last batch of a small corpus was not shared equally.
    """
    own = accelerator.pad_across_processes(rows.to(probabilities.device), pad_index=-1)
    padded = accelerator.pad_across_processes(probabilities.detach())
    everyone, said = accelerator.gather((own, padded))
    world = accelerator.num_processes
    order = torch.arange(len(everyone)).view(world, -1).T.flatten()
    return everyone.cpu()[order], said.cpu()[order]
