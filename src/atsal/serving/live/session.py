"""A session: frames of one client, of which the newest is worked on, in a process of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from atsal.errors import InputError
from atsal.jobs.engine import Death
from atsal.serving.live.ending import FAULT, HUNG_UP, IDLE, NO_TEXT, TOO_LARGE, Ending
from atsal.serving.live.frame import parse_frame
from atsal.serving.live.settings import LiveSettings
from atsal.serving.warm_process import Answers, WarmProcess


class LiveSession:
    """Answers the frames of one WebSocket, which is open.

    A frame that arrives while another is worked on waits for its turn; a newer one takes its place.

    Args:
        websocket: where frames come from, and answers go to.
        prepare: returns, in the process, the function that takes a `LiveFrame` and returns its regions.
        settings: what a session may take.

    """

    def __init__(self, websocket: WebSocket, prepare: Callable[[], Answers], settings: LiveSettings) -> None:
        self._websocket, self._prepare, self._settings = websocket, prepare, settings
        self._thread = ThreadPoolExecutor(1, "live")  # waits for the process
        self._newest: tuple[int, bytes] | None = None
        self._has_newest = asyncio.Event()
        self._received = self._dropped = 0
        self._is_busy = False

    async def run(self) -> Ending:
        """Answer frames until the session ends; return why."""
        loop = asyncio.get_running_loop()
        process = await loop.run_in_executor(self._thread, WarmProcess, self._prepare, self._settings.limits)
        tasks = [asyncio.ensure_future(self._receive()), asyncio.ensure_future(self._answer(process))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(_ending(task) for task in tasks if task.done())
        finally:
            for task in tasks:
                task.cancel()
            process.kill()
            self._thread.submit(process.end)  # after the call that waits for the process
            await asyncio.gather(*tasks, return_exceptions=True)
            self._thread.shutdown(wait=False)

    async def _receive(self) -> None:
        """Take frames as they come; keep the newest. Raises `Ending`."""
        while True:
            message = await self._next_message()
            if len(message) > self._settings.frame_bytes:
                raise Ending(TOO_LARGE, f"a frame has at most {self._settings.frame_bytes} bytes")
            self._dropped += self._newest is not None
            self._newest = self._received, message
            self._received += 1
            self._has_newest.set()

    async def _next_message(self) -> bytes:
        message = None
        while message is None:
            try:
                async with asyncio.timeout(self._settings.idle_s):
                    message = await self._websocket.receive()
            except TimeoutError:
                if not self._is_busy and self._newest is None:  # else the client may wait for its answer
                    raise Ending(IDLE, f"no frame came for {self._settings.idle_s:g} s") from None
        if message["type"] == "websocket.disconnect":
            raise Ending(HUNG_UP, "")
        content: bytes | None = message.get("bytes")
        if content is None:
            raise Ending(NO_TEXT, "expected binary messages: 8 bytes of time, then a picture")
        return content

    async def _answer(self, process: WarmProcess) -> None:
        """Answer the newest frame, again and again. Raises `Ending`."""
        await self._in_thread(process.get_ready)
        while True:
            await self._has_newest.wait()
            self._has_newest.clear()
            newest, self._newest = self._newest, None
            if newest is not None:
                self._is_busy = True
                answer = {"frame": newest[0]} | await self._answer_frame(process, *newest)
                dropped, self._dropped = self._dropped, 0
                await self._send(answer | {"dropped": dropped})
                self._is_busy = False

    async def _answer_frame(self, process: WarmProcess, number: int, message: bytes) -> dict[str, Any]:
        """Return the time and the regions of a frame, or what is wrong with it. Raises `Ending`."""
        try:
            frame = parse_frame(number, message)
            return {"seconds": frame.seconds, "regions": await self._in_thread(process.ask, frame)}
        except InputError as error:
            return {"error": str(error)}

    async def _in_thread(self, call: Callable[..., Any], *args: Any) -> Any:
        """Wait for the process. Raises `Ending` if it ends."""
        found = await asyncio.get_running_loop().run_in_executor(self._thread, call, *args)
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
