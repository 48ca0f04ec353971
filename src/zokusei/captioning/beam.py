"""Writing captions freely: greedily, or keeping the best few beginnings of each picture."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from zokusei.captioning.model import CaptionModel, State
from zokusei.captioning.vocabulary import END, PAD, START, UNKNOWN
from zokusei.errors import ConfigError

MAX_LENGTH = 30
"""Words a caption has at most."""


@dataclass(frozen=True)
class Generated:
    """Captions of a batch of pictures with what the model saw and thought at each word.

    Attributes:
        tokens: numbers of the words, without start and end, filled with `PAD`.
        lengths: words of each caption.
        alphas: where the model looked for each word; 0 after the last.
        hidden: its state h_t from which each word was chosen; 0 after the last.
        annotations: of the pictures.
        scores: log-probability of each caption, its end included where it has one.
        finished: whether it has one.
    """

    tokens: Int[Tensor, "pictures steps"]
    lengths: Int[Tensor, " pictures"]
    alphas: Float[Tensor, "pictures steps positions"]
    hidden: Float[Tensor, "pictures steps hidden"]
    annotations: Float[Tensor, "pictures positions features"]
    scores: Float[Tensor, " pictures"]
    finished: Bool[Tensor, " pictures"]


@dataclass(frozen=True)
class _Beams:
    """The best beginnings of each picture, best first.

    Attributes:
        totals: sum of log-probabilities, pictures x k.
        lengths: words said, the end included.
        finished: whether the end was said.
    """

    totals: Tensor
    lengths: Tensor
    finished: Tensor

    def of(self, pictures: Tensor) -> "_Beams":
        """Give those of some pictures."""
        return _Beams(self.totals[pictures], self.lengths[pictures], self.finished[pictures])

    def put(self, pictures: Tensor, beams: "_Beams") -> None:
        """Take those of some pictures over."""
        self.totals[pictures], self.lengths[pictures] = beams.totals, beams.lengths
        self.finished[pictures] = beams.finished


class _Word(NamedTuple):
    """One step of the pictures that were still written of.

    Attributes:
        pictures: which they were.
        words: pictures x k; said by each beam that was kept.
        parents: pictures x k; the beam that it continues.
        alphas: pictures x k x positions, of each parent.
        hidden: pictures x k x hidden, of each parent.
    """

    pictures: Tensor
    words: Tensor
    parents: Tensor
    alphas: Tensor
    hidden: Tensor


@torch.no_grad()
def generate(
    model: CaptionModel,
    annotations: Float[Tensor, "pictures positions features"],
    *,
    beam: int = 1,
    max_length: int = MAX_LENGTH,
    length_penalty: float = 0.0,
    together: bool = False,
) -> Generated:
    r"""Write a caption for each picture; what is written of one depends on no other.

    Beginnings are ranked by :math:`\sum_t \log p(y_t) / n^\lambda` with n words (the end is one)
    and the length penalty :math:`\lambda`: 0 ranks by probability, which favours short captions, 1
    by the mean over words. A caption that has ended keeps its place among the `beam` until better
    ones push it out. The best ended one is taken, and the best beginning where none has ended.

    A caption has at least one word, and never one that is unknown.

    Args:
        model: in evaluation mode, or dropout will speak too.
        annotations: of `model.encode`.
        beam: beginnings that are kept; 1 is greedy.
        max_length: words at most, the end being one.
        length_penalty: see above.
        together: go on with all pictures until the last has ended, where those that have ended
            would drop out, so that each product has the same height (`GroupWriter`).

    Raises:
        ConfigError: `beam` or `max_length` is below 1, or the penalty negative.
    """
    if beam < 1 or max_length < 1 or length_penalty < 0:
        raise ConfigError(
            f"beam {beam}, max_length {max_length} and length_penalty {length_penalty}: the first "
            "two must be at least 1, the last at least 0"
        )
    head, pictures = model.head, len(annotations)
    beams = written = _first_beams(pictures, beam, annotations)
    # What has ended is not computed any further; these are the pictures that have not.
    going, shown = torch.arange(pictures, device=annotations.device), annotations
    keys, state = head.key(annotations), head.start(annotations, beam)
    words = torch.full((pictures, beam), START, device=annotations.device)
    history = []
    for step in range(max_length):
        taken = head.step(words, state, shown, keys)
        logits = head.predict(taken.embedded, taken.state.hidden, taken.context)
        chances = _allow(logits.log_softmax(-1), step)
        beams, words, parents = _choose(beams, chances, length_penalty)
        history.append(_Word(going, words, parents, taken.alphas, taken.state.hidden))
        # By probability alone, what has not ended can only fall behind what has.
        ended = beams.finished[:, 0] if length_penalty == 0 else beams.finished.all(1)
        if step == max_length - 1:
            ended = torch.ones_like(ended)
        elif together:
            ended = ended.all().expand_as(ended)
        state = taken.state if beam == 1 else State(*(_pick(x, parents) for x in taken.state))
        if not ended.any():
            continue
        written.put(going[ended], beams.of(ended))
        if ended.all():
            break
        left = ~ended
        going, beams, words = going[left], beams.of(left), words[left]
        state = State(*(x[left] for x in state))
        shown, keys = shown[left], keys[left]
    best = _find_best(written, length_penalty)
    return _trace(history, written, best, annotations)


def _first_beams(pictures: int, beam: int, like: Tensor) -> _Beams:
    """All beams but one are impossible at first, since equal beginnings would fill them."""
    totals = like.new_full((pictures, beam), -torch.inf)
    totals[:, 0] = 0.0
    zeros = torch.zeros(pictures, beam, dtype=torch.long, device=like.device)
    return _Beams(totals, zeros, zeros.bool())


def _allow(chances: Tensor, step: int) -> Tensor:
    """Rule out what is no word, and an end before the first word."""
    chances[..., [PAD, START, UNKNOWN]] = -torch.inf
    if step == 0:
        chances[..., END] = -torch.inf
    return chances


def _choose(beams: _Beams, chances: Tensor, penalty: float) -> tuple[_Beams, Tensor, Tensor]:
    """Give the best continuations, their last words and the beams that they continue."""
    beam, num_words = chances.shape[1:]
    # An ended caption goes on as itself: filling costs nothing, anything else is impossible.
    filling = torch.full_like(chances[0, 0], -torch.inf)
    filling[PAD] = 0.0
    chances = torch.where(beams.finished[..., None], filling, chances)
    totals = beams.totals[..., None] + chances
    lengths = beams.lengths + ~beams.finished
    ranks = totals / lengths[..., None].to(totals.dtype) ** penalty
    chosen = ranks.flatten(1).topk(beam, dim=1).indices
    parents, words = chosen // num_words, chosen % num_words
    finished = beams.finished.gather(1, parents) | (words == END)
    kept = _Beams(totals.flatten(1).gather(1, chosen), lengths.gather(1, parents), finished)
    return kept, words, parents


def _pick(values: Tensor, parents: Tensor) -> Tensor:
    """Put the values of each picture's beams in the order of `parents`."""
    index = parents[..., None].expand(-1, -1, values.shape[-1])
    return values.gather(1, index)


def _find_best(beams: _Beams, penalty: float) -> Tensor:
    """Give the best ended beam of each picture, or the best of all where none has ended."""
    ranks = beams.totals / beams.lengths.to(beams.totals.dtype) ** penalty
    ended = ranks.masked_fill(~beams.finished, -torch.inf)
    usable = ended.amax(1, keepdim=True) > -torch.inf
    return torch.where(usable, ended, ranks).argmax(1)


def _trace(history: list[_Word], beams: _Beams, best: Tensor, annotations: Tensor) -> Generated:
    """Follow the best beams back from their last word to their first."""
    at, every = best.clone(), torch.arange(len(best), device=best.device)
    found = []
    for said in reversed(history):
        place, at_word = every[: len(said.pictures)], at[said.pictures]
        before = said.parents[place, at_word]
        at[said.pictures] = before
        parts = said.words[place, at_word], said.alphas[place, before], said.hidden[place, before]
        found.append([_spread(part, said.pictures, len(best)) for part in parts])
    tokens, alphas, hidden = (torch.stack(part[::-1], 1) for part in zip(*found, strict=True))
    is_word = (tokens != END) & (tokens != PAD)
    lengths = is_word.sum(1)
    steps = int(lengths.max())
    kept = is_word[:, :steps]
    return Generated(
        tokens=tokens[:, :steps].masked_fill(~kept, PAD),
        lengths=lengths,
        alphas=alphas[:, :steps] * kept[..., None],
        hidden=hidden[:, :steps] * kept[..., None],
        annotations=annotations,
        scores=beams.totals[every, best],
        finished=beams.finished[every, best],
    )


def _spread(part: Tensor, pictures: Tensor, count: int) -> Tensor:
    """Give a row to each picture, of zeros (`PAD` among words) to those that had ended before."""
    whole = part.new_zeros(count, *part.shape[1:])
    whole[pictures] = part
    return whole
