"""A model that stays loaded and answers over HTTP: to programs in dialects they know, to people.

Routes, and the web framework with them, are imported when an application is made.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from zokusei.errors import MissingExtraError
from zokusei.serving.access import Access, Answered
from zokusei.serving.model import ServedModel, Upload

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = [
    "Access",
    "Answered",
    "ServedModel",
    "Upload",
    "check_web",
    "create_app",
]


def create_app(
    model: ServedModel,
    access: Access | None = None,
    on_answer: Callable[[Answered], None] | None = None,
) -> "FastAPI":
    """Build the application, for any server that runs ASGI applications.

    Args:
        model: what tags.
        access: who may ask and how much; by default any host, no foreign page.
        on_answer: told of each answer.

    Raises:
        MissingExtraError: FastAPI is not installed, or what it reads forms with.
    """
    check_web()
    from zokusei.serving.app import build

    return build(model, access or Access(), on_answer)


def check_web() -> None:
    """See that what serving needs is installed, before anything is loaded.

    Raises:
        MissingExtraError: it is not.
    """
    packages = {"fastapi": "fastapi", "python_multipart": "python-multipart", "uvicorn": "uvicorn"}
    for module, package in packages.items():
        try:
            import_module(module)
        except ImportError as error:
            raise MissingExtraError(package, "web", "serving a model") from error
