"""What is named on the command line, as pictures."""

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zokusei.cli.keeping import Keeping
    from zokusei.cli.left_out import LeftOut
    from zokusei.inference import Picture
    from zokusei.inference.sources import Item


def offer(
    pictures: list[str], null: bool, left_out: "LeftOut", writing: "Keeping | None"
) -> Iterator[tuple["Picture", bool]]:
    """Give every picture, and whether it is to be tagged: not what was done before."""
    for item in list_items(pictures, null, left_out):
        yield item.picture, writing is None or writing.accept(item)


def list_items(pictures: list[str], null: bool, left_out: "LeftOut") -> Iterator["Item"]:
    """Give what the arguments mean; `-` stands for the names on stdin."""
    from zokusei.cli.console import tell
    from zokusei.cli.printing import printable
    from zokusei.images import ARCHIVE_SUFFIXES, VIDEO_SUFFIXES
    from zokusei.inference.sources import find_items, read_list

    def complain(path: Path, what: str) -> None:
        left_out.add(path, what)
        named = what if what.startswith(str(path)) else f"{path}: {what}"
        tell(f"not tagged: {printable(named)}")

    def names() -> Iterator[Path | str]:
        for given in pictures:
            if given == "-":
                yield from read_list(sys.stdin.buffer, zero=null)
            else:
                yield given

    return find_items(names(), complain, also=ARCHIVE_SUFFIXES | VIDEO_SUFFIXES)


def count_ahead(pictures: list[str], tell_total: Callable[[int], None]) -> None:
    """Count the pictures beside the work, so that time left can be shown; not those of stdin."""
    from zokusei.errors import ZokuseiError
    from zokusei.images import ARCHIVE_SUFFIXES, VIDEO_SUFFIXES
    from zokusei.inference.sources import find_items

    def count() -> None:
        try:
            also = ARCHIVE_SUFFIXES | VIDEO_SUFFIXES
            items = find_items(pictures, lambda *_: None, also=also)
            tell_total(sum(1 for _ in items))
        except ZokuseiError:
            return  # the work itself says it

    if "-" not in pictures and sys.stderr.isatty():
        threading.Thread(target=count, daemon=True).start()
