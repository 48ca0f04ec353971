"""The pointing game: do a model's activation maps peak inside the box of what they stand for?

python benchmarks/pointing.py RUN [--pictures N]

RUN is a tagger that knows tags of the drawn corpus. It looks at N new drawn pictures (styles and
seeds that it was not trained on are asked for with --styles and --seed); every tag that a picture
has and that has a box counts once. Grad-CAM (the `grad-cam` package) looks at the same model's last
feature map through the gradient of the same logit. A model that reads captions has them of each
picture, as `zokusei explain` does.

Two kinds of chance: the mean share of the picture that a box takes, and how often the map of
another boxed tag of the same picture peaks in the box. A figure stands in the middle, so that any
map that follows figures beats the first; only what beats the second tells tags apart. The interval
is a bootstrap over pictures.
"""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from PIL import Image

from zokusei.cli.console import counting
from zokusei.corpora.drawn import write_drawn_corpus
from zokusei.data.manifest import Manifest
from zokusei.environment import count_cores
from zokusei.images import open_image
from zokusei.inference import Tagger
from zokusei.models import Classifier
from zokusei.results import append_result

RESULTS = Path(__file__).parent / "results" / "pointing.csv"
COLUMNS = (
    "experiment model method pictures tags hits low high chance other_tag seed styles commit "
    "hardware versions command"
).split()
SIZE, DRAWS = 256, 2000


def main(
    run: Path,
    pictures: Annotated[int, typer.Option(min=10)] = 500,
    seed: int = 1000,
    styles: str = "trained",
) -> None:
    """Draw, look and add a row for each method."""
    tagger = Tagger.load(run, device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        write_drawn_corpus(
            folder, count=pictures, size=SIZE, seed=seed, styles=styles, workers=count_cores()
        )
        manifest = Manifest.load(Path(folder) / "manifest.parquet")
        tries = point_at_all(tagger, manifest)
    rng = np.random.default_rng(0)
    for method in ("activation map", "grad-cam"):
        low, high = interval(tries, method, rng)
        row = {
            "experiment": "pointing", "model": tagger.model.name, "method": method,
            "pictures": pictures, "tags": len(tries),
            "hits": 100 * np.mean([hit[method] for hit in tries]), "low": low, "high": high,
            "chance": 100 * np.mean([hit["area"] for hit in tries]),
            "other_tag": 100 * np.nanmean([hit[f"{method}, another tag"] for hit in tries]),
            "seed": seed, "styles": styles,
            "command": f"python benchmarks/pointing.py {run} --pictures {pictures} --seed {seed} "
            f"--styles {styles}",
        }  # fmt: skip
        append_result(RESULTS, row, COLUMNS)
        print(
            f"{method}: {row['hits']:.1f} % ({low:.1f} to {high:.1f}), chance {row['chance']:.1f}, "
            f"another tag's map {row['other_tag']:.1f}"
        )


def point_at_all(tagger: Tagger, manifest: Manifest) -> list[dict[str, Any]]:
    """Let both methods point at every boxed tag of every picture."""
    known, preprocess = tagger.checkpoint.tags, tagger.checkpoint.preprocess
    tries = []
    with counting("pointing", len(manifest)) as progress:
        for number, (path, boxes) in enumerate(
            zip(manifest.paths, manifest.column("boxes"), strict=True)
        ):
            source = open_image(path)
            images = preprocess(path)[None]
            by_tag: dict[str, list[dict[str, Any]]] = {}
            for box in boxes:
                if box["tag"] in known:
                    by_tag.setdefault(box["tag"], []).append(box)
            indices = [known.index(tag) for tag in by_tag]
            maps = look(tagger, images, indices, read_captions(tagger, source))
            points = {
                method: [preprocess.find_source(find_peak(one), source.size) for one in of_all]
                for method, of_all in maps.items()
            }
            for place, found in enumerate(by_tag.values()):
                hit: dict[str, Any] = {"picture": number, "area": cover(found, source.size)}
                for method, of_all in points.items():
                    hits = [any(inside(b, point, source.size) for b in found) for point in of_all]
                    hit[method] = hits.pop(place)
                    hit[f"{method}, another tag"] = np.mean(hits) if hits else np.nan
                tries.append(hit)
            progress(1)
    return tries


def read_captions(tagger: Tagger, picture: Image.Image) -> torch.Tensor | None:
    """Give the vector of a picture's caption; None for a model that reads none."""
    captions = tagger.trained.captions
    if captions is None:
        return None
    seen = torch.from_numpy(captions.checkpoint.preprocess.to_array(picture)).permute(2, 0, 1)
    # A copy: what was made without gradients cannot be a part of what has some.
    return captions.compute(captions.encode(seen[None])).clone()


def look(
    tagger: Tagger, images: torch.Tensor, indices: list[int], vectors: torch.Tensor | None = None
) -> dict[str, NDArray[np.float32]]:
    """Give each method's maps of some tags, (tags, rows, columns) in the map's own resolution."""
    if not indices:
        return {}
    with torch.inference_mode():
        maps = tagger.model.explain(images, vectors)["activation_maps"][0, indices].numpy()
    enlarged = compute_grad_cam(Bound(tagger.model, vectors), images, indices)
    return {"activation map": maps, "grad-cam": take_middles(enlarged, maps.shape[1:])}


class Bound(torch.nn.Module):
    """A model with its caption vector: images in, logits out, as other libraries want it."""

    def __init__(self, model: Classifier, vectors: torch.Tensor | None) -> None:
        super().__init__()
        self.model, self.vectors = model, vectors

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Give the logits of pictures that have one caption."""
        if self.vectors is None:
            return self.model(images)
        return self.model(images, self.vectors.expand(len(images), -1))


def compute_grad_cam(bound: Bound, images: torch.Tensor, indices: list[int]) -> NDArray[np.float32]:
    """Give Grad-CAM's maps of some tags of one picture, in the size of the input."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    batch = images.expand(len(indices), -1, -1, -1).clone()
    targets = [ClassifierOutputTarget(index) for index in indices]
    with GradCAM(model=bound, target_layers=[bound.model.backbone]) as grad_cam:
        enlarged: NDArray[np.float32] = grad_cam(input_tensor=batch, targets=targets)
    return enlarged


def find_peak(activation: NDArray[np.float32]) -> tuple[float, float]:
    """Give the middle of the highest position, as shares of width and height."""
    rows, columns = activation.shape
    row, column = np.unravel_index(int(activation.argmax()), (rows, columns))
    return (float(column) + 0.5) / columns, (float(row) + 0.5) / rows


def take_middles(enlarged: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Give what enlarged maps have in the middle of each position of the feature map.

    The package enlarges its maps to the size of the input, and a position at the border then is
    highest along the edge, where nothing lies: the peak would be punished for the enlarging.
    """
    for axis, count in zip((1, 2), shape, strict=True):
        middles = (np.arange(count) + 0.5) * enlarged.shape[axis] / count
        before, after = (
            enlarged.take(np.floor(middles - 0.5 + step).astype(int), axis) for step in (0, 0.5)
        )
        enlarged = (before + after) / 2
    return enlarged


def cover(boxes: list[dict[str, Any]], size: tuple[int, int]) -> float:
    """Give the share of the picture that the boxes of a tag take together."""
    mask = np.zeros((size[1], size[0]), dtype=bool)
    for box in boxes:
        left, top = round(box["x"]), round(box["y"])
        mask[top : round(box["y"] + box["height"]), left : round(box["x"] + box["width"])] = True
    return float(mask.mean())


def inside(box: dict[str, Any], point: tuple[float, float], size: tuple[int, int]) -> bool:
    """Say whether a place (shares of the picture) lies in a box (pixels)."""
    x, y = point[0] * size[0], point[1] * size[1]
    return bool(
        box["x"] <= x <= box["x"] + box["width"] and box["y"] <= y <= box["y"] + box["height"]
    )


def interval(
    tries: list[dict[str, Any]], method: str, rng: np.random.Generator
) -> tuple[float, float]:
    """Give the 95 % bootstrap interval of the share of hits, over pictures."""
    pictures = sorted({hit["picture"] for hit in tries})
    place = {picture: position for position, picture in enumerate(pictures)}
    hits, counts = np.zeros(len(pictures)), np.zeros(len(pictures))
    for hit in tries:
        hits[place[hit["picture"]]] += hit[method]
        counts[place[hit["picture"]]] += 1
    chosen = rng.integers(0, len(pictures), (DRAWS, len(pictures)))
    shares = hits[chosen].sum(1) / counts[chosen].sum(1)
    low, high = np.percentile(100 * shares, [2.5, 97.5])
    return float(low), float(high)


if __name__ == "__main__":
    typer.run(main)
