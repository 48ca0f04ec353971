"""Draw the pictures of the cartoonize guide from a training of one's own.

    python docs/white_box.py runs/white-box-pretrain runs/white-box

Four photographs that come with scikit-image and may be shown anywhere (the cat by Stefan van der
Walt and the coffee by Rachel Michetti are CC0, NASA's astronaut is in the public domain, SpaceX's
rocket is CC0) above what both stages make of them; and, from benchmarks/results/white-box.csv,
every loss on held-out photographs with all losses and without that one.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from zokusei.files import write_text
from zokusei.report.plots import BLUE, ORANGE, render_svg
from zokusei.results import read_results
from zokusei.stylize.weights import load_generator
from zokusei.stylize.white_box import WhiteBox
from zokusei.training.white_box import PARTS

IMAGES = Path(__file__).parent / "images"
RESULTS = Path(__file__).parents[1] / "benchmarks" / "results" / "white-box.csv"
SIZE = 224


def main() -> None:
    """Make the sheet and the curves."""
    photographs = np.stack([fit(pixels) for pixels in read_photographs()])
    rows = [photographs, *(draw(Path(run), photographs) for run in sys.argv[1:3])]
    sheet = np.vstack([np.hstack(list(row)) for row in rows])
    Image.fromarray(sheet).save(IMAGES / "white-box.jpg", quality=88)
    rows_of_losses = [row for row in read_results(RESULTS) if row["experiment"] == "white-box"]
    write_text(IMAGES / "white-box-losses.svg", plot_losses(rows_of_losses))


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


def plot_losses(rows: list[dict[str, str]]) -> str:
    """Draw two curves a loss: with all losses, and without it."""

    def draw_on(figure: Any) -> None:
        for axes, name in zip(figure.subplots(1, len(PARTS)), PARTS, strict=True):
            highest = 0.0
            for without, colour in (("", BLUE), (name, ORANGE)):
                own = [row for row in rows if row["without"] == without]
                epochs = [int(row["epoch"]) for row in own]
                label = "without it" if without else "with all"
                values = [float(row[name]) for row in own]
                axes.plot(epochs, values, "o-", color=colour, ms=3, label=label)
                highest = max(highest, *values)
            axes.set(title=name, xlabel="epoch", ylim=(0, 1.1 * highest))
            axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend()

    return render_svg(draw_on, width=10, height=2.4)


if __name__ == "__main__":
    main()
