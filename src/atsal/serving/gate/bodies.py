"""Bodies of requests within their limits, from clients that go on sending.

uvicorn waits for a body without end. Here a request that is too large is refused before its body is read where its
header says so, and in the middle of it otherwise; one that stands still, or trickles, is ended.
"""

import asyncio
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atsal.serving.gate.refusals import send_problem
from atsal.serving.gate.settings import GateSettings
from atsal.serving.problem_types import TOO_LARGE, TOO_SLOW
from atsal.serving.problems import Problem


class BodyLimits:
    """Middleware for `app`; `most_bytes` tells how large the body of a request may be by its method and path."""

    def __init__(self, app: ASGIApp, settings: GateSettings, most_bytes: Callable[[str, str], int]) -> None:
        self._app = app
        self._settings = settings
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, self._settings, self._most_bytes(scope["method"], scope["path"]))
        if int(Headers(scope=scope).get("content-length", "0")) > body.most_bytes:
            body.refuse_size()
        has_started = False

        async def send_unless_refused(message: Message) -> None:
            nonlocal has_started
            if has_started or not body.problem:
                has_started = True
                await send(message)

        if not body.problem:
            await self._app(scope, body.receive, send_unless_refused)
        if body.problem and not has_started:
            await send_problem(body.problem, scope, receive, send)


class _Body:
    """The body of one request. After a problem, the application sees a client that has gone."""

    def __init__(self, receive: Receive, settings: GateSettings, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.problem: Problem | None = None
        self._receive = receive
        self._settings = settings
        self._is_complete = False
        self._bytes = 0
        self._waited_s = 0.0

    def refuse_size(self) -> None:
        """Note that the body is too large."""
        self.problem = Problem(TOO_LARGE, f"the body is larger than the limit of {self.most_bytes} bytes")

    async def receive(self) -> Message:
        """Return the next part of the body, or that the client has gone."""
        if self.problem:
            return {"type": "http.disconnect"}
        if self._is_complete:
            return await self._receive()
        message = await self._next_part()
        if message is None:
            self.problem = Problem(TOO_SLOW, "send the body without long pauses", headers={"Connection": "close"})
        else:
            self._bytes += len(message.get("body", b""))
            self._is_complete = not message.get("more_body", False)
        if self._bytes > self.most_bytes:
            self.refuse_size()
        return {"type": "http.disconnect"} if message is None or self.problem else message

    async def _next_part(self) -> Message | None:
        settings, clock = self._settings, asyncio.get_running_loop().time
        earned_s = settings.idle_s + self._bytes / settings.least_bytes_per_s
        began_s = clock()
        try:
            async with asyncio.timeout(min(settings.idle_s, earned_s - self._waited_s)):
                return await self._receive()
        except TimeoutError:
            return None
        finally:
            self._waited_s += clock() - began_s
