"""A session: frames of one client, of which the newest is worked on, in a process of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from atsal.errors import InputError
from atsal.jobs.engine import Death
from atsal.serving.live.ending import FAULT, HUNG_UP, IDLE, NO_TEXT, TOO_LARGE, Ending
from atsal.serving.live.frame import LiveFrame
from atsal.serving.live.settings import LiveSettings
from atsal.serving.warm_process import TwoSteps, WarmProcess

_MOST_IN_PROCESS = 2  # frames: one is decoded while the network runs on the one before


class LiveSession:
    """Answers the frames of one WebSocket, which is open.

    A frame that arrives while others are worked on waits for its turn; a newer one takes its place.

    Args:
        websocket: where frames come from, and answers go to.
        prepare: returns, in the process, what answers a `LiveFrame` with its time and its regions.
        settings: what a session may take.

    """

    def __init__(self, websocket: WebSocket, prepare: Callable[[], TwoSteps], settings: LiveSettings) -> None:
        self._websocket, self._prepare, self._settings = websocket, prepare, settings
        self._threads = ThreadPoolExecutor(2, "live")  # one sends to the process, one waits for its answers
        self._newest: asyncio.Queue[LiveFrame] = asyncio.Queue(1)
        self._in_process: asyncio.Queue[int] = asyncio.Queue()
        self._room = asyncio.Semaphore(_MOST_IN_PROCESS)
        self._received = self._next_number = 0  # all frames before the next number are answered or dropped

    async def run(self) -> Ending:
        """Answer frames until the session ends; return why."""
        loop = asyncio.get_running_loop()
        process = await loop.run_in_executor(self._threads, WarmProcess, self._prepare, self._settings.limits)
        parts = (self._receive(), self._pass_on(process), self._answer(process))
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(_ending(task) for task in tasks if task.done())
        finally:
            for task in tasks:
                task.cancel()
            process.kill()
            loop.run_in_executor(None, self._end, process)
            await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self, process: WarmProcess) -> None:
        self._threads.shutdown()  # the calls that wait for the process have to return before its pipe is closed
        process.end()

    async def _receive(self) -> None:
        """Take frames as they come; keep the newest. Raises `Ending`."""
        while True:
            message = await self._next_message()
            if len(message) > self._settings.frame_bytes:
                raise Ending(TOO_LARGE, f"a frame has at most {self._settings.frame_bytes} bytes")
            if self._newest.full():
                self._newest.get_nowait()
            self._newest.put_nowait(LiveFrame(self._received, message))
            self._received += 1

    async def _next_message(self) -> bytes:
        message = None
        while message is None:
            try:
                async with asyncio.timeout(self._settings.idle_s):
                    message = await self._websocket.receive()
            except TimeoutError:
                if self._next_number == self._received:  # else the client may wait for its answer
                    raise Ending(IDLE, f"no frame came for {self._settings.idle_s:g} s") from None
        if message["type"] == "websocket.disconnect":
            raise Ending(HUNG_UP, "")
        content: bytes | None = message.get("bytes")
        if content is None:
            raise Ending(NO_TEXT, "expected binary messages: 8 bytes of time, then a picture")
        return content

    async def _pass_on(self, process: WarmProcess) -> None:
        """Give the newest frame to the process, again and again. Raises `Ending`."""
        await self._in_thread(process.get_ready)
        while True:
            await self._room.acquire()
            frame = await self._newest.get()
            self._in_process.put_nowait(frame.number)
            await self._in_thread(process.send, frame)

    async def _answer(self, process: WarmProcess) -> None:
        """Pass the answers of the process back. Raises `Ending`."""
        while True:
            number = await self._in_process.get()
            answer = {"frame": number} | await self._next_answer(process)
            self._room.release()
            await self._send(answer | {"dropped": number - self._next_number})
            self._next_number = number + 1

    async def _next_answer(self, process: WarmProcess) -> dict[str, Any]:
        """Return the time and the regions of a frame, or what is wrong with it. Raises `Ending`."""
        try:
            found: dict[str, Any] = await self._in_thread(process.receive)
        except InputError as error:
            return {"error": str(error)}
        return found

    async def _in_thread(self, call: Callable[..., Any], *args: Any) -> Any:
        """Wait for the process. Raises `Ending` if it ends."""
        found = await asyncio.get_running_loop().run_in_executor(self._threads, call, *args)
        if isinstance(found, Death):
            raise Ending(FAULT, f"the process of the session {found.reason}")
        return found

    async def _send(self, answer: dict[str, Any]) -> None:
        try:
            await self._websocket.send_json(answer)
        except WebSocketDisconnect:
            raise Ending(HUNG_UP, "") from None


def _ending(task: "asyncio.Future[None]") -> Ending:
    error = task.exception()
    if isinstance(error, Ending):
        return error
    raise error or RuntimeError("a session ended without a reason")
