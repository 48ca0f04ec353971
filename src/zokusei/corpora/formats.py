"""Every form of a corpus that is understood, and how each is told from the others."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from zokusei.corpora import (
    coco,
    danbooru,
    deepdanbooru,
    flickr8k,
    imagefolder,
    kohya,
    sidecars,
    table,
    webdataset,
)
from zokusei.corpora.problems import Problems
from zokusei.data.manifest import Record, read_records
from zokusei.errors import ConfigError, DataError, suggest


@dataclass(frozen=True)
class Options:
    """What some forms let a caller say.

    Attributes:
        columns: of a table, see `read_table`.
        group_column: of a table.
        vocabulary: of a table: every tag that was looked for.
        ratings: of Danbooru, in words.
        rating_scheme: of Danbooru: `old` or `new`.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    group_column: str | None = None
    vocabulary: tuple[str, ...] | None = None
    ratings: tuple[str, ...] = ()
    rating_scheme: str | None = None


@dataclass(frozen=True)
class Format:
    """One form.

    Attributes:
        recognise: says whether a file or folder has it.
        read: gives the records; told the path, the problems, the pictures' folder, the options.
        find_pictures: gives the folder that file names are relative to, unless it is given.
    """

    recognise: Callable[[Path], bool]
    read: Callable[[Path, Problems, Path, Options], Iterator[Record]]
    find_pictures: Callable[[Path], Path]


def recognise(path: Path, name: str | None = None) -> tuple[str, Format]:
    """Give the form of a corpus: the one that is named, or the first that recognises it.

    Raises:
        ConfigError: there is no form of that name.
        DataError: nothing is there, or it has none of the forms.
    """
    if name is not None and name not in FORMATS:
        raise ConfigError(f"unknown format {name!r}{suggest(name, FORMATS)}")
    try:
        if not path.exists():
            raise DataError(
                f"{path} does not exist; give a manifest, a table or a folder of pictures"
            )
        if name in _ANYTHING:
            return name, FORMATS[name]
        asked = FORMATS if name is None else {name: FORMATS[name]}
        found = next((pair for pair in asked.items() if pair[1].recognise(path)), None)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; check the path") from error
    if found is None and name is not None:
        raise DataError(f"{path} does not look like {name}; leave --format out, or check it")
    if found is None:
        raise DataError(
            f"{path} has none of the known forms ({', '.join(FORMATS)}); docs/guides/data-sets.md "
            "shows what each looks like"
        )
    return found


def _table_of(path: Path) -> Path:
    """Give the one table of a folder."""
    tables = [path] if path.is_file() else _tables(path)
    if len(tables) > 1:
        names = ", ".join(file.name for file in tables)
        raise DataError(f"{path} holds several tables ({names}); name the one to read")
    if not tables:
        raise DataError(f"{path} holds no table")
    return tables[0]


def _tables(path: Path) -> list[Path]:
    return sorted(file for file in path.glob("*.csv") if file.is_file())


def _is_table(path: Path) -> bool:
    if path.is_dir():
        return bool(_tables(path))
    return path.suffix == ".csv" or table.is_jsonl(path)


def _folder_of(path: Path) -> Path:
    return path.parent if path.is_file() else path


def _read_table(path: Path, problems: Problems, images: Path, options: Options) -> Iterator[Record]:
    return table.read_table(
        _table_of(path),
        problems,
        images,
        columns=options.columns,
        group_column=options.group_column,
        vocabulary=options.vocabulary,
    )


def _read_danbooru(
    path: Path, problems: Problems, images: Path, options: Options
) -> Iterator[Record]:
    return danbooru.read_danbooru(
        path, problems, images, scheme=options.rating_scheme, ratings=options.ratings
    )


def _plain(
    read: Callable[[Path, Problems, Path], Iterator[Record]],
) -> Callable[[Path, Problems, Path, Options], Iterator[Record]]:
    return lambda path, problems, images, _: read(path, problems, images)


def _read_manifest(path: Path, _: Problems, __: Path, ___: Options) -> Iterator[Record]:
    return read_records(path)


_ANYTHING = ("folder", "table")  # whoever names these knows better than their guess

FORMATS: Mapping[str, Format] = {
    "manifest": Format(lambda path: path.suffix == ".parquet", _read_manifest, _folder_of),
    "danbooru": Format(danbooru.is_danbooru, _read_danbooru, danbooru.find_root),
    "deepdanbooru": Format(
        deepdanbooru.is_deepdanbooru,
        _plain(deepdanbooru.read_deepdanbooru),
        deepdanbooru.find_pictures,
    ),
    "flickr8k": Format(
        flickr8k.is_flickr8k, _plain(flickr8k.read_flickr8k), flickr8k.find_pictures
    ),
    "imagefolder": Format(
        imagefolder.is_imagefolder, _plain(imagefolder.read_imagefolder), _folder_of
    ),
    "webdataset": Format(
        webdataset.is_webdataset, _plain(webdataset.read_webdataset), webdataset.refuse_packed
    ),
    "coco": Format(coco.is_coco, _plain(coco.read_coco), coco.find_pictures),
    "kohya": Format(kohya.is_kohya, _plain(kohya.read_kohya), _folder_of),
    "table": Format(_is_table, _read_table, _folder_of),
    "folder": Format(Path.is_dir, _plain(sidecars.read_sidecars), _folder_of),
}
"""By name, in the order in which they are tried."""
