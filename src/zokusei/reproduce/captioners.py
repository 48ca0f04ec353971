"""The two captioners: trained where there are none, judged on drawn pictures.

```
OUT/captioners/NAME/      the run of a captioner
OUT/captions-NAME.json    what it says of the hundred pictures
OUT/captioners.csv        one row a captioner
```
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from zokusei.caption_checkpoint import load_caption_checkpoint
from zokusei.captioner_config import CaptionerConfig
from zokusei.config_file import load_config
from zokusei.data.manifest import Manifest
from zokusei.data.row_file import digest_weights
from zokusei.data.splits import split_manifest
from zokusei.errors import ConfigError
from zokusei.files import write_json
from zokusei.inference.captioner import Captioner
from zokusei.inference.evaluate_captions import judge_captions
from zokusei.reproduce.places import Places, Stage, Tools
from zokusei.reproduce.scale import BASIS, SUBJECT, Scale
from zokusei.results import append_result, read_results
from zokusei.training.captioner import train_captioner
from zokusei.training.prepare import HOW, do_once, refuse_another_run

_DIGEST = "weights="


def create_captioner_stage(scale: Scale, places: Places, name: str) -> Stage:
    """Give what trains a captioner, unless one is given, and judges it."""
    folder, config = places.find_captioner(name), _configure(scale, places, name)
    needs = str(folder)
    if config is not None:
        needs = config.data.path
        if config.start is not None:
            needs = f"{needs}, {config.data.images}, {config.start}"

    def run(tools: Tools) -> None:
        if config is not None:
            with tools.report_captioner() as reporter:
                train_captioner(config, folder, reporter, tools.tell, tools.counting)
        do_once(lambda: _judge_captioner(scale, places, name, tools))

    title = f"captioner, {name}, judged on at most {scale.captions.pictures} drawn pictures"
    return Stage(title, needs, folder, lambda: _has_captioner(places, name, config), run)


def _configure(scale: Scale, places: Places, name: str) -> CaptionerConfig | None:
    """Give the settings of a captioner's training; None where there is one already."""
    if name in places.captioners:
        return None
    given: dict[str, Any] = {"data.path": str(places.find_source("flickr8k"))}
    if name == "adapted":
        given |= {
            "data.images": str(places.out / "cartoons"),
            "start": str(places.find_captioner("photographs")),
            "pairs.photographs": str(places.photographs),
        }
    return scale.create_captioner_config(name, given)


def choose_pictures(names: Sequence[str], count: int) -> list[str]:
    """Choose some pictures by lot, the same at every run; all where there are no more.

    >>> choose_pictures(["a", "b", "c", "d"], 2)
    ['a', 'b']
    """
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(0))
    return [names[row] for row in sorted(order[:count].tolist())]


def _select_captioned(scale: Scale, corpus: Path) -> Manifest:
    """Give the drawn test pictures that captions are judged on: none that a classifier learnt."""
    plan = scale.create_plan("drawn", corpus, [BASIS], scale.seeds, {})
    data = plan.create_config(BASIS, scale.seeds[0]).data
    manifest = Manifest.load(corpus / "manifest.parquet")
    split = split_manifest(manifest, val=data.val, test=data.test, seed=data.split_seed)
    test = split.select("test")
    chosen = set(choose_pictures(test.column("path"), scale.captions.pictures))
    kept = [path in chosen for path in test.column("path")]
    return Manifest(test.table.filter(kept), test.tags, test.root)


def _judge_captioner(scale: Scale, places: Places, name: str, tools: Tools) -> None:
    """Have the hundred pictures captioned; leave the captions and a row."""
    folder = places.find_captioner(name)
    corpus = places.find_corpus("drawn")
    pictures = _select_captioned(scale, corpus)
    captioner = Captioner.load(folder)
    # What is judged are the captions that the classifiers' features are of.
    plan = scale.create_plan("drawn", corpus, [SUBJECT], scale.seeds, {})
    beam = plan.create_config(SUBJECT, scale.seeds[0]).captions.beam
    with tools.counting("captioning", len(pictures)) as progress:
        found = judge_captions(captioner, pictures, str(corpus), beam=beam, progress=progress)
    write_json(places.out / f"captions-{name}.json", found)
    model, size = captioner.checkpoint.model.arguments, captioner.checkpoint.preprocess.size
    rates = {key: rate for key, rate in found["metrics"].items() if key != "cider"}
    append_result(
        places.out / "captioners.csv",
        {
            **rates,
            "experiment": f"reproduce-{scale.name}",
            "corpus": "drawn",
            "split": "test",
            "model": f"captioner-{name}",  # a classifier's row may be called like it
            "preset": f"{model['backbone']}-{size}-beam{found['beam']}",
            "config": f"{folder.name} {_DIGEST}{digest_weights(captioner.checkpoint.model)}",
        },
    )
    figures = ", ".join(f"{rate:.1f}" for rate in rates.values())
    tools.tell(f"captioner, {name}: BLEU-1 to 4 {figures}")


_PLACES = ("data.path", "data.images", "start", "pairs.photographs")
"""Settings that say where things lie; the weights that were made of them are told by a digest."""


def _has_captioner(places: Places, name: str, config: CaptionerConfig | None) -> bool:
    """Say whether a captioner has its row.

    Raises:
        ConfigError: the row is another captioner's, or one with other settings.
    """
    path, folder = places.out / "captioners.csv", places.find_captioner(name)
    found = read_results(path) if path.exists() else []
    rows = [row for row in found if row["model"] == f"captioner-{name}"]
    if not rows:
        return False
    checkpoint = load_caption_checkpoint(folder)
    if not rows[0]["config"].endswith(_DIGEST + digest_weights(checkpoint.model)):
        raise ConfigError(
            f"{path} has the row of another captioner ({rows[0]['config']}) for {name}, not of "
            f"{folder}; give that one, or choose another --out"
        )
    if config is not None:
        settled = load_config(folder / "config.yaml", kind=CaptionerConfig)
        refuse_another_run(config, settled, folder, elsewhere=(*_PLACES, *HOW))
    return True
