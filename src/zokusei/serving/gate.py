"""What every request passes: who asks, how much is sent, and how long the answer took."""

import time
from collections.abc import Callable

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zokusei.serving.access import MIB, Access, Answered

_CLOSE = {"Connection": "close"}


class Gate:
    """Refuses what is not allowed, and tells of each answer.

    Args:
        app: what answers.
        access: who may ask and how much.
        on_answer: told of each answer.
    """

    def __init__(
        self, app: ASGIApp, access: Access, on_answer: Callable[[Answered], None] | None
    ) -> None:
        self._app, self._access, self._on_answer = app, access, on_answer
        self._under_way = 0
        # A sender that is cut off does not see the answer.
        self._worth_reading = 4 * access.most_bytes
        self._too_large = (
            f"a request may have {access.most_bytes / MIB:g} MiB; send fewer or smaller pictures, "
            "or start the server with a larger --max-upload"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500  # of an error that nobody foresaw
        state = scope.setdefault("state", {})

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._under_way += 1
        try:
            await self._answer(scope, receive, watch)
        finally:
            self._under_way -= 1
            if self._on_answer is not None:
                path = scope.get("raw_path", scope["path"].encode()).decode("ascii", "replace")
                shown = "".join(sign if sign.isprintable() else "?" for sign in path[:100])
                count, seconds = state.get("pictures", 0), time.perf_counter() - began
                self._on_answer(Answered(scope["method"], shown, status, count, seconds))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, access = Headers(scope=scope), self._access
        refused = access.refuse(headers.get("host", ""), headers.get("origin"))
        announced = headers.get("content-length", "")
        answer: ASGIApp
        if refused is not None:
            answer = JSONResponse({"detail": refused}, 403)
        elif self._under_way > access.most_requests:
            busy = f"no more than {access.most_requests} requests may wait; ask again later"
            answer = JSONResponse({"detail": busy}, 503, {"Retry-After": "1"})
        elif announced.isdecimal() and int(announced) > access.most_bytes:
            if int(announced) <= self._worth_reading:
                await _skip(receive, self._worth_reading)
            answer = JSONResponse({"detail": self._too_large}, 413, _CLOSE)
        else:
            answer, receive = self._app, self._count(receive)
        await answer(scope, receive, send)

    def _count(self, receive: Receive) -> Receive:
        """Watch a request that may not have said how much it sends."""
        received = 0

        async def count() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._access.most_bytes:
                if message.get("more_body", False):
                    await _skip(receive, self._worth_reading)
                raise HTTPException(413, self._too_large, _CLOSE)
            return message

        return count


async def _skip(receive: Receive, most: int) -> None:
    """Read the rest of a request and keep nothing."""
    message: Message = {"more_body": True}
    while message.get("more_body", False) and most > 0:
        message = await receive()
        most -= len(message.get("body", b""))
