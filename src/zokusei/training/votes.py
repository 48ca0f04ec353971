"""What captions say beside a network that is trained already: how much it counts, and of which."""

import dataclasses
from pathlib import Path

from jaxtyping import Bool, Float
from torch import Tensor

from zokusei.config import CaptionsConfig, Config
from zokusei.config_file import load_config
from zokusei.data.loader import Loader
from zokusei.data.manifest import Manifest
from zokusei.errors import ConfigError
from zokusei.metrics import compute_average_precision
from zokusei.models import Head, find_head, list_options
from zokusei.training.prepare import HOW, refuse_another_run

# Where things lie, and how fast they are computed.
_ELSEWHERE = ("name", "data.path", "data.vocabulary", "captions.captioner", *HOW)

SHARES = tuple(step / 10 for step in range(16))
"""How much votes may count, from not at all to more than an independent witness's."""


def learn_votes(head: Head, train: Loader) -> None:
    """Let a head look at the caption vectors of all training pictures that could be read."""
    captions = train.caption_features
    assert captions is not None, "captions vote only where there is a captioner"
    rows = captions.any(1)  # others have zeros
    if rows.any():
        head.learn_captions(captions[rows].float(), train.targets[rows], train.known[rows])


def weigh_votes(
    scores: Float[Tensor, "pictures classes"],
    votes: Float[Tensor, "pictures classes"],
    targets: Bool[Tensor, "pictures classes"],
    known: Bool[Tensor, "pictures classes"],
) -> float:
    r"""Find the share of the votes with which mAP is highest, the smallest of equals.

    The loss of cross-entropy would ask for less: a network is surer of pictures that it did not
    learn than it should be, and votes, which are right more often than not, make it surer still.
    Ranking does not mind. What either gives is in benchmarks/README.md, "What a caption votes".

    Args:
        scores: probabilities by the network alone, of validation pictures.
        votes: by how much their captions raise the logits.
        targets: what they have.
        known: what is judged.

    >>> import torch
    >>> told, targets = torch.tensor([[-9.0], [2.0], [9.0]]), torch.tensor([[0], [1], [1]]).bool()
    >>> network = torch.tensor([[0.6], [0.5], [0.7]])
    >>> weigh_votes(network, told, targets, torch.ones_like(targets))
    0.1
    >>> weigh_votes(network, -told, targets, torch.ones_like(targets))
    0.0
    """
    # In single precision some probabilities are 0 or 1, which no vote could change: so logits are
    # ranked, and none is infinite.
    logits = scores.double().logit(eps=1e-7)

    def judge(share: float) -> float:
        return float(compute_average_precision(logits + share * votes, targets, known).nanmean())

    return max(SHARES, key=judge)


def leave_out_votes(config: Config) -> Config:
    """Give the settings of the network alone, for a model beside which captions vote.

    Two trainings for which these are the same end with the same weights.

    >>> votes = Config(model=dataclasses.replace(Config().model, name="capgcn_votes"))
    >>> alone = leave_out_votes(votes).model
    >>> alone.name, alone.options["attention"]
    ('add_gcn', 'mean')
    """
    head = find_head(config.model.name)
    captions, options = config.captions, list_options(head) | config.model.options
    if head.network is not None:
        shared = list_options(find_head(head.network))
        options = shared | {name: value for name, value in options.items() if name in shared}
        # But for a network that starts as the captioner's encoder it matters whose.
        captions = captions if config.model.weights == "captioner" else CaptionsConfig()
    model = dataclasses.replace(
        config.model, name=head.network or config.model.name, options=options
    )
    return dataclasses.replace(config, captions=captions, model=model)


def refuse_another_network(network: Path, config: Config) -> None:
    """See that a run has the network that a training would end with, pictures aside.

    Args:
        network: the run.
        config: of the training.

    Raises:
        ConfigError: a setting that is asked for is another one there.
    """
    theirs = leave_out_votes(load_config(network / "config.yaml"))
    refuse_another_run(leave_out_votes(config), theirs, network, elsewhere=_ELSEWHERE)


def refuse_other_training(network: Path, manifest: Manifest) -> None:
    """See that a network learnt from these very pictures and labels.

    Raises:
        ConfigError: it did not.
    """
    theirs = Manifest.load(network / "manifest.parquet")
    if theirs.tags != manifest.tags or not theirs.table.equals(manifest.table):
        raise ConfigError(
            f"{network} learnt from other pictures, tags or splits than captions are to vote on"
        )
