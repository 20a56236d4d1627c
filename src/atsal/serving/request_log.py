"""One line of the log and one count for each request."""

import logging
import time
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atsal.serving.metrics import Metrics
from atsal.untrusted.text import escape_controls

LOG = logging.getLogger("atsal.serving")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FREQUENT = frozenset({"/healthz", "/readyz", "/metrics"})  # asked by machines
_MOST_CHARACTERS = 200  # of a path


class RequestLog:
    """Middleware around all others."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and note how."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s, status, seconds = time.monotonic(), 0, 0.0

        async def note_status(message: Message) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status, seconds = message["status"], time.monotonic() - started_s
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            self._note(scope, status or HTTPStatus.INTERNAL_SERVER_ERROR, seconds or time.monotonic() - started_s)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self._metrics.count_request(method, getattr(scope.get("route"), "path", "none"), status, seconds)
        path = escape_controls(scope["path"][:_MOST_CHARACTERS])  # without the query, which may have secrets
        level = logging.DEBUG if path in _FREQUENT else logging.INFO
        request = scope.get("state", {}).get("request_id", "")
        LOG.log(level, "%s %s: %d after %.1f ms", method, path, status, 1000 * seconds, extra={"request_id": request})
