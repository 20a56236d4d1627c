"""WebSockets that are refused before the application sees them, with errors in this service's form."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from atsal.serving.gate.envelope import raw_problem
from atsal.serving.problems import problem_of_status

LOG = logging.getLogger("atsal.serving")


class GuardedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's protocol, in which a handshake that fails is answered with a problem."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.conn.reject = partial(_reject, self.conn.reject)  # type: ignore[method-assign]


def _reject(reject: Callable[[int, str], Any], status: int, text: str) -> Any:
    """Return the answer to a handshake that fails; the library's own text may tell of its exceptions."""
    answer = reject(status, text)
    request, head, answer.body = raw_problem(problem_of_status(status))
    LOG.info("a WebSocket is refused: %s", text.strip(), extra={"request_id": request})
    for name, value in head.items():
        if name in answer.headers:
            del answer.headers[name]
        answer.headers[name] = value
    return answer
