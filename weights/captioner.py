"""Make the captioner that the package carries: photographs, cartoons of them, an adapted captioner.

    python weights/captioner.py --flickr8k FOLDER --white-box FILE [--ship RUN]

To be run in the project's folder. FOLDER is Flickr8k (`Images`, `Flickr8k.token.txt`, the lists of
its splits), FILE the White-box generator as `.tflite`, `.onnx` or `.safetensors`. What is made lies
in `runs` and `cartoons`; a stage that is done is skipped, and a killed one goes on. `--ship RUN`
only packs a run.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from zokusei.caption_checkpoint import load_caption_checkpoint, save_caption_checkpoint
from zokusei.files import write_text
from zokusei.report.sections import to_markdown
from zokusei.reproduce.tables import show_interval
from zokusei.results import read_results

ROOT = Path(__file__).parents[1]
PLACE = ROOT / "src" / "zokusei" / "weights" / "captioner"
RESULTS = ROOT / "benchmarks" / "results" / "captioner.csv"
PHOTOS, ADAPTED = Path("runs/captioner-photos"), Path("runs/captioner-cartoons")
CARTOONS, DRAWN = Path("cartoons/flickr8k"), Path("runs/drawn-captions")
JUDGED = DRAWN.with_suffix(".parquet")
LARGEST = 25_000_000

CARD = """
## What it was made from, and on what terms

- The 6,000 training photographs of Flickr8k (Hodosh, Young and Hockenmaier 2013) with five captions
  each, which are given out for non-commercial research and education; the photographs remain their
  photographers'.
- The same photographs as cartoon pictures, drawn with the White-box generator's published weights
  (Wang and Yu 2020), CC BY-NC-SA 4.0.
- An EfficientNet-Lite0 with ImageNet weights, which became the encoder: on cartoons it learnt to
  say what it had said of their photographs.

These weights are therefore given under CC BY-NC-SA 4.0, for non-commercial research and education,
and not under the licence of the code. The package holds no photograph and no cartoon.

## How good it is

On 1,000 test photographs that it never saw, on cartoons of them, and on drawn pictures; BLEU and
CIDEr of captions written freely, with 95 % intervals over pictures, from
`benchmarks/results/captioner.csv`:

{figures}
## Limits

It knows the {words} words and the scenes of Flickr8k: people and dogs outdoors, above all. Of an
illustration it says who is there and roughly what they do, not who drew it or what they are called,
and it is often wrong. Like its training captions it calls people men, women, boys and girls by
their looks.
"""


def main() -> None:
    """Run the stages, and pack the result."""
    parser = argparse.ArgumentParser(description="Make the captioner that the package carries.")
    parser.add_argument("--flickr8k", type=Path, default=Path("../shared/data/flickr8k"))
    parser.add_argument("--white-box", type=Path, default=Path("white-box.tflite"))
    parser.add_argument("--ship", type=Path, metavar="RUN", help="only pack this run")
    given = parser.parse_args()
    if given.ship is None:
        for command in list_stages(given.flickr8k, given.white_box):
            print("$", *command, flush=True)
            subprocess.run([sys.executable, *command], check=True)
    ship(given.ship or ADAPTED, PLACE, RESULTS)


def list_stages(flickr8k: Path, white_box: Path) -> list[list[str]]:
    """Give the commands, in their order."""
    photographs = flickr8k / "Images"
    zokusei = ["-m", "zokusei"]
    weights = (
        ["--weights", str(white_box)]
        if white_box.suffix == ".safetensors"
        else ["--import-weights", str(white_box)]
    )
    sets = [f"photographs={PHOTOS}", f"cartoons={ADAPTED}", f"drawn={JUDGED}"]
    return [
        [*zokusei, "train", "configs/captioner-photos.yaml", f"data.path={flickr8k}"],
        [*zokusei, "cartoonize", str(photographs), "-o", str(CARTOONS), *weights],
        [*zokusei, "train", "configs/captioner-cartoons.yaml", f"data.path={flickr8k}",
         f"pairs.photographs={photographs}"],
        [*zokusei, "data", "draw", str(DRAWN), "--count", "1000"],
        [*zokusei, "data", "import", str(DRAWN), str(JUDGED), "--val", "0", "--test", "0.5"],
        ["benchmarks/captioner.py", str(PHOTOS), str(ADAPTED),
         *(part for chosen in sets for part in ("--on", chosen))],
    ]  # fmt: skip


def ship(run: Path, place: Path, results: Path) -> None:
    """Put a run's captioner into the package, with a card that says what it is."""
    checkpoint = load_caption_checkpoint(run)
    save_caption_checkpoint(place, checkpoint)
    figures = to_markdown(list_figures(results, str(checkpoint.provenance["name"])))
    card = (place / "README.md").read_text(encoding="utf-8")
    words = len(checkpoint.vocabulary.words)
    write_text(place / "README.md", card + CARD.format(figures=figures, words=f"{words:,}"))
    size = sum(path.stat().st_size for path in place.iterdir())
    if size > LARGEST:
        sys.exit(
            f"{place} holds {size:,} bytes, more than the {LARGEST:,} that a package may carry"
        )
    print(f"{place}: {size / 1e6:.1f} MB")


def list_figures(results: Path, name: str) -> list[list[str]]:
    """Give the newest test figures of a captioner on each set of pictures."""
    rows = [row for row in read_results(results) if row["experiment"] == name]
    newest = {row["corpus"]: row for row in rows if row["split"] == "test"}
    if not newest:
        sys.exit(f"{results} holds no test figures of {name!r}; run benchmarks/captioner.py first")
    columns = {"BLEU-1": "bleu1", "BLEU-4": "bleu4", "CIDEr": "cider"}
    table = [["pictures", *columns]]
    for corpus, row in newest.items():
        cells = [
            show_interval(*(float(row[f"{column}{end}"]) for end in ("", "_low", "_high")))
            for column in columns.values()
        ]
        table.append([f"{row['pictures']} {corpus}", *cells])
    return table


if __name__ == "__main__":
    main()
