"""Scores of a model over a split, in batches: what training, evaluation and reports share."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from zokusei.data.loader import Loader
from zokusei.images.preprocess import Preprocess


def compute_scores(
    model: nn.Module,
    loader: Loader,
    preprocess: Preprocess,
    *,
    device: torch.device | str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> tuple[Float[Tensor, "pictures classes"], Bool[Tensor, "pictures classes"]]:
    """Give each picture's probability of each tag, and which of them can be judged.

    Rows that another process works on stay zero, so that a sum over the processes completes
    them.

    Args:
        model: images to logits; left in the mode it was in.
        loader: the split, not shuffled.
        preprocess: normalises the decoded pictures.
        device: where the model is.
        progress: told the number of pictures done, batch by batch.

    Returns:
        Probabilities, and the known entries: those of the manifest without pictures that
        could not be read.
    """
    scores = torch.zeros(loader.targets.shape)
    known = torch.zeros_like(loader.known)
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        for batch in loader.batches(epoch=0):
            images = preprocess.normalize(batch.images.to(device))
            captions = batch.caption_features
            given = (images,) if captions is None else (images, captions.to(device))
            scores[batch.rows] = model(*given).float().sigmoid().cpu()
            known[batch.rows] = batch.known
            if progress is not None:
                progress(len(batch.rows))
    model.train(was_training)
    return scores, known
