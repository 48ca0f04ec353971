"""JSON: one object beside each picture."""

import json
from pathlib import Path
from typing import Any

from zokusei.errors import DataError
from zokusei.inference.tagger import Tags
from zokusei.tag_text import keep_new


class JsonSidecar:
    """Writes `NAME.EXT.json`: the object that `zokusei tag --json` prints.

    >>> sidecar = JsonSidecar()
    >>> sidecar.path_for(Path("a.png")).name
    'a.png.json'
    """

    def path_for(self, picture: Path) -> Path:
        """Name the file beside a picture."""
        return picture.with_name(f"{picture.name}.json")

    def compose(self, tags: Tags, before: bytes | None, existing: str) -> bytes | None:
        """Give the content of the file; None where it is to stay.

        `append` and `prepend` add tags, scores and members that are not there; `merge` writes all
        of ours anew. What else an object holds is kept, unless it is to be replaced.

        Raises:
            DataError: the file holds something else than an object with a list of tags.
        """
        record = tags.to_dict()
        if before is not None and existing == "skip":
            return None
        if before is not None and existing != "replace":
            old = _read(before, tags.path)
            joined = _join(old.get("tags", []), record["tags"], existing)
            scores = old.get("scores")
            if existing == "merge":
                record = {**old, **record}
            elif isinstance(scores, dict):
                record = {**record, **old, "scores": {**record["scores"], **scores}}
            else:
                record = {**record, **old}
            record["tags"] = joined
        text = json.dumps(record, ensure_ascii=False, indent=2)
        # Of a name that is no UTF-8, JSON holds the escapes.
        return f"{text}\n".encode("utf-8", "backslashreplace")


def _read(before: bytes, path: str) -> dict[str, Any]:
    try:
        old = json.loads(before)
    except ValueError as error:
        raise DataError(f"the JSON of {path} cannot be read: {error}; move it away") from error
    names = old.get("tags", []) if isinstance(old, dict) else None
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise DataError(
            f"the JSON of {path} is no object with a list of tags, so that nothing can be added to "
            "it; move it away, or give --existing replace"
        )
    assert isinstance(old, dict), "only objects have names"
    return old


def _join(old: list[str], new: list[str], existing: str) -> list[str]:
    new = keep_new(new, old)
    return list(dict.fromkeys([*new, *old] if existing == "prepend" else [*old, *new]))
