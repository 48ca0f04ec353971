"""The ways to draw a photograph, by name."""

import hashlib
from pathlib import Path

import torch

from zokusei.errors import ConfigError, suggest
from zokusei.stylize.folder import Draw
from zokusei.stylize.plain import Plain
from zokusei.stylize.weights import load_generator
from zokusei.stylize.white_box import WhiteBox

METHODS = ("white-box", "plain")


def create_stylizer(
    method: str, weights: Path, device: torch.device | str = "cpu"
) -> tuple[Draw, dict[str, str]]:
    """Give what draws, and what its drawings depend on.

    Args:
        method: `white-box`, or `plain`, which needs no weights.
        weights: of the White-box generator.
        device: where it computes.

    Raises:
        ConfigError: there is no such method.
        ModelError: the weights are missing or damaged.

    >>> create_stylizer("plain", Path("none"))[1]
    {'method': 'plain'}
    """
    check_method(method)
    if method == "plain":
        return Plain(), {"method": method}
    draw = WhiteBox(load_generator(weights), device=device)
    return draw, {"method": method, "weights": hashlib.sha256(weights.read_bytes()).hexdigest()}


def check_method(method: str) -> None:
    """See that there is such a way.

    Raises:
        ConfigError: there is none.
    """
    if method not in METHODS:
        raise ConfigError(f"unknown method {method!r}{suggest(method, METHODS)}")
