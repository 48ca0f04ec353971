"""Where a server listens."""

import ipaddress
import socket

from zokusei.errors import ConfigError

_OWN = frozenset({"localhost", "127.0.0.1", "[::1]"})


def bind(host: str, port: int) -> socket.socket:
    """Take a port before anything else is done, and listen on it.

    Args:
        host: name or address.
        port: 0 for any that is free.

    Raises:
        ConfigError: it is in use or not for us, or there is no such address.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"port {port} of {host!r} cannot be listened on: {reason}; give another --port, 0 for "
            "any that is free, or another --host"
        ) from error


def find_hosts(address: str) -> frozenset[str] | None:
    """Give the names to answer to where the server is bound; None for any.

    Args:
        address: an IP address as it is bound.

    >>> sorted(find_hosts("127.0.0.5"))
    ['127.0.0.1', '127.0.0.5', '[::1]', 'localhost']
    >>> find_hosts("0.0.0.0")
    """
    if not ipaddress.ip_address(address).is_loopback:
        return None
    return _OWN | {_bracket(address)}


def write_url(address: str, port: int) -> str:
    """Write where a browser of this machine finds the server.

    Args:
        address: an IP address as it is bound.
        port: of the server.

    >>> write_url("127.0.0.1", 7860), write_url("0.0.0.0", 7860), write_url("::1", 80)
    ('http://127.0.0.1:7860', 'http://127.0.0.1:7860', 'http://[::1]:80')
    """
    bound = ipaddress.ip_address(address)
    if bound.is_unspecified:  # all that this machine has
        address = "127.0.0.1" if bound.version == 4 else "::1"
    return f"http://{_bracket(address)}:{port}"


def _bracket(address: str) -> str:
    return f"[{address}]" if ":" in address else address
