"""Preparing a run: the corpus imported, what was left open settled, both written down."""

import dataclasses
import json
import statistics
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import InitProcessGroupKwargs

from zokusei.config import Config
from zokusei.config_file import flatten, load_config, save_config
from zokusei.corpora import Problems, import_corpus
from zokusei.data.duplicates import regroup_near_copies
from zokusei.data.manifest import Manifest
from zokusei.data.row_file import Counting, no_counting
from zokusei.data.splits import count_splits, split_manifest
from zokusei.environment import count_cores, describe_environment
from zokusei.errors import ConfigError, DataError, ImageError
from zokusei.files import write_folder_whole, write_json
from zokusei.images import open_image
from zokusei.tags import TagSet

# A training sees about this many pictures when nobody says otherwise: some twenty minutes on two
# cores at 112 px, enough for the curve to flatten on a few thousand pictures.
_VIEWS = 80_000
_MIN_EPOCHS, _MAX_EPOCHS = 4, 40
_SIZE_STEP, _MIN_SIZE, _MAX_SIZE = 16, 96, 224
_SAMPLE = 100

# Settings that a run may be asked for without, and has once it is prepared.
_CHOSEN = {"out", "train.epochs", "preprocess.size", "augment.size"}

HOW = ("train.cache_gib", "train.workers", "train.save_minutes", "train.tensorboard")
"""How a run is computed, not what it computes: what ran out of memory may go on with less of it."""

CAPTIONER = "captioner.json"
"""In a run's folder: which captioner it began with, where it began with one."""

# Others wait while one process draws cartoons, writes captions or a report: libraries give up after
# minutes of that.
_PATIENCE = timedelta(days=1)

T = TypeVar("T")
AnyConfig = TypeVar("AnyConfig")


@dataclass(frozen=True)
class Run(Generic[AnyConfig]):
    """What a run folder begins with.

    Attributes:
        config: settled: nothing is left open.
        manifest: all splits, with the tags that are learnt.
        problems: what the import left out.
        is_new: whether the folder has yet to be written.
    """

    config: AnyConfig
    manifest: Manifest
    problems: Problems
    is_new: bool

    def save(self, folder: Path, more: Mapping[str, Any] | None = None) -> None:
        """Write the folder at once: killed here, a run has not begun, and can be begun again.

        Args:
            folder: of the run; empty or not there.
            more: what further JSON files hold, by name.
        """
        with write_folder_whole(folder) as fresh:
            if self.problems:
                self.problems.save(fresh / "errors.jsonl")
            self.manifest.save(fresh / "manifest.parquet")
            write_json(fresh / "environment.json", describe_environment())
            for name, content in (more or {}).items():
                write_json(fresh / name, content)
            save_config(self.config, fresh / "config.yaml")


def prepare_in_turn(prepare: Callable[[Accelerator], T], *, mixed_precision: str = "no") -> T:
    """Prepare a training in the first process, then in the others, which read what it has written.

    Args:
        prepare: is given devices, precision and processes.
        mixed_precision: as accelerate names it.
    """
    # One training's precision and devices must not bind the next one in the same process.
    AcceleratorState._reset_state()
    accelerator = Accelerator(
        mixed_precision=mixed_precision,
        kwargs_handlers=[InitProcessGroupKwargs(timeout=_PATIENCE)],
    )
    try:
        if accelerator.is_main_process:
            prepared = prepare(accelerator)
    finally:
        # Where it was refused the others find out by themselves, and all go on together.
        accelerator.wait_for_everyone()
    if not accelerator.is_main_process:
        prepared = prepare(accelerator)
    return prepared


def create_state() -> PartialState:
    """Give what is known of all processes of this program."""
    return PartialState(timeout=_PATIENCE)


def do_once(action: Callable[[], object]) -> None:
    """Do in the first process what several may not, while the others wait.

    Args:
        action: writes what they read afterwards; where it raises, they go on without it.
    """
    state = create_state()
    try:
        if state.is_main_process:
            action()
    finally:
        state.wait_for_everyone()


def refuse_uneven_batch(batch_size: int, processes: int) -> None:
    """See that each process gets as many pictures of a batch as the others.

    Raises:
        ConfigError: it cannot.
    """
    if batch_size % processes:
        raise ConfigError(
            f"train.batch_size = {batch_size} cannot be shared by {processes} processes; make it a "
            "multiple"
        )


def prepare_run(
    config: Config,
    folder: Path,
    tell: Callable[[str], None],
    counting: Counting = no_counting,
) -> Run[Config]:
    """Import the corpus and settle what was left open; nothing is written.

    A folder that holds this very run already is taken as it is, so that it can go on.

    Args:
        config: may leave size, epochs and smallest count open.
        folder: the run folder.
        tell: is told what was found and chosen.
        counting: shows how far near copies are looked for.

    Raises:
        ConfigError: the folder holds something else.
        DataError: the corpus cannot be used.
    """
    config_path = folder / "config.yaml"
    if config_path.exists():
        settled = load_config(config_path)
        refuse_another_run(config, settled, folder, elsewhere=HOW)
        settled = compute_as_asked(settled, config)
        return Run(settled, Manifest.load(folder / "manifest.parquet"), Problems(), is_new=False)
    refuse_other_files(folder)
    manifest, problems = _import(config, tell, counting)
    manifest = _drop_rare_tags(manifest, config, tell)
    config = _settle(config, manifest)
    counts = count_splits(manifest)
    shares = ", ".join(f"{count} {split}" for split, count in counts.items())
    tell(f"{len(manifest)} pictures ({shares}), {len(manifest.tags)} tags")
    tell(
        f"{config.model.name} on {config.model.backbone}, {config.preprocess.size} px "
        f"(training: {config.augment.size}), {config.train.epochs} epochs"
    )
    if problems:
        tell(problems.summary())
    return Run(config, manifest, problems, is_new=True)


def _import(
    config: Config, tell: Callable[[str], None], counting: Counting
) -> tuple[Manifest, Problems]:
    data = config.data
    if not data.path:
        raise ConfigError("data.path is empty; give a folder of pictures, a CSV or a manifest")
    manifest, problems = import_corpus(
        data.path,
        images=data.images,
        columns=data.columns,
        group_column=data.group_column,
        vocabulary=data.vocabulary,
    )
    if data.near_copies:
        manifest = _join_near_copies(manifest, tell, counting)
    manifest = split_manifest(manifest, val=data.val, test=data.test, seed=data.split_seed)
    counts = count_splits(manifest)
    for split in ("train", "val"):
        if not counts[split]:
            raise DataError(
                f"{data.path}: no picture is left for the split {split!r}; it names {counts}, and "
                f"data.val = {data.val:g} takes that share of what is not named or of training"
            )
    return manifest, problems


def _join_near_copies(
    manifest: Manifest, tell: Callable[[str], None], counting: Counting
) -> Manifest:
    """Put near copies into one group, and say how many there are."""
    paths, before = manifest.column("path"), manifest.column("group")
    with counting("looking for near copies", len(paths)) as progress:
        groups = regroup_near_copies(
            manifest.root, paths, before, workers=count_cores(), progress=progress
        )
    joined = len(set(before)) - len(set(groups))
    tell(f"near copies: {joined} of {len(set(before))} groups of pictures join another's split")
    return manifest.with_column("group", groups)


def _drop_rare_tags(manifest: Manifest, config: Config, tell: Callable[[str], None]) -> Manifest:
    """Leave out tags that too few training pictures have to be learnt."""
    counts = manifest.select("train").compute_targets().sum(axis=0)
    chosen = min(20, max(2, len(manifest) // 500))
    least = config.data.min_count or chosen
    kept = [tag for tag, count in zip(manifest.tags, counts, strict=True) if count >= least]
    dropped = [tag.name for tag in manifest.tags if tag not in kept]
    if dropped:
        names = ", ".join(dropped[:8]) + (", ..." if len(dropped) > 8 else "")
        tell(
            f"{len(dropped)} tags with fewer than {least} training pictures are left out "
            f"({names}); data.min_count sets the limit"
        )
    if not kept:
        raise DataError(
            f"none of the {len(dropped)} tags has {least} training pictures; label more pictures "
            "or lower data.min_count"
        )
    return manifest.with_tags(TagSet(tuple(kept)))


def _settle(config: Config, manifest: Manifest) -> Config:
    """Choose size and epochs from the data where they were left open."""
    pictures = count_splits(manifest)["train"]
    epochs = min(_MAX_EPOCHS, max(_MIN_EPOCHS, round(_VIEWS / pictures)))
    train, preprocess, augment = config.train, config.preprocess, config.augment
    if train.epochs is None:
        train = dataclasses.replace(train, epochs=epochs)
    size = preprocess.size or _choose_size(manifest)
    if augment.size is None:
        # With a second look the whole picture is seen at half of the size, and so are crops.
        seen = size // 2 if config.model.second_look else size
        smaller = max(_SIZE_STEP, round(seen * 7 / 8 / _SIZE_STEP) * _SIZE_STEP)
        crops = augment.crop == "random_resized_crop"
        augment = dataclasses.replace(augment, size=min(seen, smaller) if crops else seen)
    preprocess = dataclasses.replace(preprocess, size=size)
    return dataclasses.replace(config, train=train, preprocess=preprocess, augment=augment)


def _choose_size(manifest: Manifest) -> int:
    """Give about the pictures' own size, within what a backbone and two cores can do."""
    paths = manifest.paths
    sides = []
    for path in paths[:: max(1, len(paths) // _SAMPLE)]:
        try:
            sides.append(max(open_image(path).size))
        except ImageError:
            continue  # named later, when all pictures are read
    if not sides:
        raise DataError(f"none of the first pictures under {manifest.root} can be read")
    size = round(statistics.median(sides) / _SIZE_STEP) * _SIZE_STEP
    return int(min(_MAX_SIZE, max(_MIN_SIZE, size)))


def compute_as_asked(settled: Any, asked: Any) -> Any:
    """Give a run's settings, of whatever recipe, with those of `HOW` as they are asked for now."""
    now = {name: getattr(asked.train, name) for name in (key.split(".")[1] for key in HOW)}
    return dataclasses.replace(settled, train=dataclasses.replace(settled.train, **now))


def refuse_another_captioner(folder: Path, digest: str | None, setting: str) -> None:
    """See that a run goes on with the captioner that it began with, whatever lies at its path.

    Args:
        folder: of the run.
        digest: of the captioner that is there now; None for a run that has none.
        setting: that names it.

    Raises:
        ConfigError: it is another one.
    """
    path = folder / CAPTIONER
    if digest is None or not path.exists():
        return
    if json.loads(path.read_text(encoding="utf-8"))["digest"] != digest:
        raise ConfigError(
            f"{folder} began with another captioner than {setting} holds now; name the one it "
            f"began with ({setting}=RUN), or begin anew with --out FOLDER"
        )


def refuse_other_files(folder: Path) -> None:
    """See that a new run gets a folder of its own, which is then made at once.

    Raises:
        ConfigError: there is something else, or one stands in it.
    """
    if folder.resolve() == Path.cwd():
        raise ConfigError(f"{folder} is the current folder; name a new one with --out FOLDER")
    if folder.is_file() or (folder.exists() and any(folder.iterdir())):
        raise ConfigError(f"{folder} exists and is not a run; choose another with --out FOLDER")


def refuse_another_run(
    asked: object, settled: object, folder: Path, *, elsewhere: Collection[str] = ()
) -> None:
    """See that a run goes on only with the settings it was begun with.

    Args:
        asked: may leave open what preparing a run chooses.
        settled: of the run.
        folder: of the run.
        elsewhere: settings that may differ.

    Raises:
        ConfigError: a setting that is asked for is another one there.
    """
    had = flatten(settled)
    for key, value in flatten(asked).items():
        begun = had[key]
        is_open = key in elsewhere or (value is None and key in _CHOSEN)
        if value != begun and not is_open:
            raise ConfigError(
                f"{folder} holds a run with {key} = {begun!r}, not {value!r}; choose another "
                "folder with --out FOLDER, or remove it"
            )
