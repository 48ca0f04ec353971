"""WebDataset shards: `train-00000.tar` with `KEY.jpg`, `KEY.json`, `KEY.txt` a picture."""

import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path

from zokusei.corpora.export.pictures import Copier
from zokusei.corpora.problems import Problems
from zokusei.data.manifest import Record

_PICTURES_PER_SHARD = 1000


def write_webdataset(records: Iterable[Record], root: Path, out: Path, problems: Problems) -> int:
    """Write shards of a thousand pictures, those of a split together; how many pictures.

    The JSON holds everything; the text is the first caption, where there is one. The same records
    make the same bytes.
    """
    copier, shards, count = Copier(root, problems), dict[str, _Shards](), 0
    try:
        for record in records:
            source = copier.find(record)
            if source is None:
                continue
            key = copier.choose_name(record)
            about = {
                "tags": list(record.tags),
                "known": None if record.known is None else list(record.known),
                "captions": list(record.captions),
                "boxes": [list(box) for box in record.boxes],
                "split": record.split,
                "group": record.group,
                "source": record.source,
            }
            try:
                parts = {source.suffix.lower(): source.read_bytes()}
            except OSError as error:
                problems.add(source, f"cannot be read: {error.strerror}")
                continue
            parts[".json"] = json.dumps(about, ensure_ascii=False).encode()
            if record.captions:
                parts[".txt"] = record.captions[0].encode()
            of_split = shards.setdefault(record.split, _Shards(out, record.split or "all"))
            of_split.add({key + ending: content for ending, content in parts.items()})
            count += 1
    finally:
        for of_split in shards.values():
            of_split.close()
    return count


class _Shards:
    """The tar files of one split, one open at a time."""

    def __init__(self, out: Path, name: str) -> None:
        self._out, self._name, self._count = out, name, 0
        self._shard: tarfile.TarFile | None = None

    def add(self, parts: dict[str, bytes]) -> None:
        if self._shard is None or self._count % _PICTURES_PER_SHARD == 0:
            self.close()
            number = self._count // _PICTURES_PER_SHARD
            self._shard = tarfile.open(self._out / f"{self._name}-{number:05d}.tar", "w")  # noqa: SIM115
        for name, content in parts.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            self._shard.addfile(member, io.BytesIO(content))
        self._count += 1

    def close(self) -> None:
        if self._shard is not None:
            self._shard.close()
            self._shard = None
