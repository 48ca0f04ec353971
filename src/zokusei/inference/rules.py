"""A file of rules for what a tagger says: renamed, dropped, added, put in order."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zokusei.config_file import read_yaml
from zokusei.corpora.rules import TagRules
from zokusei.errors import ConfigError, suggest
from zokusei.inference.rule_values import (
    add_rule,
    take_categories,
    take_choice,
    take_groups,
    take_map,
    take_names,
    take_one,
)
from zokusei.tags import CATEGORIES, RATING, TagSet

_KEYS = (
    "one_of", "aliases", "replace", "expand", "implications", "implied", "remove", "add", "order",
    "rating", "first",
)  # fmt: skip
_QUALIFIED = re.compile(r"(.+)_\(([^()]+)\)")


@dataclass(frozen=True)
class Ruled:
    """Tags after the rules, and what each rule did.

    Attributes:
        names: the tags, in order.
        steps: in words, in the order in which it happened.
    """

    names: tuple[str, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Rules:
    """Rules that are applied one kind after the other, in the order of these attributes.

    Attributes:
        one_of: groups of tags, by the model's names, of which a picture keeps the most probable;
            `*` stands for any signs.
        tags: aliases and implications; every name is replaced by the one it stands for.
        replace: tags that become others, none or several.
        expand: categories whose tags `name_(origin)` become `name` and `origin`; of several
            parentheses the last ones hold the origin.
        drop_implied: whether tags that another one implies go, or are added.
        remove: tags that go; `*` stands for any signs.
        add: tags that every picture gets, at the end.
        order: categories in the order they shall have; others follow.
        rating: `first` or `last`: the picture's rating is put there, and text captions, which are
            without it else, have it too.
        first: tags that come first where they are there, in this order.
        digest: SHA-256 of all that was read.
        aliased: names that aliases are written for in the file itself. Those of a file beside it
            are lists of a whole site, most of which no model knows.
        implying: the same of implications.

    >>> rules = Rules(replace={"hat": ("headwear",)}, remove=("*_background",), first=("solo",))
    >>> ruled = rules.apply(["hat", "white_background", "solo"], {})
    >>> ruled.names
    ('solo', 'headwear')
    >>> print(*ruled.steps, sep=", ")
    replace: hat becomes headwear, remove: white_background (*_background), first: solo
    """

    one_of: Sequence[Sequence[str]] = ()
    tags: TagRules = field(default_factory=TagRules)
    replace: Mapping[str, Sequence[str]] | None = None
    expand: Sequence[str] = ()
    drop_implied: bool = True
    remove: Sequence[str] = ()
    add: Sequence[str] = ()
    order: Sequence[str] = ()
    rating: str | None = None
    first: Sequence[str] = ()
    digest: str = ""
    aliased: Sequence[str] = ()
    implying: Sequence[str] = ()

    @classmethod
    def load(cls, file: Path | None, more: Sequence[str] = ()) -> "Rules":
        """Read a YAML file with some of the keys of the guide.

        Aliases and implications are written in it, or are the name of a file beside it of the form
        that `zokusei data import` reads.

        Args:
            file: its place; None for no file.
            more: YAML texts of the same form; what lists and maps of theirs hold comes on top.

        Raises:
            ConfigError: the file cannot be read, or a key or value is none.
            DataError: aliases or implications go in a circle, or their file cannot be read.
        """
        path = Path("--rule") if file is None else file
        values = {} if file is None else read_yaml(file)
        for text in more:
            values = add_rule(values, text)
        for key in values:
            if key not in _KEYS:
                raise ConfigError(f"{path}: unknown rule {key!r}{suggest(str(key), _KEYS)}")
        implied = take_choice(path, "implied", values)
        order, expand = (take_categories(path, key, values) for key in ("order", "expand"))
        files, given = [] if file is None else [file], {}
        for key in ("aliases", "implications"):
            if isinstance(values.get(key), str):
                given[key] = path.parent / values.pop(key)
                files.append(given[key])
        from_files = TagRules.load(given.get("aliases"), given.get("implications"))
        aliases = take_map(path, "aliases", values)
        implications = take_map(path, "implications", values)
        written = TagRules(
            {old: take_one(path, old, new) for old, new in aliases.items()}, implications
        )
        said = [file.read_bytes() for file in files] + [text.encode() for text in more]
        digest = hashlib.sha256(b"".join(said)).hexdigest()
        return cls(
            take_groups(path, "one_of", values), from_files.join(written),
            take_map(path, "replace", values), expand, implied != "add",
            take_names(path, "remove", values), take_names(path, "add", values), order,
            take_choice(path, "rating", values), take_names(path, "first", values), digest,
            tuple(aliases), tuple(implications),
        )  # fmt: skip

    @property
    def made(self) -> list[str]:
        """Tags that rules of the file itself give, which the model need not know.

        >>> Rules(replace={"hat": ("headwear",)}, add=("mine",)).made
        ['headwear', 'mine']
        """
        given = [self.tags.rename(name) for name in self.aliased]
        given += [name for names in (self.replace or {}).values() for name in names]
        given += [other for name in self.implying for other in self.tags.implied_by(name)]
        return list(dict.fromkeys([*given, *self.add]))

    def carry(self, categories: Mapping[str, str]) -> dict[str, str]:
        """Give the categories of new names, too: that of the tag which they replace.

        Args:
            categories: of every tag of the model, which keeps its own.

        >>> rules = Rules(replace={"skadi_(arknights)": ("skadi",), "skadi": ("woman",)})
        >>> rules.carry({"skadi_(arknights)": "character", "solo": "general"})["skadi"]
        'character'
        """
        carried: dict[str, str] = {}
        for name, category in categories.items():
            new = self.tags.rename(name)
            for other in (self.replace or {}).get(new, (new,)):
                parts = _QUALIFIED.fullmatch(other) if category in self.expand else None
                for part in (other,) if parts is None else (other, *parts.groups()):
                    carried.setdefault(part, category)
        return {**carried, **categories}

    def apply(
        self,
        names: Iterable[str],
        categories: Mapping[str, str],
        scores: Mapping[str, float] | None = None,
    ) -> Ruled:
        """Give what becomes of one picture's tags.

        Args:
            names: the tags, the most probable first; that order is kept where no rule changes it.
            categories: of each tag, as `carry` gives them; general where it is missing.
            scores: probability of each; without them the first of a group is the most probable.
        """
        steps: list[str] = []
        names = self._choose_one(list(names), scores or {}, steps)
        names = self._rename(names, steps)
        names = self._expand(names, categories, steps)
        names = self._imply(names, steps)
        names = self._remove(names, steps)
        for name in self.add:
            if name not in names:
                names.append(name)
                steps.append(f"add: {name}")
        if self.order:
            ranks = {category: rank for rank, category in enumerate(self.order)}
            before, last = list(names), len(ranks)
            names.sort(key=lambda name: ranks.get(categories.get(name, "general"), last))
            if names != before:
                steps.append(f"order: {', '.join(self.order)}")
        names = self._place_rating(names, categories, steps)
        there = [name for name in self.first if name in names]
        if there and names[: len(there)] != there:
            names = [*there, *(name for name in names if name not in there)]
            steps.append(f"first: {', '.join(there)}")
        return Ruled(tuple(names), tuple(steps))

    def _choose_one(
        self, names: list[str], scores: Mapping[str, float], steps: list[str]
    ) -> list[str]:
        for group in self.one_of:
            there = [name for name in names if any(_fits(name, one) for one in group)]
            if len(there) < 2:
                continue
            best = max(there, key=lambda name: scores.get(name, 0.0))
            steps += [f"one_of: {name} goes, {best} stays" for name in there if name != best]
            names = [name for name in names if name == best or name not in there]
        return names

    def _rename(self, names: Iterable[str], steps: list[str]) -> list[str]:
        renamed: dict[str, None] = {}
        for name in names:
            new = self.tags.rename(name)
            if new != name:
                steps.append(f"alias: {name} is {new}")
            others = (self.replace or {}).get(new)
            if others is not None:
                steps.append(f"replace: {new} becomes {', '.join(others) or 'nothing'}")
            renamed.update(dict.fromkeys((new,) if others is None else others))
        return list(renamed)

    def _expand(
        self, names: list[str], categories: Mapping[str, str], steps: list[str]
    ) -> list[str]:
        expanded: dict[str, None] = {}
        for name in names:
            parts = _QUALIFIED.fullmatch(name)
            if parts is None or categories.get(name, "general") not in self.expand:
                expanded[name] = None
            else:
                steps.append(f"expand: {name} becomes {parts[1]}, {parts[2]}")
                expanded.update(dict.fromkeys(parts.groups()))
        return list(expanded)

    def _imply(self, names: list[str], steps: list[str]) -> list[str]:
        implied: dict[str, str] = {}
        for name in names:
            for other in self.tags.implied_by(name):
                implied.setdefault(other, name)
        if self.drop_implied:
            gone = [name for name in names if name in implied]
            steps += [f"implied: {name} is dropped, {implied[name]} implies it" for name in gone]
            return [name for name in names if name not in implied]
        new = [name for name in implied if name not in names]
        steps += [f"implied: {name} is added, {implied[name]} implies it" for name in new]
        return [*names, *new]

    def _remove(self, names: list[str], steps: list[str]) -> list[str]:
        kept = []
        for name in names:
            by = next((pattern for pattern in self.remove if _fits(name, pattern)), None)
            if by is None:
                kept.append(name)
            else:
                steps.append(f"remove: {name}" + (f" ({by})" if by != name else ""))
        return kept

    def _place_rating(
        self, names: list[str], categories: Mapping[str, str], steps: list[str]
    ) -> list[str]:
        if self.rating is None:
            return names
        ratings = [name for name in names if categories.get(name) == CATEGORIES[RATING]]
        others = [name for name in names if name not in ratings]
        placed = [*ratings, *others] if self.rating == "first" else [*others, *ratings]
        if placed != names:
            steps.append(f"rating: {', '.join(ratings)} comes {self.rating}")
        return placed

    def find_unknown(self, tags: TagSet) -> list[str]:
        """Give the tags that rules wait for, and that neither the model nor a rule ever gives.

        >>> Rules(remove=("smle", "*_hat"), first=("hat",)).find_unknown(
        ...     TagSet.from_names(["smile", "hat"]))
        ['smle']
        """
        known = {self.tags.rename(name) for name in tags.names}
        of_groups = [name for group in self.one_of for name in group if "*" not in name]
        unknown = [name for name in (*of_groups, *self.aliased) if name not in tags]
        known |= {other for name in list(known) for other in self.tags.implied_by(name)}
        known |= {name for names in (self.replace or {}).values() for name in names}
        if self.expand:
            parts = (_QUALIFIED.fullmatch(name) for name in list(known))
            known |= {part for found in parts if found for part in found.groups()}
        unknown += [name for name in self.implying if self.tags.rename(name) not in known]
        waited = [*(self.replace or {}), *self.remove, *self.first]
        known |= set(self.add)
        unknown += [name for name in waited if "*" not in name and name not in known]
        return list(dict.fromkeys(unknown))


def _fits(name: str, pattern: str) -> bool:
    parts = (re.escape(part) for part in pattern.split("*"))
    return name == pattern or re.fullmatch(".*".join(parts), name) is not None
