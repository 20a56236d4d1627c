"""Connections of HTTP/1.1: not too many, whose clients send the heads of requests and read the answers in time."""

import asyncio
import logging
import sys
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from atsal.serving.gate.envelope import raw_problem
from atsal.serving.gate.settings import GateSettings
from atsal.serving.problem_types import kind_of_status
from atsal.serving.problems import Problem

LOG = logging.getLogger("atsal.serving")
_LINGER_S = 2.0


class GuardedProtocol(H11Protocol):
    """uvicorn's protocol with limits of time, which it lacks, and with errors in this service's form."""

    def __init__(self, *arguments: Any, gate: GateSettings, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._gate = gate
        self._head_timer: asyncio.TimerHandle | None = None
        self._reading_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or refuse it where there are too many."""
        super().connection_made(transport)
        if self._is_too_many():
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections; close some, or try again later")
        else:
            self._watch_head()

    def data_received(self, data: bytes) -> None:
        """Take what the client sends."""
        super().data_received(data)
        self._watch_head()

    def on_response_complete(self) -> None:
        """End the connection soon where the answer did not wait for the whole body.

        Until then the rest is read and forgotten: who sends first and reads later, finds the answer.
        """
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self.loop.call_later(_LINGER_S, self._end_lingering, self.cycle)

    def pause_writing(self) -> None:
        """Wait for the client to read, but not for long."""
        super().pause_writing()
        self._reading_timer = self.loop.call_later(self._gate.read_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        super().resume_writing()
        if self._reading_timer is not None:
            self._reading_timer.cancel()

    def timeout_keep_alive_handler(self) -> None:
        """End a connection on which nothing happens, also where the client has not read all."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(self._gate.read_s, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection to the protocol of WebSockets."""
        self._stop_timer()
        super().handle_websocket_upgrade(event)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP/1.1, with the status that h11 proposes."""
        status = getattr(sys.exception(), "error_status_hint", HTTPStatus.BAD_REQUEST)
        self._refuse(HTTPStatus(status), msg)

    def _is_too_many(self) -> bool:
        address = self.client[0] if self.client else ""
        clients = [getattr(connection, "client", None) for connection in self.connections]  # with WebSockets
        own = sum(client is not None and client[0] == address for client in clients)
        is_one_client = address not in self._gate.proxies
        return len(clients) > self._gate.connections or (is_one_client and own > self._gate.connections_per_address)

    def _watch_head(self) -> None:
        """Begin to count the time while the head of a request is not complete, and stop when it is."""
        if self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            self._stop_timer()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self._gate.head_s, self._end_waiting)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end_waiting(self) -> None:
        if self.conn.our_state is h11.IDLE and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "the head of a request did not come in time")

    def _end_lingering(self, cycle: RequestResponseCycle) -> None:
        if self.cycle is cycle and self.conn.their_state is h11.SEND_BODY:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            request, head, body = raw_problem(Problem(kind_of_status(status), detail))
            LOG.info("a connection is refused: %s", detail, extra={"request_id": request})
            headers = [*head.items(), ("Connection", "close")]
            response = h11.Response(status_code=status.value, headers=headers, reason=status.phrase)
            for event in (response, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
