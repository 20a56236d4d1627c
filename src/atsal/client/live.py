"""Live frames: sent over a WebSocket as they come, while their regions come back."""

import asyncio
import json
import struct
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from numbers import Real
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from atsal.client.steps import Answer, BrokenError, problem_of, unreachable
from atsal.errors import ConfigError, MissingDependencyError, ServiceError, install_hint
from atsal.untrusted.text import escape_controls

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

TimedPicture = tuple[float, bytes]  # seconds since the start, and the bytes of a JPEG, PNG or WebP
_POLL_S = 0.1  # how often whoever waits for an answer looks whether the frames have ended


class LiveConnection:
    """A session that is open. One thread may send while another one receives."""

    def __init__(self, socket: "ClientConnection") -> None:
        self._socket = socket
        self._sent = self._answered = 0  # all frames before the latter are answered or dropped

    @property
    def is_answered(self) -> bool:
        """Whether no answer is on its way."""
        return self._answered == self._sent

    def send(self, frame: Any) -> bool:
        """Send a `TimedPicture`; return whether the session is open. Raises `ConfigError` for something else."""
        from websockets.exceptions import ConnectionClosed  # noqa: PLC0415 - see `connected`

        seconds, picture = frame
        if not isinstance(seconds, Real) or not isinstance(picture, bytes):
            raise ConfigError(
                f"a frame of {type(seconds).__name__} and {type(picture).__name__}: expected its seconds, and the "
                "bytes of a JPEG, PNG or WebP; encode pixels first"
            )
        self._sent += 1
        try:
            self._socket.send(struct.pack(">d", seconds) + picture)
        except ConnectionClosed:  # `receive` says why
            return False
        return True

    def receive(self) -> dict[str, Any] | None:
        """Return the next answer; None: there is none yet. Raises `ServiceError` once the session is closed."""
        from websockets.exceptions import ConnectionClosed  # noqa: PLC0415 - see `connected`

        try:
            answer = json.loads(self._socket.recv(timeout=_POLL_S))
        except TimeoutError:
            return None
        except ConnectionClosed as error:
            raise _ended(error.rcvd.code if error.rcvd else 0, error.rcvd.reason if error.rcvd else "") from error
        except ValueError as error:
            raise _no_answer() from error
        if not isinstance(answer, dict) or type(answer.get("frame")) is not int:
            raise _no_answer()
        self._answered = answer["frame"] + 1
        return answer


Connect = Callable[[], AbstractContextManager[LiveConnection]]


@contextmanager
def connected(address: str, **options: Any) -> Generator[LiveConnection]:
    """Open a session for the block. `options` are those of websockets.

    Raises `ServiceError`, also where the service sends to another host: frames go to the service alone.
    """
    try:
        from websockets.exceptions import InvalidStatus, WebSocketException  # noqa: PLC0415 - only `live` needs it
        from websockets.sync.client import connect  # noqa: PLC0415
    except ImportError as error:
        raise MissingDependencyError(f"live frames need another package: {install_hint('client')}") from error
    try:
        opening = connect(address, compression=None, **options)  # pictures are compressed already
    except InvalidStatus as error:
        found = error.response
        headers = {name.lower(): value for name, value in found.headers.raw_items()}
        raise problem_of(Answer(found.status_code, headers, bytes(found.body or b""))) from error
    except (OSError, WebSocketException) as error:
        raise unreachable(BrokenError(str(error) or type(error).__name__)) from error
    with opening as socket:
        _check_host(socket, address)
        yield LiveConnection(socket)


def follow(connect: Connect, frames: Iterable[TimedPicture]) -> Generator[dict[str, Any]]:
    """Send frames in a thread, and yield their answers. An error of `frames` comes after the answers before it."""
    with connect() as connection:
        sending = _in_thread(_send_all, connection, frames)
        while not (sending.done() and connection.is_answered):
            answer = connection.receive()
            if answer is not None:
                yield answer
        sending.result()


async def follow_async(connect: Connect, frames: AsyncIterable[TimedPicture]) -> AsyncGenerator[dict[str, Any]]:
    """Send frames in a task, and yield their answers, as `follow` does."""
    opening = connect()
    connection = await asyncio.to_thread(opening.__enter__)
    sending = asyncio.ensure_future(_send_all_async(connection, frames))
    try:
        while not (sending.done() and connection.is_answered):
            answer = await asyncio.to_thread(connection.receive)
            if answer is not None:
                yield answer
        await sending
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await asyncio.to_thread(opening.__exit__, None, None, None)


def _send_all(connection: LiveConnection, frames: Iterable[TimedPicture]) -> None:
    for frame in frames:
        if not connection.send(frame):
            return


async def _send_all_async(connection: LiveConnection, frames: AsyncIterable[TimedPicture]) -> None:
    async for frame in frames:
        if not await asyncio.to_thread(connection.send, frame):
            return


def _check_host(socket: "ClientConnection", address: str) -> None:
    """Raise `ServiceError` where websockets has followed a redirect to another host; it sends no token there."""
    asked, found = urlsplit(address), urlsplit(f"//{socket.request.headers['Host']}" if socket.request else "")
    if (found.hostname, found.port) != (asked.hostname, asked.port):
        raise ServiceError(
            escape_controls(
                f"the service sends live frames on to {found.netloc}; give the address of the service itself"
            )
        )


def _in_thread(call: Callable[..., None], *args: Any) -> "Future[None]":
    """Call a function in a thread that does not keep the program from ending, as where a camera gives no frame."""
    future: Future[None] = Future()

    def work() -> None:
        try:
            call(*args)
            future.set_result(None)
        except BaseException as error:  # raised again in the thread of the caller
            future.set_exception(error)

    threading.Thread(target=work, name="live", daemon=True).start()
    return future


def _no_answer() -> ServiceError:
    return ServiceError("what the service sends is no answer to a live frame; check the address")


def _ended(code: int, reason: str) -> ServiceError:
    if not code:
        return ServiceError("the connection to the live session was cut; begin a new one")
    return ServiceError(escape_controls(f"the live session was closed: {reason} (code {code})"), status=code)
