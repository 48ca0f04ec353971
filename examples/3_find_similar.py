"""For each picture of a folder, name the one that is most like it.

    python examples/3_find_similar.py FOLDER [MODEL]

Pictures are compared by their embeddings, what the backbone sees on average over all places.
`zokusei tag --write npz --embedding` writes those of a large collection into one file.
"""

import sys

import numpy as np

from zokusei.images import find_images
from zokusei.inference import Tagger


def complain(_, error):
    print(f"left out: {error}", file=sys.stderr)


def main(folder: str, model: str = "base") -> None:
    tagger = Tagger.load(model)
    found = list(tagger.tag(find_images(folder), on_error=complain, embedding=True))
    if len(found) < 2:
        sys.exit(f"{folder} holds {len(found)} pictures; two are needed to compare them")
    vectors = np.array([tags.embedding for tags in found])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = vectors @ vectors.T  # cosines
    np.fill_diagonal(likeness, -1.0)
    for tags, row in zip(found, likeness, strict=True):
        nearest = row.argmax()
        print(f"{tags.path}: {found[nearest].path} ({row[nearest]:.2f})")


if __name__ == "__main__":
    main(*sys.argv[1:])
