"""Draw a small corpus, train on it, and list the tags that are learnt worst.

    python examples/2_train_and_judge.py FOLDER [key=value ...]

FOLDER gets the corpus and the run. Killed, the same command goes on.
"""

import sys
from pathlib import Path

from zokusei.cli.console import TrainingProgress
from zokusei.config_file import load_config
from zokusei.corpora.drawn import write_drawn_corpus
from zokusei.inference.evaluate import evaluate_run
from zokusei.training.classifier import train_classifier


def main(folder: str, *settings: str) -> None:
    corpus, run = Path(folder) / "corpus", Path(folder) / "run"
    write_drawn_corpus(corpus, count=300, size=96)
    config = load_config(None, [f"data.path={corpus}", "train.epochs=4", *settings])
    progress = TrainingProgress()
    try:
        train_classifier(config, run, progress, print)
    finally:
        progress.close()

    evaluation = evaluate_run(run)  # on the test split, which no choice was made by
    print(f"mAP {evaluation['metrics']['map']:.1f}")
    judged = [tag for tag in evaluation["tags"] if tag["ap"] is not None]
    for tag in sorted(judged, key=lambda tag: tag["ap"])[:5]:
        print(f"{tag['ap']:6.1f} {tag['name']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
