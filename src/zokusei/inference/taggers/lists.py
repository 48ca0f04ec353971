"""What other taggers' lists of tags have in common: numbered names, categories by name."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from zokusei.errors import CheckpointError
from zokusei.tags import CATEGORIES, RATING, Tag, TagSet

_META = 5

CATEGORY_NUMBERS = {name: number for number, name in CATEGORIES.items()} | dict.fromkeys(
    ("quality", "model", "year"), _META
)
"""Danbooru's number of each category that lists name.

Danbooru has no categories for how good a picture is, what model made it and its year; like its
own meta tags they say something about the picture and not what is to be seen on it.
"""

_RATING = "rating_"

Entry = TypeVar("Entry")


def read_numbered(entries: Mapping[str, Entry], path: Path) -> list[Entry]:
    """Give the values of `"0"`, `"1"` and so on, in this order.

    Raises:
        CheckpointError: a number is left out, or a key is no number.

    >>> read_numbered({"1": "smile", "0": "1girl"}, Path("tags.json"))
    ['1girl', 'smile']
    """
    expected = [str(position) for position in range(len(entries))]
    missing = [number for number in expected if number not in entries]
    if missing:
        strange = next(key for key in entries if key not in set(expected))
        raise CheckpointError(
            f"{path} has {len(entries)} tags, but none of number {missing[0]}, and one of "
            f"{strange!r}; number them from 0 without gaps, as the graph's results are"
        )
    return [entries[number] for number in expected]


def create_tag_set(names: list[str], categories: list[str], path: Path) -> TagSet:
    """Build tags of names and categories as a list writes them.

    Blanks in names become underscores. The prefix of `rating_general` goes, unless another tag has
    the name that is left: the category says the same, and writers add what they need.

    Raises:
        CheckpointError: a category is not known.
        DataError: a name occurs twice or is empty.

    >>> tags = create_tag_set(["long hair", "rating_general"], ["General", "rating"], Path("a"))
    >>> [(tag.name, tag.category) for tag in tags]
    [('long_hair', 0), ('general', 9)]
    """
    names = ["_".join(name.split()) for name in names]
    taken = set(names)
    tags = []
    for name, category in zip(names, categories, strict=True):
        number = CATEGORY_NUMBERS.get(category.lower())
        if number is None:
            raise CheckpointError(
                f"{path} gives {name!r} the category {category!r}; zokusei knows "
                f"{', '.join(CATEGORY_NUMBERS)}: write one of these"
            )
        bare = name.removeprefix(_RATING)
        tags.append(Tag(bare if number == RATING and bare not in taken else name, number))
    return TagSet(tuple(tags))


def read_categories(names: list[str], of_tag: Mapping[str, str], path: Path) -> list[str]:
    """Give each tag's category, of a list that has them apart.

    Raises:
        CheckpointError: a tag has none.

    >>> read_categories(["smile", "1girl"], {"1girl": "general", "smile": "meta"}, Path("a"))
    ['meta', 'general']
    """
    without = [name for name in names if name not in of_tag]
    if without:
        raise CheckpointError(
            f"{path} gives no category to {len(without)} of its {len(names)} tags, such as "
            f"{without[0]!r}; write it under 'tag_to_category'"
        )
    return [of_tag[name] for name in names]


def check_threshold(value: object, path: Path, where: str) -> float:
    """Give a threshold that a file has.

    Raises:
        CheckpointError: it is no number between 0 and 1.

    >>> check_threshold("0.65", Path("a.txt"), "line 1")
    0.65
    """
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number <= 1:
        raise CheckpointError(
            f"{path}, {where}: a threshold is a number between 0 and 1, not {value!r}"
        )
    return number
