"""Make what finds faces for a second look: drawn characters, and faces in real illustrations.

    python weights/faces.py --art FOLDER [--seed N]

To be run in the project's folder. FOLDER is real-art (its `images`). `weights/faces.csv` says where
in its pictures a face is: x and y of the middle and the side of the square, in shares of the side
when the picture is padded to a square. They were found by animeface 2.0.3, and are no truth; of the
sources that the tagger is judged by there is none, and those of `DEVELOPMENT` are what this is
judged by. Of drawn characters the box of the eyes is known, and with it the square.
"""

import argparse
import csv
import math
import subprocess
import sys
import time
from pathlib import Path

import torch
from rich.progress import track
from safetensors.torch import save
from tagger import DEVELOPMENT, DRAWN, DRAWN_SIZE
from torch import Tensor
from torch.nn import functional as F

from zokusei.data.loader import PictureStore
from zokusei.data.manifest import Manifest
from zokusei.files import write_text, write_whole
from zokusei.images.preprocess import Preprocess
from zokusei.memory import keep_freed_memory
from zokusei.model_weights import halve
from zokusei.models.backbone import Backbone, load_backbone_weights
from zokusei.models.second_look import FaceFinder
from zokusei.results import append_result

ROOT = Path(__file__).parents[1]
BOXES = ROOT / "weights" / "faces.csv"
PLACE = ROOT / "src" / "zokusei" / "weights" / "faces"
RESULTS = ROOT / "benchmarks" / "results" / "faces.csv"
SQUARE = ("x", "y", "side")
BACKBONE = "tf_efficientnet_lite0"
SEEN = Preprocess(size=320, fit="pad", mean=(0.5,) * 3, std=(0.5,) * 3)
WIDTHS, BELOW, HEIGHTS = 1.44, 0.08, 2.77  # of the eyes' box: side and place of the face's square
STEPS, BATCH, OF_ART, RATE = 450, 32, 14, 1e-3
FIELDS = (
    "experiment pictures near nearer size_error uncertain seconds images_per_second seed commit "
    "hardware versions command"
).split()

CARD = """# What finds faces

The first stages of an EfficientNet-Lite0 with a small head, in half precision: where the most
prominent face of a picture is, for models with a second look (`model.second_look`).

It was made by `python weights/faces.py` from ImageNet weights, characters that this project draws
itself, and real illustrations in which another detector (animeface 2.0.3) had found a face. The
package holds none of them. Illustrations are their artists', and nobody gave leave: judge for
yourself whether what you do with these weights is fair to the artists.

On {pictures:.0f} illustrations of sources that it never saw, against that other detector, from
`benchmarks/results/faces.csv`: the middle is within half a face of the other's in {near:.0f} %, and
within a quarter in {nearer:.0f} %; the side is off by {size_error:.0f} % in the median.

It finds one face, where there are several as well, and one drawn from the front or from the side
sooner than one seen from above or lying down.
"""


def main() -> None:
    """Learn, judge and pack."""
    parser = argparse.ArgumentParser(description="Make what finds faces.")
    parser.add_argument("--art", type=Path, default=Path("../shared/data/real-art"))
    parser.add_argument("--drawn", type=int, default=4000, help="drawn pictures")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    keep_freed_memory()
    torch.manual_seed(given.seed)
    art, judged = read_art(given.art)
    draw = [sys.executable, "-m", "zokusei", "data", "draw", str(DRAWN)]
    size = ["--count", str(given.drawn), "--size", str(DRAWN_SIZE)]
    subprocess.run([*draw, *size], check=True)
    drawn = read_drawn(DRAWN)
    finder = FaceFinder(BACKBONE)
    photographs = Backbone(BACKBONE)
    load_backbone_weights(photographs, BACKBONE, "auto")
    known = photographs.body.state_dict()
    finder.body.load_state_dict({name: known[name] for name in finder.body.state_dict()})
    finder = finder.to(memory_format=torch.channels_last)
    began = time.monotonic()
    learn(finder, drawn, art)
    seconds = time.monotonic() - began
    row = judge(finder, judged) | {"experiment": "faces", "seed": given.seed}
    row |= {"seconds": seconds, "images_per_second": STEPS * BATCH / seconds}
    row["command"] = " ".join(["python weights/faces.py", *sys.argv[1:]])
    append_result(RESULTS, {name: row[name] for name in FIELDS if name in row}, FIELDS)
    print({name: row[name] for name in FIELDS[1:5]})
    weights = {name: tensor.contiguous() for name, tensor in halve(finder).items()}
    with write_whole(PLACE / "model.safetensors") as temporary:
        temporary.write_bytes(save(weights))
    write_text(PLACE / "README.md", CARD.format(**row))


class Faces:
    """Pictures in memory, with where their faces are.

    Args:
        paths: the pictures.
        squares: x and y of the middle and side of each face, in shares of the picture's side.
    """

    def __init__(self, paths: list[Path], squares: list[tuple[float, ...]]) -> None:
        store = PictureStore(paths, SEEN, cache_bytes=0, workers=2)
        rows = torch.arange(len(paths)).split(256)
        self.pictures = torch.cat([store.read(some.tolist()) for some in rows])
        self.squares = torch.tensor(squares)
        store.close()

    def draw(self, count: int, size: int) -> tuple[Tensor, Tensor]:
        """Give so many at random, varied, of `size` pixels a side."""
        rows = torch.randint(len(self.squares), (count,))
        return vary(SEEN.normalize(self.pictures[rows]), self.squares[rows], size)


def read_art(folder: Path) -> tuple[Faces, Faces]:
    """Give the illustrations to learn from, and those to judge by."""
    with BOXES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    parts: tuple[list[dict[str, str]], ...] = ([], [])
    for row in rows:
        parts[row["file"].split("_")[0] in DEVELOPMENT].append(row)
    squares = ([tuple(float(row[name]) for name in SQUARE) for row in part] for part in parts)
    paths = ([folder / "images" / row["file"] for row in part] for part in parts)
    learnt, judged = map(Faces, paths, squares)
    return learnt, judged


def read_drawn(folder: Path) -> Faces:
    """Give the drawn characters whose eyes can be seen."""
    manifest = Manifest.load(folder / "manifest.parquet")
    paths, squares = [], []
    for path, boxes in zip(manifest.paths, manifest.column("boxes"), strict=True):
        eyes = [box for box in boxes if box["tag"].endswith("_eyes")]
        if eyes:
            x, y, width, height = (eyes[0][name] for name in ("x", "y", "width", "height"))
            side = max(WIDTHS * width, HEIGHTS * height)
            middle = x + width / 2, y + height / 2 + BELOW * width
            squares.append(tuple(number / DRAWN_SIZE for number in (*middle, side)))
            paths.append(path)
    return Faces(paths, squares)


def vary(images: Tensor, squares: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Show pictures from nearer or farther, elsewhere, mirrored and in other colours.

    Args:
        images: (batch, 3, height, height), of -1 to 1.
        squares: (batch, 3), x and y of the middle and side of each face, in shares of the side.
        size: pixels a side of what is given, and where the faces are there.
    """
    count = len(images)
    window = torch.empty(count).uniform_(math.log(0.45), math.log(1.6)).exp()
    middle = 0.5 + (torch.rand(2, count) - 0.5) / 2
    turn = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    steps = (torch.arange(size) + 0.5) / size - 0.5
    x = middle[0, :, None] + (turn * window)[:, None] * steps
    y = middle[1, :, None] + window[:, None] * steps
    wide, high = x[:, None, :].expand(-1, size, -1), y[:, :, None].expand(-1, -1, size)
    padding = "border" if torch.rand(()) < 0.5 else "zeros"
    grid = 2 * torch.stack([wide, high], 3) - 1
    images = F.grid_sample(images, grid, padding_mode=padding, align_corners=False)
    # Some without colour: faces are found by their shape.
    images = torch.where(torch.rand(count, 1, 1, 1) < 0.2, images.mean(1, keepdim=True), images)
    images = images * (0.8 + 0.4 * torch.rand(count, 1, 1, 1)) + 0.4 * torch.rand(count, 3, 1, 1)
    moved = (
        turn * (squares[:, 0] - middle[0]) / window + 0.5,
        (squares[:, 1] - middle[1]) / window + 0.5,
        squares[:, 2] / window,
    )
    return (images - 0.2).clamp(-1, 1), torch.stack(moved, 1)


def compute_loss(finder: FaceFinder, images: Tensor, squares: Tensor) -> Tensor:
    """Cross-entropy of the cell, and how far off place and size would be in the right one."""
    scores, places = finder.look(images.contiguous(memory_format=torch.channels_last))
    cells = math.isqrt(scores.shape[1])
    column, row = (squares[:, :2].clamp(0, 1 - 1e-6) * cells).long().unbind(1)
    inside = ((squares[:, :2] > 0) & (squares[:, :2] < 1)).all(1)
    cell = row * cells + column
    chosen = F.cross_entropy(scores, torch.where(inside, cell, cells**2))
    place = places.gather(2, cell[:, None, None].expand(-1, 3, 1)).squeeze(2)
    side = squares[:, 2:].clamp(min=0.03)
    off = (place[:, :2] - squares[:, :2]) / side.clamp(min=0.05)
    wrong = torch.cat([off, (place[:, 2:] / side).log()], 1)[inside]
    return chosen + 2 * F.smooth_l1_loss(wrong, torch.zeros_like(wrong), beta=0.1)


def learn(finder: FaceFinder, drawn: Faces, art: Faces) -> None:
    """Train on mixed batches; the first stages stay as they were on photographs."""
    for name, weight in finder.body.named_parameters():
        weight.requires_grad_(not name.startswith(("conv_stem", "bn1", "blocks.0")))
    moving = [weight for weight in finder.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(moving, lr=RATE, weight_decay=0.02)
    finder.train()
    for step in track(range(STEPS), description="learning"):
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, step / 40) * (1 + math.cos(math.pi * step / STEPS)) / 2
        images, squares = map(
            torch.cat,
            zip(
                drawn.draw(BATCH - OF_ART, finder.size), art.draw(OF_ART, finder.size), strict=True
            ),
        )
        optimizer.zero_grad()
        compute_loss(finder, images, squares).backward()
        torch.nn.utils.clip_grad_norm_(moving, 5.0)
        optimizer.step()
    finder.eval()


@torch.inference_mode()
def judge(finder: FaceFinder, faces: Faces) -> dict[str, float]:
    """Say how often the middle is near, in sides of the face, and how far off the size is."""
    found = [finder(SEEN.normalize(some)) for some in faces.pictures.split(64)]
    x, y, side, certainty = map(torch.cat, zip(*found, strict=True))
    true = faces.squares
    off = torch.stack([x - true[:, 0], y - true[:, 1]]).abs().amax(0) / true[:, 2]
    wrong = (side / true[:, 2]).log().abs().median().exp() - 1
    return {
        "pictures": len(true),
        "near": 100 * float((off < 0.5).float().mean()),
        "nearer": 100 * float((off < 0.25).float().mean()),
        "size_error": 100 * float(wrong),
        "uncertain": 100 * float((certainty < 0.5).float().mean()),
    }


if __name__ == "__main__":
    main()
