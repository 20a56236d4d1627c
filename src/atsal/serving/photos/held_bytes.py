"""How much memory the bodies of requests take."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import Request

from atsal.serving.photos.fair_queue import FullError


class HeldBytes:
    """Counts the bytes of all bodies that are held, and takes no more than `most`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.count = 0

    @contextmanager
    def of_one(self) -> Iterator["HeldBody"]:
        """Give what reads one body, which counts until the end of the block."""
        body = HeldBody(self)
        try:
            yield body
        finally:
            self.count -= body.count

    def add(self, count: int) -> None:
        """Count some more. Raises `FullError`."""
        if self.count + count > self._most:
            raise FullError(is_own=False)
        self.count += count


class HeldBody:
    """One body."""

    def __init__(self, all_bodies: HeldBytes) -> None:
        self._all = all_bodies
        self.count = 0

    async def read(self, request: Request) -> bytes:
        """Return the body of a request. Raises `FullError`, and ClientDisconnect where it does not come to its end."""
        parts = []
        async for part in request.stream():
            self._all.add(len(part))
            self.count += len(part)
            parts.append(part)
        return b"".join(parts)
