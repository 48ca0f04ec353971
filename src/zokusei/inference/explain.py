"""Why a tag was given: where in the picture, and because of which other tags."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image

from zokusei.errors import ConfigError, suggest
from zokusei.images import Picture, open_image
from zokusei.images.preprocess import Preprocess
from zokusei.inference.captioner import Caption, describe_caption
from zokusei.inference.tagger import Tagger
from zokusei.models.dynamic_graph import DynamicGraphHead
from zokusei.models.second_look import SecondLook, find_middle

_SHOWN = 384  # pixels a side of the picture that maps are drawn upon


@dataclass(frozen=True, eq=False)
class Reason:
    """Why one tag has its score.

    Attributes:
        name: the tag.
        score: its probability.
        threshold: from which it is given.
        activation: the class activation map, a logit a position, over what the network saw.
        peak: where it is highest, as shares of the picture's width and height from the top left.
        influences: by how much each tag raises this one's logit through the dynamic graph, the
            strongest first; empty where the model has no such graph.
        vote: by how much the caption itself raises the logit, where it votes (`capgcn_votes`).
    """

    name: str
    score: float
    threshold: float
    activation: Float[NDArray[np.float32], "rows columns"]
    peak: tuple[float, float]
    influences: dict[str, float]
    vote: float | None = None

    def to_dict(self, most: int) -> dict[str, Any]:
        """Give it for JSON, with the `most` strongest influences either way."""
        raised, lowered = self.strongest(most)
        return {
            "tag": self.name,
            "score": self.score,
            "threshold": self.threshold,
            "peak": list(self.peak),
            "activation": self.activation.round(4).tolist(),
            "raised_by": raised,
            "lowered_by": lowered,
            **({} if self.vote is None else {"raised_by_caption": self.vote}),
        }

    def strongest(self, most: int) -> tuple[dict[str, float], dict[str, float]]:
        """Give the tags that raised it most, and those that lowered it most."""
        pairs = list(self.influences.items())
        raised = [pair for pair in pairs if pair[1] > 0][:most]
        lowered = [pair for pair in reversed(pairs) if pair[1] < 0][:most]
        return dict(raised), dict(lowered)

    def list_causes(self, most: int) -> list[tuple[str, float]]:
        """Give what to show of what raised and lowered it: the caption first, where it votes."""
        raised, lowered = self.strongest(most)
        own = [] if self.vote is None else [("the caption itself", self.vote)]
        return [*own, *raised.items(), *lowered.items()]


@dataclass(frozen=True)
class SeenFace:
    """The square that a second look was at.

    Attributes:
        start: its upper left corner, as shares of the picture's width and height.
        end: its lower right corner; both lie on the picture.
        certainty: probability that a face is there.
        on_square: both corners as shares of the square that the network sees.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    certainty: float
    on_square: tuple[float, float, float, float]

    def to_dict(self) -> dict[str, Any]:
        """Give it for JSON."""
        return {"from": list(self.start), "to": list(self.end), "certainty": self.certainty}


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a picture has its tags.

    Attributes:
        path: the picture's path; empty where it was given as bytes or pixels.
        picture: what the network saw of it, in a size to look at.
        reasons: one a tag, the most probable first.
        caption: what the captioner said of it, where the model reads captions.
        captioned: what the captioner saw, in a size to look at.
        face: where a second look was at, for a model that has one.
    """

    path: str
    picture: Image.Image
    reasons: list[Reason]
    caption: Caption | None = None
    captioned: Image.Image | None = None
    face: SeenFace | None = None

    def to_dict(self, most: int = 3) -> dict[str, Any]:
        """Give it for JSON: `path` and `tags`, see `Reason.to_dict`.

        With a captioner also `caption`: its `text`, and for each of the `words` the `attention`,
        rows x columns of what the captioner saw; with a second look the `face`.
        """
        found: dict[str, Any] = {"path": self.path}
        if self.face is not None:
            found["face"] = self.face.to_dict()
        if self.caption is not None:
            looks = [look.tolist() for look in self.caption.attention.double().round(decimals=4)]
            words = zip(self.caption.words, looks, strict=True)
            found["caption"] = {
                "text": self.caption.text,
                "words": [{"word": word, "attention": look} for word, look in words],
            }
        return found | {"tags": [reason.to_dict(most) for reason in self.reasons]}


def explain_picture(
    tagger: Tagger, picture: Picture, tags: Sequence[str] | None = None
) -> Explanation:
    """Say why a picture gets its tags.

    Args:
        tagger: of any model of the zoo; only those with a dynamic graph know of influences.
        picture: a path, encoded bytes or a Pillow picture.
        tags: which tags to explain; those that it gets by default, or the most probable one where
            it gets none.

    Raises:
        ConfigError: the model does not know a tag, or was exported.
        ImageError: the picture cannot be read.
    """
    known, preprocess = tagger.checkpoint.tags, tagger.checkpoint.preprocess
    for name in tags or ():
        if name not in known:
            raise ConfigError(f"the model knows no tag {name!r}{suggest(name, known.names)}")
    model = tagger.model
    images = preprocess(picture)[None].to(next(model.parameters()).device)
    source = open_image(picture)
    captions = tagger.trained.captions
    caption = captioned = vectors = None
    if captions is not None:
        sees, words = captions.checkpoint.preprocess, captions.checkpoint.vocabulary
        seen = torch.from_numpy(sees.to_array(source)).permute(2, 0, 1)
        annotations = captions.encode(seen[None])
        vectors = captions.compute(annotations)
        if captions.control == "none":
            caption = describe_caption(captions.caption(annotations), 0, words, picture)
            captioned = replace(sees, size=_SHOWN).fit_image(source)
    with torch.inference_mode():
        parts = model.explain(images, vectors)
        scores = parts["logits"][0].float().sigmoid().cpu().tolist()
        given = [known.names[position] for position in tagger.selection.choose(scores)]
        chosen = list(tags or given) or [known.names[int(np.argmax(scores))]]
        chosen.sort(key=lambda name: -scores[known.index(name)])
        reasons = [_find_reason(tagger, parts, name, scores, source.size) for name in chosen]
        face = None
        if model.second_look is not None:
            face = _find_face(model.second_look, images, preprocess, source.size)
    shown = replace(preprocess, size=_SHOWN).fit_image(source)
    path = str(picture) if isinstance(picture, str | Path) else ""
    return Explanation(path, shown, reasons, caption, captioned, face)


def _find_face(
    second_look: SecondLook, images: torch.Tensor, preprocess: Preprocess, size: tuple[int, int]
) -> SeenFace:
    face = second_look.find_face(images)
    x, y = (float(middle) for middle in find_middle(face, second_look.margin))
    half = float(face.side) * second_look.margin / 2
    corners = (x - half, y - half), (x + half, y + half)
    start, end = (_clip(preprocess.find_source(corner, size)) for corner in corners)
    return SeenFace(start, end, float(face.certainty), (*corners[0], *corners[1]))


def _clip(point: tuple[float, float]) -> tuple[float, float]:
    """Give the nearest place on the picture."""
    return min(max(point[0], 0.0), 1.0), min(max(point[1], 0.0), 1.0)


def _find_reason(
    tagger: Tagger,
    parts: dict[str, torch.Tensor],
    name: str,
    scores: list[float],
    size: tuple[int, int],
) -> Reason:
    tags, head = tagger.checkpoint.tags, tagger.model.head
    index = tags.index(name)
    activation = parts["activation_maps"][0, index].float().cpu().numpy()
    row, column = np.unravel_index(int(activation.argmax()), activation.shape)
    rows, columns = activation.shape
    middle = (float(column) + 0.5) / columns, (float(row) + 0.5) / rows
    influences = {}
    if isinstance(head, DynamicGraphHead) and "adjacency" in parts:
        values = head.compute_influence(parts, 0, index).tolist()
        pairs = zip(tags.names, values, strict=True)
        influences = dict(sorted(pairs, key=lambda pair: -pair[1]))
        del influences[name]  # what a tag sends itself is no other tag's doing
    votes = parts.get("caption_logits")
    return Reason(
        name=name,
        score=scores[index],
        threshold=tags.thresholds[index],
        activation=activation,
        peak=tagger.checkpoint.preprocess.find_source(middle, size),
        influences=influences,
        vote=None if votes is None else float(votes[0, index]),
    )
