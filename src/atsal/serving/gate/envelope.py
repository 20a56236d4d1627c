"""What is around each answer: the id of its request, the headers that bind browsers, and a problem for a fault."""

import json
import logging
import re
from contextvars import ContextVar
from functools import partial
from http import HTTPStatus
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atsal.serving.gate.refusals import send_problem
from atsal.serving.problem_types import INTERNAL
from atsal.serving.problems import PROBLEM_MEDIA_TYPE, Problem, problem_document, problem_of_status

REQUEST_ID: ContextVar[str] = ContextVar("atsal_request_id", default="")
CSP = "Content-Security-Policy"
_SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LOG = logging.getLogger(__name__)
_ANSWERS = ("http.response.start", "websocket.http.response.start")
_STARTS = (*_ANSWERS, "websocket.accept", "websocket.close")
_OF_BODIES = ("content-type", "content-length", "content-encoding")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
DEFAULTS = {  # an answer may state others
    CSP: "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
}


class Envelope:
    """Middleware for `app`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request_id = scope.setdefault("state", {})["request_id"] = request_id_of(scope)
        has_started = is_replaced = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_started, is_replaced
            if is_replaced:
                return
            problem = None if has_started else _problem_of_library(message, scope)
            has_started = has_started or message["type"] in _STARTS
            if problem is not None:
                await send_problem(problem, scope, receive, partial(_send_first, send, request_id))
                is_replaced = True
            else:
                await _send_first(send, request_id, message)

        REQUEST_ID.set(request_id)  # of the task of this request
        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            _LOG.exception("a fault of the service")
            if has_started or scope["type"] != "http":
                raise
            problem = Problem(INTERNAL, "tell whoever runs the service the request_id")
            await send_problem(problem, scope, receive, send_with_headers)


def _problem_of_library(message: Message, scope: Scope) -> Problem | None:
    """Return a problem for an error that a library answers in a form of its own; None for other messages."""
    if message["type"] == "websocket.close" and "websocket.http.response" in scope.get("extensions", {}):
        return problem_of_status(HTTPStatus.NOT_FOUND)  # Starlette refuses so what it has no route for
    if message["type"] not in _ANSWERS or message["status"] < HTTPStatus.BAD_REQUEST:
        return None
    headers = Headers(raw=message.get("headers", []))
    if headers.get("content-type") == PROBLEM_MEDIA_TYPE:
        return None
    kept = {name: value for name, value in headers.items() if name not in _OF_BODIES}
    return problem_of_status(message["status"], kept)


async def _send_first(send: Send, request_id: str, message: Message) -> None:
    if message["type"] in _ANSWERS:
        _add_headers(message, request_id)
    await send(message)


def raw_problem(problem: Problem) -> tuple[str, dict[str, str], bytes]:
    """Return the id of a request that no application sees, and the headers and body of the problem that answers it."""
    request = uuid4().hex
    body = json.dumps(problem_document(problem, request)).encode()
    head = {"Content-Type": PROBLEM_MEDIA_TYPE, "Content-Length": str(len(body)), "X-Request-ID": request}
    return request, HEADERS | DEFAULTS | head, body


def request_id_of(scope: Scope) -> str:
    """Return the id that the client gave its request, if it is a sane one, else a new one."""
    given = Headers(scope=scope).getlist("x-request-id")
    return given[0] if len(given) == 1 and _SANE_ID.fullmatch(given[0]) else uuid4().hex


def _add_headers(message: Message, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-ID"] = request_id
    for name, value in HEADERS.items():
        headers[name] = value
    for name, value in DEFAULTS.items():
        headers.setdefault(name, value)
