"""What the trainings need and nobody has made yet.

```
OUT/corpora/drawn/       drawn by the project itself
OUT/corpora/drawn-unseen/    in other styles, to judge on alone
OUT/corpora/danbooru/    the chosen part of a copy of Danbooru, as a manifest
OUT/cartoons/            Flickr8k's photographs, drawn
OUT/captioners/          see `captioners`
```
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from zokusei.corpora import Problems, explain_nothing
from zokusei.corpora.danbooru_subset import choose_subset, read_exclusions
from zokusei.corpora.drawn import write_drawn_corpus
from zokusei.data.manifest import Manifest
from zokusei.data.splits import split_manifest
from zokusei.environment import count_cores
from zokusei.errors import ConfigError, DataError
from zokusei.images.folders import find_images
from zokusei.inference.backends.torch import choose_device
from zokusei.reproduce.captioners import create_captioner_stage
from zokusei.reproduce.places import Places, Stage, Tools, find_weights
from zokusei.reproduce.scale import UNSEEN, Scale
from zokusei.stylize.folder import draw_folder
from zokusei.stylize.methods import create_stylizer
from zokusei.stylize.weights import import_weights
from zokusei.training.prepare import do_once

_UNSEEN_SEED = 1


def list_stages(
    scale: Scale, places: Places, corpora: Collection[str], captioners: Sequence[str]
) -> list[Stage]:
    """Give what must be there before classifiers learn, in order.

    Args:
        scale: the settings.
        places: where things are and go.
        corpora: that classifiers learn.
        captioners: whose captions they read, that of photographs first.
    """
    drawn, danbooru = places.find_corpus("drawn"), places.find_corpus("danbooru")
    stages = [_drawing_stage(scale, drawn, scale.drawn.count)]
    if "drawn" in corpora and scale.drawn.unseen:
        stages.append(_drawing_stage(scale, places.unseen, scale.drawn.unseen, UNSEEN))
    if "danbooru" in corpora:
        source = places.find_source("danbooru")
        stages.append(
            Stage(
                f"{scale.danbooru.pictures} pictures of Danbooru",
                str(source),
                danbooru,
                lambda: _has_subset(scale, danbooru),
                lambda tools: do_once(lambda: _choose(scale, source, danbooru, tools)),
            )
        )
    for name in captioners:
        if name == "adapted" and name not in places.captioners:
            stages.append(_cartoon_stage(scale, places))
        stages.append(create_captioner_stage(scale, places, name))
    return stages


def _drawing_stage(scale: Scale, folder: Path, count: int, styles: str = "trained") -> Stage:
    return Stage(
        f"{count} drawn pictures" + (f" of {styles} styles" if styles != "trained" else ""),
        "nothing",
        folder,
        lambda: _count_pictures(folder) == count,
        lambda tools: do_once(lambda: _draw(scale, folder, count, styles, tools)),
    )


def _cartoon_stage(scale: Scale, places: Places) -> Stage:
    photographs, cartoons = places.photographs, places.out / "cartoons"
    needs = "no weights"
    if scale.cartoons.method != "plain" and not _is_drawn(photographs, cartoons):
        needs = str(find_weights(places))
    return Stage(
        f"cartoons of the photographs ({scale.cartoons.method})",
        f"{photographs}, {needs}",
        cartoons,
        lambda: _is_drawn(photographs, cartoons),
        lambda tools: do_once(lambda: _cartoonize(scale, places, tools)),
    )


def _count_pictures(corpus: Path) -> int:
    manifest = corpus / "manifest.parquet"
    return len(Manifest.load(manifest)) if manifest.exists() else 0


def _draw(scale: Scale, folder: Path, count: int, styles: str, tools: Tools) -> None:
    # Of one seed, the same figures would be drawn in other styles, some of which were learnt.
    seed = _UNSEEN_SEED if styles == UNSEEN else 0
    with tools.counting("drawing", count) as progress:
        write_drawn_corpus(
            folder,
            count=count,
            size=scale.drawn.size,
            seed=seed,
            styles=styles,
            workers=count_cores(),
            progress=progress,
        )


def _has_subset(scale: Scale, folder: Path) -> bool:
    """Say whether the part is chosen.

    Raises:
        ConfigError: there is another one.
    """
    path = folder / "manifest.parquet"
    if not path.exists():
        return False
    manifest, asked = Manifest.load(path), scale.danbooru
    if (len(manifest), len(manifest.tags)) != (asked.pictures, asked.classes):
        raise ConfigError(
            f"{path} holds {len(manifest)} pictures and {len(manifest.tags)} tags, not "
            f"{asked.pictures} and {asked.classes}; choose another --out, or remove it"
        )
    return True


def _choose(scale: Scale, root: Path, folder: Path, tools: Tools) -> None:
    asked, problems = scale.danbooru, Problems()
    try:
        with tools.counting("reading metadata", None) as progress:
            subset = choose_subset(
                root,
                problems,
                classes=asked.classes,
                pictures=asked.pictures,
                labels_per_picture=asked.labels,
                excluded=read_exclusions(),
                progress=progress,
            )
    except DataError as error:
        raise explain_nothing(error, problems) from error
    manifest = Manifest.from_records(subset.records, subset.tags, root)
    split = split_manifest(manifest, val=asked.val, test=asked.test, seed=0)
    if problems:
        tools.tell(problems.summary())
    split.save(folder / "manifest.parquet")


def _is_drawn(photographs: Path, cartoons: Path) -> bool:
    return cartoons.is_dir() and all(
        (cartoons / path.relative_to(photographs)).exists() for path in find_images(photographs)
    )


def _cartoonize(scale: Scale, places: Places, tools: Tools) -> None:
    method, weights = scale.cartoons.method, Path()
    if method == "white-box":
        weights = find_weights(places)
        if weights.suffix != ".safetensors":
            source, weights = weights, places.out / "white-box.safetensors"
            import_weights(source, weights)
    draw, settings = create_stylizer(method, weights, choose_device("auto"))
    draw_folder(
        [places.photographs],
        places.out / "cartoons",
        draw,
        settings,
        size=scale.cartoons.size,
        tell=tools.tell,
        counting=tools.counting,
    )
