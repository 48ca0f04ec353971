"""Draw the pictures of the cartoonize guide from a training of one's own.

    python docs/white_box.py runs/white-box-pretrain runs/white-box

Four photographs that come with scikit-image and may be shown anywhere (the cat by Stefan van der
Walt and the coffee by Rachel Michetti are CC0, NASA's astronaut is in the public domain, SpaceX's
rocket is CC0), what both stages make of them, and every loss on the held-out photographs at each
epoch's end, before its weight.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from zokusei.files import write_text
from zokusei.report.plots import BLUE, render_svg
from zokusei.stylize.weights import load_generator
from zokusei.stylize.white_box import WhiteBox

IMAGES = Path(__file__).parent / "images"
SIZE = 224
LOSSES = ("surface", "texture", "structure", "content", "variation")


def main() -> None:
    """Make the sheet and the curves."""
    pretrained, trained = map(Path, sys.argv[1:3])
    photographs = np.stack([fit(pixels) for pixels in read_photographs()])
    rows = [photographs, *(draw(run, photographs) for run in (pretrained, trained))]
    sheet = np.vstack([np.hstack(list(row)) for row in rows])
    Image.fromarray(sheet).save(IMAGES / "white-box.jpg", quality=88)
    write_text(IMAGES / "white-box-losses.svg", plot_losses(read_epochs(trained)))


def read_photographs() -> list[NDArray[np.uint8]]:
    """Give the four photographs as they come."""
    return [data.chelsea(), data.coffee(), data.astronaut(), data.rocket()]


def fit(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut the middle square out and bring it to one size."""
    image = Image.fromarray(pixels).convert("RGB")
    side = min(image.size)
    left, top = ((length - side) // 2 for length in image.size)
    square = image.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((SIZE, SIZE), Image.Resampling.LANCZOS))


def draw(run: Path, photographs: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give what a run's generator makes of the photographs."""
    white_box = WhiteBox(load_generator(run / "generator.safetensors"))
    return white_box(torch.from_numpy(photographs)).numpy()


def read_epochs(run: Path) -> list[dict[str, Any]]:
    """Give the figures at each epoch's end."""
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [record for record in map(json.loads, lines) if record["kind"] == "epoch"]


def plot_losses(epochs: list[dict[str, Any]]) -> str:
    """Draw a curve a loss."""

    def draw_on(figure: Any) -> None:
        numbers = [record["epoch"] + 1 for record in epochs]
        for axes, name in zip(figure.subplots(1, len(LOSSES)), LOSSES, strict=True):
            axes.plot(numbers, [record[name] for record in epochs], "o-", color=BLUE, ms=3)
            axes.set(title=name, xlabel="epoch")
            axes.xaxis.get_major_locator().set_params(integer=True)

    return render_svg(draw_on, width=10, height=2.2)


if __name__ == "__main__":
    main()
