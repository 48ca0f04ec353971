"""Draw the contact sheet of the README: `python docs/contact_sheet.py`."""

from pathlib import Path

import numpy as np
from PIL import Image

from zokusei.corpora.drawn import draw

COLUMNS, ROWS, SIZE, SEED = 8, 4, 160, 5


def main() -> None:
    """Put the first pictures of a seed side by side, none of them chosen."""
    rows = [
        np.hstack(
            [draw(row * COLUMNS + column, seed=SEED, size=SIZE).image for column in range(COLUMNS)]
        )
        for row in range(ROWS)
    ]
    path = Path(__file__).parent / "images" / "drawn.jpg"
    Image.fromarray(np.vstack(rows)).save(path, quality=88)


if __name__ == "__main__":
    main()
