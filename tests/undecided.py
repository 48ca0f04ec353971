"""A model after a short training that says something all the same."""

import torch

from zokusei.checkpoint import load_checkpoint, save_checkpoint


def leave_undecided(run, picture, *, std):
    """Give the plain head of a run weights that say something, with 0 logits for one picture.

    One epoch leaves next to nothing in a head, and every look at a picture would say the same.
    """
    checkpoint = load_checkpoint(run)
    model, head = checkpoint.model, checkpoint.model.head.classifier
    torch.manual_seed(0)
    torch.nn.init.normal_(head.weight, std=std)
    with torch.no_grad():
        head.bias -= model.classify(model.look(checkpoint.preprocess(picture)[None]))[0]
    save_checkpoint(run / "model", checkpoint)
