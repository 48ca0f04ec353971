"""The pictures that an export is compared and calibrated on: labelled, or a folder of any."""

from pathlib import Path

from zokusei.data.manifest import Manifest, Record
from zokusei.errors import ConfigError, DataError
from zokusei.images import find_images
from zokusei.tags import TagSet


def choose_pictures(
    run: Path,
    tags: TagSet,
    manifest: Path | str | None,
    folder: Path | str | None,
    *,
    calibrate: bool,
) -> tuple[Manifest, Manifest | None]:
    """Give the pictures to compare on, and other ones to calibrate on.

    Args:
        run: its manifest is taken unless another is given.
        tags: of the model.
        manifest: labelled pictures; its splits `val` and `train`.
        folder: pictures without labels; every second one is kept for calibration.
        calibrate: whether it is needed.

    Raises:
        ConfigError: a manifest and a folder are given.
        DataError: there are no pictures.
    """
    if folder is None:
        source = manifest or run / "manifest.parquet"
        compared = read_split(source, "val")
        return compared, read_split(source, "train") if calibrate else None
    if manifest is not None:
        raise ConfigError("give --manifest or --pictures, not both: pictures are compared once")
    found = _read_unlabelled(Path(folder), tags)
    if not calibrate:
        return found, None
    if len(found) < 2:
        raise DataError(
            f"{folder} holds one picture, and --int8 calibrates on other ones; add some"
        )
    # What is compared on must not be what the ranges were found on.
    half = found.with_column(
        "split", ["val", "train"] * (len(found) // 2) + ["val"] * (len(found) % 2)
    )
    return half.select("val"), half.select("train")


def read_split(manifest: Path | str, split: str) -> Manifest:
    """Read the pictures of a split.

    Raises:
        DataError: there are none, or the manifest is missing.
    """
    if not Path(manifest).is_file():
        raise DataError(
            f"{manifest} is not there, and an export is compared on pictures; give a run folder, "
            "--manifest FILE of labelled ones, or --pictures FOLDER of any"
        )
    pictures = Manifest.load(manifest).select(split)
    if not len(pictures):
        raise DataError(f"the split {split!r} of {manifest} holds no picture")
    return pictures


def _read_unlabelled(folder: Path, tags: TagSet) -> Manifest:
    """Give a manifest of which no tag is known.

    Raises:
        DataError: there are none.
    """
    paths = [path.relative_to(folder).as_posix() for path in find_images(folder)]
    if not paths:
        raise DataError(f"{folder} holds no picture to compare on")
    return Manifest.from_records((Record(path, [], known=[]) for path in paths), tags, folder)
