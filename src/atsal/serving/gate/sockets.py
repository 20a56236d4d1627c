"""WebSockets that are refused before the application sees them, with errors in this service's form."""

import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from atsal.serving.gate.envelope import DEFAULTS, HEADERS
from atsal.serving.problem_types import kind_of_status
from atsal.serving.problems import PROBLEM_MEDIA_TYPE, Problem, problem_document

LOG = logging.getLogger("atsal.serving")


class GuardedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's protocol, in which a handshake that fails is answered with a problem."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.conn.reject = partial(_reject, self.conn.reject)  # type: ignore[method-assign]


def _reject(reject: Callable[[int, str], Any], status: int, text: str) -> Any:
    """Return the answer to a handshake that fails; the library's own text may tell of its exceptions."""
    answer, kind, request = reject(status, text), kind_of_status(status), uuid4().hex
    LOG.info("a WebSocket is refused: %s", text.strip(), extra={"request_id": request})
    answer.body = json.dumps(problem_document(Problem(kind, kind.remedy), request)).encode()
    head = {**HEADERS, **DEFAULTS, "Content-Type": PROBLEM_MEDIA_TYPE, "Content-Length": str(len(answer.body))}
    for name, value in (head | {"X-Request-ID": request}).items():
        if name in answer.headers:
            del answer.headers[name]
        answer.headers[name] = value
    return answer
