"""What captions say beside a network that is trained already: how much it counts, and of which."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jaxtyping import Bool, Float
from torch import Tensor, nn

from zokusei.checkpoint import load_checkpoint
from zokusei.config import CaptionsConfig, Config
from zokusei.config_file import load_config
from zokusei.data.loader import Loader
from zokusei.data.manifest import Manifest
from zokusei.errors import ZokuseiError
from zokusei.metrics import compute_average_precision
from zokusei.models import Classifier, VotingHead, find_head, list_options
from zokusei.training.prepare import HOW, refuse_another_run

SHARES = tuple(step / 10 for step in range(16))
"""How much votes may count, from not at all to more than an independent witness's."""

# Where things lie, and how fast they are computed.
_ELSEWHERE = ("name", "data.path", "data.vocabulary", "captions.captioner", *HOW)
_NEEDED = (
    "config.yaml", "environment.json", "manifest.parquet", "metrics.jsonl", "model/config.json"
)  # fmt: skip


def learn_votes(head: VotingHead, train: Loader) -> None:
    """Let a head look at the caption vectors of all training pictures that could be read."""
    captions = train.caption_features
    assert captions is not None, "captions vote only where there is a captioner"
    rows = captions.any(1)  # others have zeros
    if rows.any():
        head.learn_captions(captions[rows].float(), train.targets[rows], train.known[rows])


def judge_shares(
    looks: Sequence[Float[Tensor, "pictures classes"]],
    votes: Float[Tensor, "pictures classes"],
    targets: Bool[Tensor, "pictures classes"],
    known: Bool[Tensor, "pictures classes"],
    combine: Callable[[Sequence[Tensor]], Tensor] = lambda looks: looks[0],
) -> dict[float, float]:
    r"""Give the mAP of validation pictures, from 0 to 1, with each of the `SHARES` of the votes.

    The one with the highest mAP is taken. The loss of cross-entropy would ask for less: a network
    is surer of pictures that it did not learn than it should be, and votes, which are right more
    often than not, make it surer still. Ranking does not mind. What either gives is in
    benchmarks/README.md, "What a caption votes".

    Args:
        looks: probabilities by the head alone, of the pictures and, where the model sees them in a
            mirror, of their mirror images.
        votes: by how much captions raise the logits of either.
        targets: what they have.
        known: what is judged.
        combine: makes the model's logits of the head's.

    >>> import torch
    >>> told, targets = torch.tensor([[-9.0], [2.0], [9.0]]), torch.tensor([[0], [1], [1]]).bool()
    >>> network = torch.tensor([[0.6], [0.5], [0.7]])
    >>> reached = judge_shares([network], told, targets, torch.ones_like(targets))
    >>> round(reached[0.0], 3), reached[0.1]
    (0.833, 1.0)
    """
    # In single precision some probabilities are 0 or 1, which no vote could change: so logits are
    # ranked, and none is infinite.
    logits = [scores.double().logit(eps=1e-7) for scores in looks]
    return {
        share: float(
            compute_average_precision(
                combine([own + share * votes for own in logits]), targets, known
            ).nanmean()
        )
        for share in SHARES
    }


class Mirrored(nn.Module):
    """A model that sees every picture in a mirror alone."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor, *captions: Tensor) -> Tensor:
        """Give what the model makes of the mirror images."""
        logits: Tensor = self.model(images.flip(3), *captions)
        return logits


def take_network(model: Classifier, weights: Mapping[str, Tensor]) -> None:
    """Give a model the weights of a trained one, whose own votes are left out.

    Args:
        model: whose captions are to vote.
        weights: of the same network, with votes or without.
    """
    network = {key: value for key, value in weights.items() if not key.startswith("head.vote_")}
    model.load_state_dict({**model.state_dict(), **network})


def can_take_network(config: Config) -> bool:
    """Say whether a training may take the network of another one: where captions vote beside it.

    One that starts as its captioner's encoder may not: no setting says whose that was.
    """
    model = config.model
    return issubclass(find_head(model.name), VotingHead) and model.weights != "captioner"


def leave_out_votes(config: Config) -> Config:
    """Give the settings of the network alone, for a model beside which captions vote.

    Two trainings for which these are the same, on the same pictures and the same machine, end with
    the same weights.

    >>> votes = Config(model=dataclasses.replace(Config().model, name="capgcn_votes"))
    >>> alone = leave_out_votes(votes).model
    >>> alone.name, alone.options["attention"]
    ('add_gcn', 'mean')
    """
    head = find_head(config.model.name)
    captions, options = config.captions, list_options(head) | config.model.options
    name = config.model.name
    if issubclass(head, VotingHead) and head.network is not None:
        name, shared = head.network, list_options(find_head(head.network))
        options = shared | {key: value for key, value in options.items() if key in shared}
        captions = CaptionsConfig()
    model = dataclasses.replace(config.model, name=name, options=options)
    return dataclasses.replace(config, captions=captions, model=model)


def has_network(run: Path) -> bool:
    """Say whether a run still has what another one takes of it."""
    return all((run / name).exists() for name in _NEEDED)


def find_network(runs: Sequence[Path], config: Config, manifest: Manifest) -> Path | None:
    """Find a run with the network that a training would end with.

    Args:
        runs: finished ones, the first one first; what lacks something is passed over.
        config: of the training.
        manifest: its pictures, tags and splits.
    """
    if not can_take_network(config):
        return None
    asked = leave_out_votes(config)
    for run in runs:
        if not has_network(run):
            continue
        try:
            had = load_config(run / "config.yaml")
            refuse_another_run(asked, leave_out_votes(had), run, elsewhere=_ELSEWHERE)
            theirs = Manifest.load(run / "manifest.parquet")
            if theirs.tags == manifest.tags and theirs.table.equals(manifest.table):
                load_checkpoint(run)
                return run
        except ZokuseiError:
            continue  # another network, or one that cannot be read
    return None
