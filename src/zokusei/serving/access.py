"""Who may ask the server and how much: what a user decides, as plain values."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from zokusei.errors import ConfigError

MIB = 2**20


@dataclass(frozen=True)
class Access:
    """Who may ask and how much.

    Attributes:
        hosts: names the server answers to, in lower case; None for any. A page of another site can
            make its own name point at this machine, and then counts as the server's own page.
        origins: of pages that may use the server besides its own, each `scheme://host:port`.
        most_bytes: of one request.
        most_requests: that are under way at once; each may wait whole in memory.
    """

    hosts: frozenset[str] | None = None
    origins: tuple[str, ...] = ()
    most_bytes: int = 64 * MIB
    most_requests: int = 64

    def refuse(self, host: str, origin: str | None) -> str | None:
        """Say why a request is refused; None where it is not.

        Args:
            host: what the request calls the server, with or without a port.
            origin: of the page that asks; None where no page of a browser does.

        >>> access = Access(frozenset({"localhost", "127.0.0.1"}), ("https://booru.example",))
        >>> access.refuse("localhost:7860", None)
        >>> access.refuse("localhost:7860", "https://booru.example")
        >>> access.refuse("evil.example:7860", None)
        "this server answers to 127.0.0.1, localhost, not to 'evil.example'; ..."
        >>> access.refuse("localhost:7860", "https://evil.example")
        "pages of 'https://evil.example' may not use this server; start it with --origin ..."
        """
        name = strip_port(host)
        if self.hosts is not None and name not in self.hosts:
            return (
                f"this server answers to {', '.join(sorted(self.hosts))}, not to {name[:100]!r}; "
                "start it with --host to serve others than this machine"
            )
        if origin is None or origin in self.origins or _is_own(origin, host):
            return None
        return (
            f"pages of {origin[:100]!r} may not use this server; start it with --origin URL to "
            "allow those of one site"
        )


@dataclass(frozen=True)
class Answered:
    """What became of one request.

    Attributes:
        method: such as `POST`.
        path: as it was asked for, in printable ASCII.
        status: of the answer.
        pictures: that were asked about.
        seconds: from the request's first byte to the answer's last.
    """

    method: str
    path: str
    status: int
    pictures: int
    seconds: float


def strip_port(host: str) -> str:
    """Give the name in a Host header.

    >>> strip_port("LocalHost:7860"), strip_port("[::1]:7860"), strip_port("[::1]")
    ('localhost', '[::1]', '[::1]')
    """
    name, colon, port = host.strip().lower().rpartition(":")
    return name if colon and port.isdecimal() else host.strip().lower()


def _is_own(origin: str, host: str) -> bool:
    """Say whether a page came from the server; a proxy may have made https of it."""
    scheme, separator, own = origin.partition("://")
    return bool(separator) and scheme in ("http", "https") and own.lower() == host.strip().lower()


def parse_origin(text: str) -> str:
    """Read the address of a site whose pages may use the server, as browsers write it.

    Raises:
        ConfigError: it is none, or has more than scheme, host and port.

    >>> parse_origin("https://Booru.example/")
    'https://booru.example'
    """
    parts = urlsplit(text.removesuffix("/").lower())
    origin = f"{parts.scheme}://{parts.netloc}"
    is_whole = origin == text.removesuffix("/").lower() and "@" not in parts.netloc
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_whole:
        raise ConfigError(
            f"--origin is the address of a site, such as https://booru.example, not {text!r}"
        )
    return origin
