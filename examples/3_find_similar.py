"""Name the picture of a folder that is most like each of the others.

    python examples/3_find_similar.py FOLDER [MODEL]

Pictures are compared by their embeddings, what the backbone sees on average over all places.
`zokusei tag --write npz --embedding` writes those of a large collection into one file.
"""

import sys

import numpy as np

from zokusei.images import find_images
from zokusei.inference import Tagger


def main(folder: str, model: str = "base") -> None:
    found = list(Tagger.load(model).tag(find_images(folder), embedding=True))
    vectors = np.array([tags.embedding for tags in found])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = vectors @ vectors.T  # cosines
    np.fill_diagonal(likeness, -1.0)
    for tags, row in zip(found, likeness, strict=True):
        nearest = row.argmax()
        print(f"{tags.path}: {found[nearest].path} ({row[nearest]:.2f})")


if __name__ == "__main__":
    main(*sys.argv[1:])
