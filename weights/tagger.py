"""Make the tagger that the package carries: drawn characters, real faces, real illustrations.

    python weights/tagger.py --faces FOLDER --art FOLDER [--develop] [--ship RUN] [key=value ...]

To be run in the project's folder. FOLDERs are anime-faces (`labels.csv` with hair, eyes and group)
and real-art (`labels.csv` with file, source, tags and unsure, and `vocabulary.txt`). Illustrations
of the sources in `HELD_OUT` are the validation split: nothing is ever trained on them, and nothing
else is validated with. What is made lies in `runs`; a stage that is done is skipped, and a killed
one goes on. `key=value` is handed on to the training, and `--out` names its run.

`--develop` is for choosing settings: the sources in `DEVELOPMENT` are judged in the place of those,
which nothing sees then, and nothing is packed. `--ship RUN` only packs one that has been judged.
`--thresholds` only finds the thresholds of the one that is packed anew, with those illustrations.
"""

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from torch import Tensor

from zokusei.checkpoint import load_checkpoint, save_checkpoint
from zokusei.corpora import TagRules, import_corpus
from zokusei.data.manifest import Manifest
from zokusei.data.merging import merge_manifests
from zokusei.data.splits import split_manifest
from zokusei.files import write_text
from zokusei.inference import Tagger
from zokusei.inference.evaluate import evaluate_run, result_row
from zokusei.memory import keep_freed_memory
from zokusei.metrics import find_best_thresholds
from zokusei.model_folder import find_model_folder
from zokusei.results import append_result, read_results
from zokusei.tags import TagSet
from zokusei.training.classifier import SHARED_THRESHOLD

ROOT = Path(__file__).parents[1]
PLACE = ROOT / "src" / "zokusei" / "weights" / "tagger"
RESULTS = ROOT / "benchmarks" / "results" / "base-tagger.csv"
CONFIG = "configs/base-tagger.yaml"
DRAWN = Path("runs/base/drawn")
HELD_OUT = ("shj", "grb", "dok", "hxy", "jak")
DEVELOPMENT = ("sei", "tml", "wmp")
COLUMNS = {"hair": "{}_hair", "eyes": "{}_eyes"}
SPELLING = TagRules({"gray_hair": "grey_hair", "gray_eyes": "grey_eyes"})
FIELDS = (
    "experiment weights split model preset seed map tags chance_map hair_top1 hair_pictures "
    "eyes_top1 eyes_pictures macro_f1 images_per_second seconds commit config hardware versions "
    "command"
).split()
DRAWN_SIZE = 448  # pixels; the illustrations' longer sides have as many
LARGEST = 25_000_000
SHOWN = "map chance_map judged hair_top1 hair_pictures eyes_top1 eyes_pictures".split()

CARD = """
## What it was made from, and on what terms

- Characters drawn by this project itself, with all of their tags.
- 9,818 crops of real anime faces with one hair colour and one eye colour each, labelled as loosely
  as people label.
- Real illustrations of many artists, labelled by hand, of all sources but {held_out}, which are
  held out.
- An EfficientNet-Lite0 with ImageNet weights to begin with.
- For the second look: where faces are in drawn characters, and in real illustrations where a
  detector had found them (`weights/faces.py`), none of them held out.

Faces and illustrations are their artists', mostly without a stated licence, and were used for
training and measurement only: the package holds none of them. Nobody gave leave for more, so judge
for yourself whether what you do with these weights is fair to the artists.

## How good it is

On illustrations of the sources that were held out, in per cent, from
`benchmarks/results/base-tagger.csv`:

- mAP {map:.1f} over the {judged:.0f} tags that occur there; chance has {chance_map:.1f}.
- Hair colour: the first guess is right in {hair_top1:.0f} % of {hair_pictures:.0f} pictures.
- Eye colour: the first guess is right in {eyes_top1:.0f} % of {eyes_pictures:.0f} pictures.

Thresholds were found on the same illustrations, which are few: expect less of them.

## Limits

It knows {tags} tags, most of them of one or two people in a picture, and no artist, character or
series. It looks again at one face a picture, the most prominent; of others only large ones have
pixels enough for the colour of their eyes. `tags.csv` says how many training
pictures each tag had; with a few dozen a tag is a guess. Like people's labels its tags go by looks.
"""


def main() -> None:
    """Make the corpus, train, judge on the sources that were held out, and pack."""
    parser = argparse.ArgumentParser(description="Make the tagger that the package carries.")
    parser.add_argument("--faces", type=Path, default=Path("../shared/data/anime-faces"))
    parser.add_argument("--art", type=Path, default=Path("../shared/data/real-art"))
    parser.add_argument("--drawn", type=int, default=4000, help="drawn pictures")
    parser.add_argument("--out", type=Path, help="the run; runs/base-tagger by default")
    parser.add_argument("--develop", action="store_true", help="judge on other sources")
    parser.add_argument("--ship", type=Path, metavar="RUN", help="only pack this run")
    parser.add_argument("--thresholds", action="store_true", help="only find thresholds anew")
    given, settings = parser.parse_known_args()
    if given.thresholds:
        if given.develop or given.ship is not None or settings:
            parser.error(
                "--thresholds is about the tagger that is packed; give --art alone with it"
            )
        find_thresholds(given.art, PLACE)
        return
    if given.develop and given.ship is not None:
        parser.error("--develop is for choosing settings, and packs nothing: give --ship alone")
    if given.ship is not None:
        ship(given.ship, PLACE, RESULTS)
        return
    name = "base-tagger-development" if given.develop else "base-tagger"
    corpus, run = Path(f"runs/base/{name}.parquet"), given.out or Path("runs") / name
    keep_freed_memory()
    zokusei = [sys.executable, "-m", "zokusei"]
    draw = [*zokusei, "data", "draw", str(DRAWN), "--count", str(given.drawn)]
    subprocess.run([*draw, "--size", str(DRAWN_SIZE)], check=True)
    judged = DEVELOPMENT if given.develop else HELD_OUT
    make_corpus(given.faces, given.art, DRAWN, judged).save(corpus)
    train = [*zokusei, "train", CONFIG, f"data.path={corpus}", "--out", str(run), *settings]
    subprocess.run(train, check=True)
    row = judge(run) | {"experiment": name, "config": " ".join([name, *settings])}
    row["command"] = " ".join(["python weights/tagger.py", *sys.argv[1:]])
    append_result(RESULTS, {name: row[name] for name in FIELDS if name in row}, FIELDS)
    for name in ("map", "chance_map", "hair_top1", "eyes_top1"):
        print(f"{name} {row[name]:.1f}")
    if not given.develop:
        ship(run, PLACE, RESULTS)


def ship(run: Path, place: Path, results: Path) -> None:
    """Put a run's tagger into the package, with a card that says what it is."""
    rows = [row for row in read_results(results) if row["experiment"] == "base-tagger"]
    # Only what the run itself was found to be is printed on the card.
    rows = [row for row in rows if row["weights"] == hash_weights(run)]
    if not rows:
        sys.exit(f"{results} holds no row of base-tagger with the weights of {run}; run this "
                 "without --ship first")  # fmt: skip
    judged = Manifest.load(run / "manifest.parquet").select("val").column("group")
    others = {group.removeprefix("art:") for group in judged} - set(HELD_OUT)
    if others:
        sys.exit(f"{run} is for choosing settings, judged on {', '.join(sorted(others))}; "
                 "nothing is packed")  # fmt: skip
    checkpoint = load_checkpoint(run)
    numbers = sum(tensor.numel() for tensor in checkpoint.model.state_dict().values())
    if 2 * numbers > LARGEST:
        sys.exit(f"{run} has {numbers:,} numbers of two bytes each, and a package may carry no "
                 f"more than the {LARGEST:,} bytes that were agreed on")  # fmt: skip
    save_checkpoint(place, checkpoint, half=True)
    about = {"held_out": ", ".join(HELD_OUT), "tags": len(checkpoint.tags)}
    newest = rows[-1] | {"judged": rows[-1]["tags"]}
    figures = {name: float(newest[name]) for name in SHOWN}
    card = (place / "README.md").read_text(encoding="utf-8")
    write_text(place / "README.md", card + CARD.format(**about, **figures))
    size = sum(path.stat().st_size for path in place.iterdir())
    print(f"{place}: {size / 1e6:.1f} MB")


def find_thresholds(art: Path, place: Path) -> None:
    """Write the thresholds of a packed tagger anew, from the illustrations that were held out."""
    found = find_best_thresholds(*score_held_out(art, place), shared_weight=SHARED_THRESHOLD)
    path = place / "tags.csv"
    TagSet.load(path).with_thresholds(found.tolist()).save(path)


def score_held_out(art: Path, place: Path = PLACE) -> tuple[Tensor, Tensor, Tensor]:
    """Let a tagger look at the illustrations of `HELD_OUT`.

    Returns:
        Scores, what is true, and what is known: pictures x tags of the tagger.
    """
    illustrated, _ = import_corpus(art / "labels.csv", vocabulary=art / "vocabulary.txt")
    sources = illustrated.column("source")
    judged = illustrated.with_column(
        "split", ["val" if source in HELD_OUT else "train" for source in sources]
    ).select("val")
    tagger = Tagger.load(place)
    scores = [list(tags.scores.values()) for tags in tagger.tag(judged.paths)]
    targets, known = torch.zeros(2, len(judged), len(tagger.checkpoint.tags), dtype=torch.bool)
    there = [name for name in tagger.checkpoint.tags.names if name in judged.tags]
    own, others = (
        [tags.index(name) for name in there] for tags in (tagger.checkpoint.tags, judged.tags)
    )
    targets[:, own] = torch.from_numpy(judged.compute_targets()[:, others])
    known[:, own] = torch.from_numpy(judged.compute_known()[:, others])
    return torch.tensor(scores), targets, known


def make_corpus(
    faces: Path, art: Path, drawn: Path, judged: tuple[str, ...] = HELD_OUT
) -> Manifest:
    """Put the three corpora together; illustrations of `HELD_OUT` are trained on in no case."""
    labelled, _ = import_corpus(faces, columns=COLUMNS, group_column="group", rules=SPELLING)
    illustrated, _ = import_corpus(art / "labels.csv", vocabulary=art / "vocabulary.txt")
    sources = illustrated.column("source")
    part = {**dict.fromkeys(HELD_OUT, "test"), **dict.fromkeys(judged, "val")}
    splits = [part.get(source, "train") for source in sources]
    characters, _ = import_corpus(drawn)
    parts = {
        "art": illustrated.with_column("split", splits).with_column("group", sources),
        "faces": train_on_all(split_manifest(labelled, val=0.0, test=0.0)),
        "drawn": train_on_all(characters),
    }
    return merge_manifests(parts)


def train_on_all(manifest: Manifest) -> Manifest:
    """Put every picture into the training split."""
    return manifest.with_column("split", ["train"] * len(manifest))


def judge(run: Path) -> dict[str, Any]:
    """Give the figures on the held out illustrations as a row."""
    evaluation = evaluate_run(run, split="val")
    manifest = Manifest.load(run / "manifest.parquet").select("val")
    table = pq.read_table(run / "scores-val.parquet")
    row = result_row(run, evaluation)
    judged = [tag for tag in evaluation["tags"] if tag["positives"]]
    row |= {"chance_map": evaluation["chance_map"], "tags": len(judged)}
    scores = np.stack([table.column(tag).to_numpy() for tag in manifest.tags.names], 1)
    return row | judge_colours(scores, manifest) | {"weights": hash_weights(run)}


def judge_colours(scores: np.ndarray, manifest: Manifest) -> dict[str, float]:
    """Say how often the first guess of the colour of hair and eyes is right, and of how many.

    Args:
        scores: pictures x tags of the manifest.
        manifest: the pictures.
    """
    asked, found = manifest.compute_known().any(0), {}
    for name in COLUMNS:
        # Colours that nobody looked for in any of these pictures are no answer either.
        own = [
            place for place, tag in enumerate(manifest.tags.names)
            if is_colour(tag, name) and asked[place]
        ]  # fmt: skip
        colours = [manifest.tags.names[place] for place in own]
        hits, pictures = count_hits(scores[:, own], manifest, colours)
        found |= {f"{name}_top1": 100 * hits / max(pictures, 1), f"{name}_pictures": pictures}
    return found


def hash_weights(run: Path) -> str:
    """Give the first digits of the SHA-256 of a run's weights."""
    weights = find_model_folder(run) / "model.safetensors"
    return hashlib.sha256(weights.read_bytes()).hexdigest()[:16]


def is_colour(tag: str, attribute: str) -> bool:
    """Say whether a tag is a colour of hair or eyes, as the faces have them."""
    names = "aqua black blonde blue brown green grey orange pink purple red white yellow".split()
    return tag.removesuffix(f"_{attribute}") in names and tag.endswith(f"_{attribute}")


def count_hits(scores: np.ndarray, manifest: Manifest, colours: list[str]) -> tuple[int, int]:
    """Count pictures of one certain colour, and those whose highest score is that colour's."""
    own = [manifest.tags.index(tag) for tag in colours]
    targets, known = manifest.compute_targets()[:, own], manifest.compute_known()[:, own]
    certain = (targets.sum(1) == 1) & known.all(1)
    best = scores[certain].argmax(1)
    return int(targets[certain, best].sum()), int(certain.sum())


if __name__ == "__main__":
    main()
