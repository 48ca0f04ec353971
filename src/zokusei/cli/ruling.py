"""How `zokusei tag --rules` applies a file of rules."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zokusei.errors import ConfigError, suggest

if TYPE_CHECKING:
    from zokusei.inference import Tags
    from zokusei.tags import TagSet


class Ruler:
    """Applies rules, where there are some, and keeps what each did where somebody asks.

    Args:
        path: the file.
        more: rules of `--rule`, which come after it.
        explain: whether `--explain-rules` was given.
        form: of `--json` or `--print`, whose lines stay as they are.

    Attributes:
        categories: of the model's tags, and of those that rules make of them.

    Raises:
        ConfigError: options do not go together, or the file is none of rules.
    """

    def __init__(
        self, path: Path | None, more: Sequence[str] = (), *, explain: bool, form: str | None = None
    ) -> None:
        from zokusei.inference.rules import Rules

        if explain and path is None and not more:
            raise ConfigError("--explain-rules is about --rules and --rule; add one")
        if explain and form is not None:
            raise ConfigError("--explain-rules and --json or --print both print; give one of them")
        self._path, self._explain = path or "--rule", explain
        self._rules = Rules.load(path, more) if path is not None or more else None
        self.categories: dict[str, str] = {}
        self._ratings: set[str] = set()

    @property
    def digest(self) -> str:
        """What tells these rules from others."""
        return "" if self._rules is None else self._rules.digest

    @property
    def places_rating(self) -> bool:
        """Whether captions are to have the rating, which they are without else."""
        return self._rules is not None and self._rules.rating is not None

    def meet(self, tags: "TagSet") -> None:
        """Take the model's categories, and tell of rules that can never do anything."""
        from zokusei.cli.console import tell
        from zokusei.tags import CATEGORIES, RATING

        self.categories = {tag.name: CATEGORIES.get(tag.category, "general") for tag in tags}
        if self._rules is None:
            return
        self.categories = self._rules.carry(self.categories)
        self._ratings = {
            name for name, kind in self.categories.items() if kind == CATEGORIES[RATING]
        }
        if self._rules.rating is not None and not self._ratings:
            tell(f"{self._path}: rating: this model has no ratings")
        for name in self._rules.find_unknown(tags):
            tell(f"{self._path}: {name!r} is no tag of this model{suggest(name, tags.names)}")

    def check(self, formats: Sequence[str]) -> None:
        """See that what rules make can be written, before any picture is looked at.

        Raises:
            ConfigError: a text format cannot hold one of the tags.
        """
        from zokusei.errors import DataError
        from zokusei.tag_text import PRESETS

        for name in () if self._rules is None else self._rules.made:
            for preset in (PRESETS[format_] for format_ in formats if format_ in PRESETS):
                try:
                    preset.write([name])
                except DataError as error:
                    raise ConfigError(f"{self._path}: {error}") from error

    def apply(self, tags: "Tags") -> tuple["Tags", Sequence[str]]:
        """Give a picture's tags under the rules, and what they did if that is asked for."""
        from zokusei.tags import find_rating

        if self._rules is None:
            return tags, ()
        ruled = self._rules.apply(tags.names, self.categories, tags.scores)
        rating = find_rating(ruled.names, self._ratings)
        tags = replace(tags, names=ruled.names, rating=rating)
        return tags, ruled.steps if self._explain else ()
