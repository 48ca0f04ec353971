"""Corpora: one module per source, each of which becomes one manifest."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from zokusei.corpora import deepdanbooru
from zokusei.corpora.danbooru import check_ratings
from zokusei.corpora.formats import FORMATS, Options, recognise
from zokusei.corpora.lines import is_text
from zokusei.corpora.problems import Problems
from zokusei.corpora.rules import TagRules
from zokusei.corpora.vocabulary import name_unknown_tags, read_vocabulary
from zokusei.data.manifest import Manifest, Record, read_header
from zokusei.errors import ConfigError, DataError
from zokusei.tags import TagSet

__all__ = [
    "FORMATS",
    "Corpus",
    "Problems",
    "TagRules",
    "explain_nothing",
    "find_manifest",
    "import_corpus",
    "open_corpus",
]

_TOGETHER = ("folder", "kohya")  # forms whose labels lie beside their pictures


@dataclass(frozen=True)
class Corpus:
    """A corpus that is about to be read.

    Attributes:
        format: its name among `FORMATS`.
        records: its pictures, read as they are asked for.
        tags: its vocabulary; None: every tag that occurs.
        root: folder that paths are relative to.
        problems: what was left out so far.
    """

    format: str
    records: Iterator[Record]
    tags: TagSet | None
    root: Path
    problems: Problems


def open_corpus(
    path: Path | str,
    *,
    format: str | None = None,  # noqa: A002
    images: Path | str | None = None,
    vocabulary: Path | str | None = None,
    rules: TagRules | None = None,
    progress: Callable[[int], None] | None = None,
    columns: Mapping[str, str] | None = None,
    group_column: str | None = None,
    ratings: tuple[str, ...] = (),
    rating_scheme: str | None = None,
) -> Corpus:
    """Recognise a corpus and begin to read it; memory does not grow with it.

    Args:
        path: a manifest, a table, a file of annotations or a folder; see `FORMATS`.
        format: name of its form, where it would be taken for another.
        images: folder that file names are relative to; found beside the corpus by default. For
            WebDataset, the folder to unpack into.
        vocabulary: file with one tag a line, or a `selected_tags.csv`; the manifest's vocabulary,
            in that order.
        rules: aliases and implications.
        progress: told after each picture.
        columns: see `read_table`.
        group_column: see `read_table`.
        ratings: see `read_danbooru`.
        rating_scheme: see `read_danbooru`.

    Raises:
        ConfigError: an option is impossible, or means nothing to a corpus of this form.
        DataError: there is nothing at `path`, or nothing that is understood.
    """
    path, problems = Path(path), Problems()
    check_ratings(ratings, rating_scheme)
    if format in (None, "manifest") and not (images or columns or group_column):
        path = find_manifest(path)
    name, form = recognise(path, format)
    refused = {
        "columns of attributes (--column)": bool(columns) and name != "table",
        "column of groups (--group)": bool(group_column) and name != "table",
        "ratings (--ratings)": bool(ratings) and name != "danbooru",
        "scheme of ratings (--rating-scheme)": bool(rating_scheme) and name != "danbooru",
        "other folder of pictures (--images)": name in _TOGETHER
        and images is not None
        and Path(images).resolve() != path.resolve(),
    }
    for option in (option for option, is_refused in refused.items() if is_refused):
        raise ConfigError(f"{path} is read as {name}, which takes no {option}; leave it out")
    tags = read_vocabulary(Path(vocabulary)) if vocabulary else None
    asked, own = tags.names if tags else None, None
    if name == "manifest":
        own, root = read_header(path)
        root = Path(images) if images else root
    else:
        root = Path(images) if images and name not in _TOGETHER else form.find_pictures(path)
    if name == "deepdanbooru":
        own = deepdanbooru.read_vocabulary(path)
    if rules and own is not None:
        own = rules.apply_to_vocabulary(own)
    tags = tags or own
    options = Options(columns or {}, group_column, asked, ratings, rating_scheme)
    records = _without_broken_text(form.read(path, problems, root, options), problems)
    if rules:
        records = (rules.apply_to(record, problems) for record in records)
    if tags is not None:
        records = name_unknown_tags(records, tags, problems)
    if progress is not None:
        records = _counted(records, progress)
    return Corpus(name, records, tags, root, problems)


def import_corpus(
    path: Path | str,
    *,
    images: Path | str | None = None,
    columns: Mapping[str, str] | None = None,
    group_column: str | None = None,
    vocabulary: Path | str | None = None,
    rules: TagRules | None = None,
) -> tuple[Manifest, Problems]:
    """Read labelled pictures, whatever of the known forms they have, into memory.

    Args:
        path: the manifest, table, file of annotations or folder.
        images: see `open_corpus`.
        columns: see `read_table`.
        group_column: see `read_table`.
        vocabulary: see `open_corpus`.
        rules: see `open_corpus`.

    Returns:
        The manifest, splits filled in only where the source names them, and what was left out.

    Raises:
        DataError: there is nothing at `path`, or it holds no labelled picture.
    """
    is_plain = not (images or columns or group_column or rules)
    path = find_manifest(Path(path)) if is_plain else Path(path)
    if is_plain and path.suffix == ".parquet" and path.exists():
        manifest = Manifest.load(path)
        tags = read_vocabulary(Path(vocabulary)) if vocabulary else None
        return (manifest.with_tags(tags) if tags else manifest), Problems()
    corpus = open_corpus(
        path,
        images=images,
        columns=columns,
        group_column=group_column,
        vocabulary=vocabulary,
        rules=rules,
    )
    try:
        return Manifest.from_records(corpus.records, corpus.tags, corpus.root), corpus.problems
    except DataError as error:
        raise explain_nothing(error, corpus.problems) from error


def find_manifest(path: Path) -> Path:
    """Give the manifest that a folder holds (a drawn corpus does), or else the path itself."""
    manifest = path / "manifest.parquet"
    try:
        return manifest if manifest.is_file() else path
    except OSError as error:  # a folder that may not be entered
        raise DataError(f"{path} cannot be read: {error.strerror}; check the path") from error


def explain_nothing(error: DataError, problems: Problems) -> DataError:
    """Give an error with what was left out below it, which is usually its reason."""
    return DataError(f"{error}\n{problems.summary()}".rstrip())


def _without_broken_text(records: Iterator[Record], problems: Problems) -> Iterator[Record]:
    """Leave out what no table can hold: names and labels that are not UTF-8."""
    for record in records:
        boxed = (box.tag for box in record.boxes)
        texts = (record.path, record.group, record.source, *record.tags, *record.captions)
        for text in (*texts, *(record.known or ()), *boxed):
            if not is_text(text):
                what = f"{text!r} is not UTF-8; rename or rewrite it"
                problems.add(record.where or record.path, what)
                break
        else:
            yield record


def _counted(records: Iterator[Record], progress: Callable[[int], None]) -> Iterator[Record]:
    for record in records:
        yield record
        progress(1)
