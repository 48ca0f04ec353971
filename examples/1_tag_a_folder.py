"""Tag all pictures below a folder, and count how often each tag was given.

    python examples/1_tag_a_folder.py FOLDER [MODEL]

MODEL is a run or a model folder; the packaged tagger by default.
"""

import sys
from collections import Counter

from zokusei.images import find_images
from zokusei.inference import Tagger
from zokusei.memory import keep_freed_memory


def complain(_, error):
    print(f"left out: {error}", file=sys.stderr)


def main(folder: str, model: str = "base") -> None:
    # Otherwise the C library gives the memory of every batch back, and a network runs much slower.
    keep_freed_memory()
    tagger = Tagger.load(model)
    counts = Counter()
    # Pictures are read as they are needed: memory does not grow with the folder.
    for tags in tagger.tag(find_images(folder), on_error=complain):
        counts.update(tags.names)
    for name, count in counts.most_common(20):
        print(f"{count:6} {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
