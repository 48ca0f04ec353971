"""What every request passes: who asks, how much is sent, and how long the answer took."""

import time
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zokusei.serving.rules import MIB, Answered, Rules

_WORTH_READING = 4  # times the limit: a sender that is cut off does not see the answer


class Gate:
    """Refuses what the rules do not allow, and tells of each answer.

    Args:
        app: what answers.
        rules: who may ask and how much.
        on_answer: told of each answer.
    """

    def __init__(
        self, app: ASGIApp, rules: Rules, on_answer: Callable[[Answered], None] | None
    ) -> None:
        self._app, self._rules, self._on_answer = app, rules, on_answer

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

        try:
            await self._answer(scope, receive, watch)
        finally:
            if self._on_answer is not None:
                path = scope.get("raw_path", scope["path"].encode()).decode("ascii", "replace")
                shown = "".join(sign if sign.isprintable() else "?" for sign in path[:100])
                count, seconds = state.get("pictures", 0), time.perf_counter() - began
                self._on_answer(Answered(scope["method"], shown, status, count, seconds))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, rules = Headers(scope=scope), self._rules
        refused = rules.refuse(headers.get("host", ""), headers.get("origin"))
        if refused is not None:
            await JSONResponse({"detail": refused}, 403)(scope, receive, send)
            return
        too_large = (
            f"a request may have {rules.most_bytes / MIB:g} MiB; send fewer or smaller pictures, "
            "or start the server with a larger --max-upload"
        )
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > rules.most_bytes:
            if int(announced) <= _WORTH_READING * rules.most_bytes:
                while (await receive()).get("more_body", False):
                    pass
            refusal = JSONResponse({"detail": too_large}, 413, {"Connection": "close"})
            await refusal(scope, receive, send)
            return
        received = 0

        async def count() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > rules.most_bytes:  # it did not say before how much it would send
                raise HTTPException(413, too_large, {"Connection": "close"})
            return message

        await self._app(scope, count, send)
