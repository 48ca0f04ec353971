"""How `zokusei tag --hydrus` takes pictures from Hydrus, and gives it their tags."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import typer

from zokusei.errors import ConfigError

if TYPE_CHECKING:
    from zokusei.cli.keeping import WriteSettings
    from zokusei.cli.left_out import LeftOut
    from zokusei.inference import Tags
    from zokusei.inference.hydrus import Hydrus, HydrusFile


@dataclass(frozen=True)
class HydrusSettings:
    """What was asked for with `--hydrus` and around it."""

    url: str | None
    key: str | None
    search: str | None
    service: str | None
    mark: str | None = None

    def check(self, pictures: list[str], writing: "WriteSettings") -> bool:
        """Say whether Hydrus is meant, before anything is loaded.

        Raises:
            ConfigError: something is missing, or does not go with something else.
        """
        if self.url is None:
            if any(x is not None for x in (self.search, self.service, self.key, self.mark)):
                raise ConfigError(
                    "--search, --tag-service, --mark and --access-key need --hydrus URL"
                )
            if not pictures:
                raise ConfigError("name pictures, folders or patterns, - for a list, or --hydrus")
            return False
        if pictures:
            raise ConfigError(f"--hydrus takes pictures from Hydrus; leave {pictures[0]!r} away")
        if writing.write is not None:
            raise ConfigError("--hydrus sends tags to Hydrus; leave --write away")
        if self.search is None or self.service is None:
            raise ConfigError("--hydrus needs --search TAGS and --tag-service NAME")
        if self.mark is not None:
            from zokusei.inference.hydrus import check_mark

            check_mark(self.mark)
        return True

    def connect(self) -> "Hydrus":
        """Meet Hydrus.

        Raises:
            ConfigError: there is no access key.
            HydrusError: it does not answer, or refuses the key.
        """
        from zokusei.inference.hydrus import Hydrus

        key = self.key or os.environ.get("HYDRUS_ACCESS_KEY", "")
        if not key:
            raise ConfigError(
                "Hydrus needs --access-key KEY, or HYDRUS_ACCESS_KEY in the environment"
            )
        client = Hydrus(self.url or "", key.strip())
        client.check_key()
        return client


class Sending:
    """Sends results to Hydrus beside the work, and says at the end what was done.

    Args:
        settings: checked.
        categories: of the model's tags, and of those that rules make of them.
        model: its folder.
        writing: whether to send at all, and where to keep what is done.
        choices: further options that results depend on.
        left_out: told of files that could not be tagged.

    Attributes:
        count: files that the search found.
        seen: whether there was one that can be tagged.

    Raises:
        ConfigError: there is no such tag service.
        HydrusError: Hydrus does not answer.
    """

    def __init__(
        self,
        settings: HydrusSettings,
        categories: Mapping[str, str],
        model: str,
        writing: "WriteSettings",
        choices: Mapping[str, Any],
        left_out: "LeftOut",
    ) -> None:
        from zokusei.cli.keeping import default_state
        from zokusei.inference.collection import Behind
        from zokusei.inference.done import Done
        from zokusei.inference.hydrus import parse_search
        from zokusei.inference.model_hash import hash_model
        from zokusei.model_folder import TAGGER
        from zokusei.tag_text import PRESETS

        assert settings.search is not None, "it was checked"
        assert settings.service is not None, "it was checked"
        self._client, self._left_out, self._dry = settings.connect(), left_out, writing.dry_run
        self._service_name = settings.service
        self._service = self._client.find_service(settings.service)
        self._mark = settings.mark
        tags = parse_search(settings.search)
        self._numbers = found = self._client.search(tags)
        if self._mark is not None:
            self._numbers = self._client.search([*tags, f"-{self._mark}"])
        self._text = PRESETS["hydrus"]
        self._categories = categories
        # Every Hydrus gives its first tag service the same key.
        options = {
            "model": hash_model(model, TAGGER), "hydrus": self._service, "url": settings.url,
            **({} if self._mark is None else {"mark": self._mark}), **choices,
        }  # fmt: skip
        state = writing.state or default_state(None)
        self._done = Done(state / "done.sqlite", options, dry=writing.dry_run)
        self._behind = Behind["Tags"](self._send, lambda tags, e: self._lose(tags.path, str(e)))
        self._sent, self._done_before = 0, 0
        self._marked = len(found) - len(self._numbers)
        self.count, self.seen = len(self._numbers), self._marked > 0

    def __enter__(self) -> "Sending":
        self._behind.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._behind.__exit__(kind, error, traceback)
        finally:
            self._done.close()

    def offer(self) -> Iterator[tuple["HydrusFile", bool]]:
        """Give what the search found, and whether it is to be tagged."""
        for file in self._client.find_files(self._numbers, self._lose):
            self.seen = True
            # Who took the mark away wants it done again.
            done = self._mark is None and self._done.knows(self._name(file.hash), file.hash)
            self._done_before += done
            yield file, not done

    def put(self, tags: "Tags") -> None:
        """Hand over what was found in a file."""
        self._behind.put(tags)

    def drop(self, path: str) -> None:
        """Forget a file that cannot be read; there is nothing to forget."""

    def summarize(self) -> None:
        """Say what was done."""
        from zokusei.cli.console import tell

        would = "would be " if self._dry else ""
        tell(f"tags of {self._sent} files {would}added to {self._service_name!r}")
        if self._done_before:
            tell(f"{self._done_before} files were done before")
        if self._marked:
            tell(f"{self._marked} files have the tag {self._mark!r} already")

    def _send(self, tags: "Tags") -> None:
        from zokusei.cli.printing import printable
        from zokusei.inference.done import Mark

        # A line each, since that is what parts them in a file of Hydrus.
        names = self._text.write(tags.names, self._categories).split("\n") if tags.names else []
        names = [name for name in (*names, self._mark) if name]
        self._sent += 1
        if self._dry:
            typer.echo(f"add {tags.path}")
            for name in names:
                typer.echo(f"  + {printable(name)}")
            return
        if names:
            self._client.add_tags(tags.path, self._service, names)
        self._done.record(self._name(tags.path), Mark(tags.path, -1, -1))

    def _name(self, digest: str) -> Path:
        return Path(f"/hydrus/{self._service}/{digest}")

    def _lose(self, path: str, what: str) -> None:
        from zokusei.cli.console import tell

        self._left_out.add(path, what)
        tell(f"not tagged: {path}: {what}")
