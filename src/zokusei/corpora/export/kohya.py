"""A folder as kohya's trainers read it: `1_pictures/a.png` with `a.txt` and `a.caption`."""

from collections.abc import Iterable
from pathlib import Path

from zokusei.corpora.export.pictures import Copier
from zokusei.corpora.problems import Problems
from zokusei.data.manifest import Record
from zokusei.tag_text import parse_tags, write_tag

FOLDER = "1_pictures"


def write_kohya(records: Iterable[Record], root: Path, out: Path, problems: Problems) -> int:
    """Write one folder; how many pictures.

    Tags are separated by a comma and a space, with spaces for underscores, in their order; no
    parenthesis is escaped, since the trainer takes names as they stand. Its reader refuses an
    empty file, so a picture without tags gets an empty line. Unknown tags, splits and boxes
    have no place in this form.
    """
    copier, folder, count = Copier(root, problems), out / FOLDER, 0
    partial = False
    for record in records:
        line = ", ".join(write_tag(tag) for tag in record.tags)
        if parse_tags(line) != list(record.tags):
            what = f"its tags cannot be written with commas: {', '.join(map(repr, record.tags))}"
            problems.add(record.path, what)
            continue
        name = copier.copy(record, folder)
        if name is None:
            continue
        (folder / name).with_suffix(".txt").write_text(f"{line}\n", encoding="utf-8", newline="")
        if record.captions:
            text = "".join(" ".join(caption.split()) + "\n" for caption in record.captions)
            (folder / name).with_suffix(".caption").write_text(text, encoding="utf-8", newline="")
        partial = partial or record.known is not None
        count += 1
    if partial:
        problems.remark(root, "unknown tags become absent: kohya folders cannot say unknown")
    return count
