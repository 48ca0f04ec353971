"""The HTTP application: two dialects that other programs speak, our own, and a page."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib.resources import files
from typing import Annotated, Any

from fastapi import (
    APIRouter,
    Depends,
    FastAPI,
    File,
    Form,
    HTTPException,
    Query,
    Request,
    UploadFile,
)
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zokusei.errors import ImageError, ZokuseiError
from zokusei.inference.tagger import Tags
from zokusei.serving.access import Access, Answered
from zokusei.serving.dialects import decode_base64, to_evaluation, to_interrogation
from zokusei.serving.gate import Gate
from zokusei.serving.model import ServedModel, Upload
from zokusei.tag_text import PRESETS
from zokusei.tags import CATEGORIES

# Nothing from elsewhere, whatever somebody manages to write into it.
_PAGE_MAY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

router = APIRouter()


def _get_model(request: Request) -> ServedModel:
    model: ServedModel = request.app.state.model
    return model


Model = Annotated[ServedModel, Depends(_get_model)]
Files = Annotated[list[UploadFile], File()]


class Interrogation(BaseModel):
    """What a client of the A1111 tagger asks; what else it sends is about other taggers."""

    model_config = ConfigDict(allow_inf_nan=False)

    image: str
    model: str | None = None
    threshold: float | None = Field(None, ge=0, le=1)
    queue: str | None = None


class Evaluation(BaseModel):
    """What a client of Danbooru's autotagger may ask in the address as well as in the form."""

    model_config = ConfigDict(allow_inf_nan=False)

    threshold: float | None = Field(None, ge=0, le=1)
    limit: int | None = Field(None, ge=1)
    format: str | None = None


def build(
    model: ServedModel, access: Access, on_answer: Callable[[Answered], None] | None
) -> FastAPI:
    """Build the application; see `zokusei.serving.create_app`."""
    # The pages that FastAPI makes of its routes load scripts from elsewhere.
    app = FastAPI(title="zokusei", openapi_url=None)
    app.state.model, app.state.access = model, access
    app.include_router(router)
    app.add_exception_handler(RequestValidationError, _explain_invalid)
    app.add_exception_handler(ImageError, _explain_unreadable)
    app.add_exception_handler(ZokuseiError, _explain_unable)
    app.add_exception_handler(Exception, _explain_bug)
    app.add_middleware(Gate, access=access, on_answer=on_answer)
    if access.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=access.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type"],
        )
    return app


@router.get("/")
async def show_page() -> HTMLResponse:
    """Give the page for people."""
    text = files("zokusei.serving").joinpath("page.html").read_text(encoding="utf-8")
    return HTMLResponse(text, headers={"Content-Security-Policy": _PAGE_MAY})


@router.get("/health")
async def describe(request: Request, model: Model) -> dict[str, Any]:
    """Say what answers here, without waiting for it."""
    return {
        "model": model.name,
        "description": model.description,
        "device": model.device,
        "loaded": model.is_loaded,
        "max_upload": request.app.state.access.most_bytes,
    }


@router.get("/tags")
async def list_tags(model: Model) -> list[dict[str, Any]]:
    """List what the model knows: name, category, threshold, and the text of a caption."""
    write = PRESETS["kohya"].write_one
    return [
        {
            "name": tag.name,
            "category": CATEGORIES.get(tag.category, "general"),
            "threshold": threshold,
            "text": write(tag.name),
        }
        for tag, threshold in zip(model.tags, model.thresholds, strict=True)
    ]


@router.post("/tag")
async def tag(request: Request, model: Model, file: Files) -> list[dict[str, Any]]:
    """Answer as `zokusei tag --json` prints."""
    return [
        {"path": name, "error": str(found)}
        if isinstance(found, ImageError)
        else replace(found, path=name).to_dict()
        for name, found in await _tag_uploads(request, model, file)
    ]


@router.post("/evaluate")
async def evaluate(
    request: Request,
    model: Model,
    file: Files,
    address: Annotated[Evaluation, Query()],
    threshold: Annotated[float, Form(ge=0, le=1, allow_inf_nan=False)] = 0.1,
    limit: Annotated[int, Form(ge=1)] = 50,
    format: Annotated[str, Form()] = "json",  # noqa: A002 - its clients call it so
) -> list[dict[str, Any]]:
    """Answer as Danbooru's autotagger, to which the address counts more than the form."""
    threshold = threshold if address.threshold is None else address.threshold
    limit = limit if address.limit is None else address.limit
    form = format if address.format is None else address.format
    if form != "json":
        raise HTTPException(422, f"there is no format {form[:40]!r} here; ask for format=json")
    return [
        {"filename": name, "error": str(found)}
        if isinstance(found, ImageError)
        else {"filename": name, "tags": to_evaluation(found, model.tags, threshold, limit)}
        for name, found in await _tag_uploads(request, model, file)
    ]


@router.post("/tagger/v1/interrogate")
async def interrogate(request: Request, model: Model) -> dict[str, Any]:
    """Answer as the tagger of the A1111 web UI."""
    # Whatever type it is said to be of: clients of its time did not have to say.
    try:
        asked = Interrogation.model_validate_json(await request.body())
    except ValidationError as error:
        raise HTTPException(422, _join(error.errors())) from error
    if asked.model and asked.model != model.name:
        raise HTTPException(
            404, f"there is no model {asked.model[:100]!r} here; there is: {model.name}"
        )
    if asked.queue:
        raise HTTPException(
            422, "there are no queues here: leave `queue` empty and wait for each answer"
        )
    request.state.pictures = 1
    (found,) = await asyncio.wrap_future(model.tag([Upload("", decode_base64(asked.image))]))
    if isinstance(found, ImageError):
        raise found
    return to_interrogation(found, model.tags, asked.threshold)


@router.get("/tagger/v1/interrogators")
async def list_models(model: Model) -> dict[str, list[str]]:
    """List the models by name; there is one."""
    return {"models": [model.name]}


@router.post("/tagger/v1/unload-interrogators")
async def unload(model: Model) -> str:
    """Free the model; the next picture loads it again."""
    there = await asyncio.wrap_future(model.unload())
    return f"{int(there)} model unloaded"


async def _tag_uploads(
    request: Request, model: ServedModel, sent: list[UploadFile]
) -> list[tuple[str, Tags | ImageError]]:
    """Tag what was sent.

    Raises:
        ImageError: none of it can be read.
    """
    request.state.pictures = len(sent)
    uploads = [Upload(file.filename or "", await file.read()) for file in sent]
    found = await asyncio.wrap_future(model.tag(uploads))
    errors = [one for one in found if isinstance(one, ImageError)]
    if len(errors) == len(found):
        raise ImageError("; ".join(map(str, errors)))
    return [(upload.name, one) for upload, one in zip(uploads, found, strict=True)]


def _join(errors: Iterable[Any]) -> str:
    """Make one line of what pydantic found."""
    lines = []
    for error in errors:
        place = ".".join(str(part) for part in error["loc"] if part not in ("body", "query"))
        given = error.get("input")
        is_short = isinstance(given, int | float | str) and len(str(given)) < 40
        shown = f", not {given!r}" if is_short and error["type"] != "json_invalid" else ""
        lines.append(f"{place}: {error['msg']}{shown}" if place else error["msg"])
    return "; ".join(lines)


async def _explain_invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return JSONResponse({"detail": _join(error.errors())}, 422)


async def _explain_unreadable(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 422)


async def _explain_unable(_: Request, error: Exception) -> JSONResponse:
    # The model cannot be loaded again: its folder was moved, or the device is gone.
    return JSONResponse({"detail": str(error)}, 503)


async def _explain_bug(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse(
        {"detail": f"an error inside of the server: {type(error).__name__}; its terminal has more"},
        500,
    )
