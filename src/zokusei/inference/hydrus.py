"""A Hydrus client through its API: files found by a search, tags added to a tag service.

Nothing is ever taken away: the only action that is sent adds tags, and tags that somebody deleted
stay deleted.
"""

import http.client
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from zokusei.errors import ConfigError, DataError, ImageError, ZokuseiError, suggest

PORT = 45869
"""Where Hydrus answers unless somebody changed it."""

_KEY = "Hydrus-Client-API-Access-Key"
_SECONDS = 60.0  # of silence; a large search takes some
_METADATA = 256  # files a request
_LOCAL_TAGS = 5  # the type of a tag service of one's own
_ADD = "0"
_PERMISSIONS = {2: "edit file tags", 3: "search for and fetch files"}
_MAX_BYTES = 512 << 20  # of an answer


class HydrusError(ZokuseiError):
    """Hydrus does not answer, or does not do what it is asked for."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class HydrusFile:
    """A picture in Hydrus; it is fetched whenever it is read, into memory.

    Attributes:
        client: where it is.
        hash: SHA-256 of its bytes in hexadecimal, which names it.
    """

    client: "Hydrus"
    hash: str

    def __str__(self) -> str:
        return self.hash

    def read(self) -> bytes:
        """Fetch the file.

        Raises:
            ImageError: Hydrus has no such file, or it is too large.
            HydrusError: Hydrus does not answer any more.
        """
        try:
            return self.client.fetch(self.hash)
        except DataError as error:
            raise ImageError(f"{self.hash} cannot be fetched: {error}") from error
        except HydrusError as error:
            if error.status in (404, 410):
                raise ImageError(f"{self.hash} cannot be fetched: {error}") from error
            raise


class Hydrus:
    """Talks to a Hydrus client.

    Args:
        url: `http://127.0.0.1:45869`, or as much of it as differs.
        key: an access key that may search for and fetch files, and edit file tags.

    Raises:
        ConfigError: the address is none.
    """

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        try:
            port = parts.port or PORT
        except ValueError:
            port = 0
        if parts.scheme not in ("http", "https") or not parts.hostname or not port:
            raise ConfigError(f"{url!r} is no address; give one like http://127.0.0.1:{PORT}")
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, port
        self.url = f"{parts.scheme}://{parts.hostname}:{port}"
        if not key.isascii() or not key.isalnum():
            raise ConfigError("the access key is none; copy it from Hydrus, 64 letters and digits")
        self._key = key

    def check_key(self) -> None:
        """See that Hydrus is there and that the key may do what is needed.

        Raises:
            HydrusError: one of them is not so.
        """
        try:
            found = self._get("/verify_access_key")
        except HydrusError as error:
            if error.status in (401, 403, 419):
                raise HydrusError(
                    f"Hydrus at {self.url} does not know this access key; copy it again from "
                    "services > review services > local > client api",
                    error.status,
                ) from error
            raise
        given = found.get("basic_permissions", [])
        lacking = [name for number, name in _PERMISSIONS.items() if number not in given]
        if lacking and not found.get("permits_everything"):
            raise HydrusError(
                f"the access key lacks the permission to {' and to '.join(lacking)}; "
                "grant it in Hydrus, services > review services > local > client api"
            )

    def find_service(self, name: str) -> str:
        """Give the key of a local tag service.

        Raises:
            ConfigError: there is none of this name.
            HydrusError: Hydrus does not answer.
        """
        services: Mapping[str, Mapping[str, Any]] = self._get("/get_services")["services"]
        known = {
            str(service["name"]): key
            for key, service in services.items()
            if service["type"] == _LOCAL_TAGS
        }
        if name not in known:
            raise ConfigError(
                f"Hydrus has no local tag service {name!r}{suggest(name, known)}; make it in "
                "services > manage services"
            )
        return known[name]

    def search(self, tags: Sequence[str]) -> list[int]:
        """Give the numbers of the files that have all of these tags.

        Args:
            tags: as in Hydrus's own search: `-` in front excludes, `system:` asks for other things.

        Raises:
            HydrusError: Hydrus does not answer, or does not understand the search.
        """
        found = self._get("/get_files/search_files", tags=list(tags))["file_ids"]
        return [int(number) for number in found]

    def find_files(
        self, numbers: Sequence[int], complain: Callable[[str, str], None]
    ) -> Iterator[HydrusFile]:
        """Give files by number, as they are needed.

        Args:
            numbers: what `search` gave.
            complain: told of files that are neither pictures nor videos.

        Raises:
            HydrusError: Hydrus does not answer.
        """
        for start in range(0, len(numbers), _METADATA):
            found = self._get(
                "/get_files/file_metadata",
                file_ids=list(numbers[start : start + _METADATA]),
                only_return_basic_information=True,
            )
            for record in found["metadata"]:
                kind = str(record.get("mime"))
                if kind.startswith(("image/", "video/")):
                    yield HydrusFile(self, str(record["hash"]))
                else:
                    complain(str(record["hash"]), f"is {kind}, neither picture nor video")

    def fetch(self, digest: str) -> bytes:
        """Give the bytes of a file.

        Raises:
            HydrusError: it is not there, or Hydrus does not answer.
        """
        return self._ask("GET", f"/get_files/file?hash={digest}")

    def add_tags(self, digest: str, service: str, tags: Sequence[str]) -> None:
        """Add tags to a file; those that are there stay, and deleted ones stay deleted.

        Args:
            digest: of the file.
            service: key of the tag service.
            tags: in Hydrus's own form.

        Raises:
            HydrusError: Hydrus does not answer or refuses.
        """
        body = {
            "hashes": [digest],
            "service_keys_to_actions_to_tags": {service: {_ADD: list(tags)}},
            # Without it, what a user deleted would come back with every run.
            "override_previously_deleted_mappings": False,
        }
        self._ask("POST", "/add_tags/add_tags", json.dumps(body).encode())

    def _get(self, path: str, **parameters: Any) -> dict[str, Any]:
        given = "&".join(f"{n}={quote(json.dumps(v), safe='')}" for n, v in parameters.items())
        answer = self._ask("GET", f"{path}?{given}" if given else path)
        try:
            found = json.loads(answer)
        except ValueError as error:
            raise HydrusError(f"{self.url} is no Hydrus: it answers {answer[:40]!r}") from error
        if not isinstance(found, dict) or "version" not in found:
            raise HydrusError(f"{self.url} is no Hydrus, or one too old: it says no version")
        return found

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Send a request of its own: several threads ask at once."""
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        # No proxy, and no redirection: the key is for Hydrus alone.
        connection = kind(self._host, self._port, timeout=_SECONDS)
        headers = {_KEY: self._key, "Content-Type": "application/json"}
        try:
            connection.request(method, path, body, headers)
            # Closed by itself: what is not read to its end would hold the socket.
            with connection.getresponse() as response:
                answer = response.read(_MAX_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise HydrusError(
                f"Hydrus does not answer at {self.url}: {error or type(error).__name__}; start it, "
                "and switch on its client API"
            ) from error
        finally:
            connection.close()
        if response.status != 200:
            raise HydrusError(
                f"Hydrus at {self.url} refuses {path.split('?')[0]} ({response.status}): "
                f"{_read_refusal(answer)}",
                response.status,
            )
        if len(answer) > _MAX_BYTES:
            raise DataError(f"Hydrus answers {path[:80]} with more than {_MAX_BYTES} bytes")
        return answer


def parse_search(text: str) -> list[str]:
    """Read what to search for, with commas between.

    Raises:
        ConfigError: there is nothing.

    >>> parse_search("1girl, -smile,system:inbox")
    ['1girl', '-smile', 'system:inbox']
    """
    tags = [tag.strip() for tag in text.split(",") if tag.strip()]
    if not tags:
        raise ConfigError("--search is empty; give tags, or system:everything")
    return tags


def check_mark(text: str) -> None:
    """Refuse what cannot be both a tag of Hydrus and a part of its search.

    Raises:
        ConfigError: it is empty, or would ask for something else.

    >>> check_mark("wd14:base")
    """
    if text != text.strip() or not text.isprintable() or not text:
        raise ConfigError(f"--mark {text!r} is no tag; give one such as wd14:base")
    if text.startswith(("-", "system:")) or set("*,") & set(text):
        raise ConfigError(
            f"--mark {text!r} would ask Hydrus for something else; give a tag such as wd14:base"
        )


def _read_refusal(answer: bytes) -> str:
    """Give what Hydrus says of an error, on one line."""
    try:
        text = str(json.loads(answer)["error"])
    except (ValueError, KeyError, TypeError):
        text = answer[:200].decode("utf-8", "replace")
    return " ".join(text.split())[:300] or "without a word"
