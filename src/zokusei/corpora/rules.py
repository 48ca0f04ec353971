"""Tag aliases and implications, as a file gives them, applied to what a corpus says."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from zokusei.corpora.lines import read_lines
from zokusei.corpora.problems import Problems
from zokusei.data.manifest import Box, Record
from zokusei.errors import DataError
from zokusei.tags import Tag, TagSet

_RULE = re.compile(
    r"(?:(?:create\s+)?(?:alias|imply|implication)\s+)?(\S+)\s*(?:->|=>|,|\t)\s*(\S+)",
    re.IGNORECASE,
)
_HEADER = ("antecedent", "antecedent_name", "alias", "from", "tag")


class TagRules:
    """Which names mean another tag, and which tags imply others.

    Args:
        aliases: `{"grey_hair_": "grey_hair"}`; the old name is replaced.
        implications: `{"cat_ears": ["animal_ears"]}`; what is implied is added.

    Raises:
        DataError: a name leads back to itself.

    >>> rules = TagRules({"neko_ears": "cat_ears"}, {"cat_ears": ["animal_ears"]})
    >>> rules.apply(["neko_ears", "smile"])
    ['cat_ears', 'smile', 'animal_ears']
    """

    def __init__(
        self,
        aliases: Mapping[str, str] | None = None,
        implications: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._aliases = {name: _follow(name, aliases or {}) for name in aliases or {}}
        direct: dict[str, list[str]] = {}
        for name, implied in (implications or {}).items():
            direct.setdefault(self.rename(name), []).extend(self.rename(tag) for tag in implied)
        self._implied = {name: _close(name, direct) for name in direct}

    @classmethod
    def load(cls, aliases: Path | None, implications: Path | None) -> "TagRules":
        """Read files of one rule a line: `old -> new`, `old,new`, or Danbooru's `alias a -> b`.

        A line of column names is passed over, and what stands behind `#` at a line's beginning.

        Raises:
            DataError: a file cannot be read, has a line of another form, or names two meanings of
                one alias.
        """
        meanings: dict[str, str] = {}
        for line, old, new in _read_rules(aliases):
            if meanings.setdefault(old, new) != new:
                raise DataError(
                    f"{aliases}, line {line}: {old} is an alias of {meanings[old]} and of {new}"
                )
        implied: dict[str, list[str]] = {}
        for _, tag, other in _read_rules(implications):
            implied.setdefault(tag, []).append(other)
        return cls(meanings, implied)

    def __bool__(self) -> bool:
        return bool(self._aliases or self._implied)

    def rename(self, tag: str) -> str:
        """Give the name that a name stands for."""
        return self._aliases.get(tag, tag)

    def implied_by(self, tag: str) -> Sequence[str]:
        """Give all that a tag implies, directly or through others."""
        return self._implied.get(tag, ())

    def join(self, other: "TagRules") -> "TagRules":
        """Give these rules and others as one; of two meanings of a name the other's counts."""
        aliases = {**self._aliases, **other._aliases}
        names = [*self._implied, *other._implied]
        implied = {name: [*self.implied_by(name), *other.implied_by(name)] for name in names}
        return TagRules(aliases, implied)

    def apply(self, tags: Iterable[str]) -> list[str]:
        """Give the tags under their names, each once, and behind them what they imply."""
        named = dict.fromkeys(self.rename(tag) for tag in tags)
        for tag in list(named):
            named.update(dict.fromkeys(self._implied.get(tag, ())))
        return list(named)

    def apply_to_vocabulary(self, tags: TagSet) -> TagSet:
        """Give a source's vocabulary under these names, with what is implied behind it."""
        of_name = {self.rename(tag.name): tag for tag in reversed(tags.tags)}
        names = self.apply(tags.names)
        return TagSet(tuple(replace(of_name.get(name, Tag(name)), name=name) for name in names))

    def apply_to(self, record: Record, problems: Problems) -> Record:
        """Give a record under these rules; contradictions are remarked, and the rule wins.

        A tag that somebody looked for and did not find, though another of the picture implies it,
        is a contradiction only where the source names what was looked for.
        """
        tags = self.apply(record.tags)
        known = record.known
        if known is not None:
            known = list(dict.fromkeys(self.rename(tag) for tag in known))
            own = {self.rename(tag) for tag in record.tags}
            denied = [tag for tag in tags if tag not in own and tag in known]
            for tag in denied:
                what = f"{tag} was looked for and not found, but another tag implies it"
                problems.remark(record.where or record.path, what)
        boxes = [Box(self.rename(box.tag), *box[1:]) for box in record.boxes]
        return replace(record, tags=tags, known=known, boxes=boxes)


def _read_rules(path: Path | None) -> Iterable[tuple[int, str, str]]:
    if path is None:
        return
    problems = Problems()
    for line, text in read_lines(path, problems):
        text = text.strip()
        match = _RULE.fullmatch(text)
        if text.startswith("#") or (match and line == 1 and match[1].strip('"') in _HEADER):
            continue
        if match is None:
            raise DataError(f"{path}, line {line}: {text!r} is no rule; write: old_tag -> new_tag")
        yield line, match[1].strip('",'), match[2].strip('"')
    if problems:
        raise DataError(f"{path} cannot be read as tag rules\n{problems.summary()}")


def _follow(name: str, aliases: Mapping[str, str]) -> str:
    passed = [name]
    while (following := aliases.get(passed[-1])) is not None:
        if following in passed:
            raise DataError(
                f"aliases go in a circle: {' -> '.join([*passed, following])}; remove one"
            )
        passed.append(following)
    return passed[-1]


def _close(name: str, direct: Mapping[str, Sequence[str]]) -> list[str]:
    """Give all that a tag implies, directly or through others."""
    found: dict[str, None] = {}
    waiting = list(direct[name])
    while waiting:
        tag = waiting.pop(0)
        if tag == name:
            raise DataError(f"implications go in a circle: {name} implies itself; remove one")
        if tag not in found:
            found[tag] = None
            waiting += direct.get(tag, ())
    return list(found)
