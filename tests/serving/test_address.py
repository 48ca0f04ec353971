"""Where the server listens, and for whom."""

import socket

import pytest

from zokusei.errors import ConfigError
from zokusei.serving.access import parse_origin
from zokusei.serving.address import bind


def test_a_port_of_ones_own_can_be_reached():
    with bind("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


def test_a_port_in_use_is_named():
    with bind("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} of '127.0.0.1' .* in use"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "a" * 70, "..."])
def test_addresses_that_are_not_of_this_machine(host):
    with pytest.raises(ConfigError, match="cannot be listened on"):
        bind(host, 0)


@pytest.mark.parametrize(
    "text",
    ["*", "null", "", "booru.example", "https://", "ftp://booru.example", "file:///a.html",
     "https://booru.example/posts", "https://me@booru.example", "https://booru.example?a"],
)  # fmt: skip
def test_origins_that_are_none(text):
    with pytest.raises(ConfigError, match="--origin is the address of a site"):
        parse_origin(text)
