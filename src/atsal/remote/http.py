"""Files on HTTP servers: their facts and ranges of their bytes, through the session of fsspec's file system.

fsspec's own file object neither tries again, nor notices another version, nor a server that ignores ranges.
"""

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import IO, Any, TypeVar

from atsal.errors import MediaError
from atsal.remote.facts import Facts
from atsal.remote.filesystems import filesystem
from atsal.remote.retry import STALL_TIMEOUT_S, TransientError, changed_error
from atsal.remote.urls import shown_url

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+)")
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
_SLOWEST_BYTES = 1 << 18  # that must come in `STALL_TIMEOUT_S`: a server may send a byte now and then for ever
TOO_SLOW = f"no answer for {STALL_TIMEOUT_S:g} s, or less than {_SLOWEST_BYTES >> 10} KiB in that time"
_MOST_DIGITS = 15  # of a size: what has more fits on no disk
T = TypeVar("T")


def look(url: str) -> Facts:
    """Return the facts of a file, by asking for its first byte: signed URLs often refuse HEAD.

    Raises FileNotFoundError, `MediaError`, or `TransientError` if it may help to try again.
    """
    return _run(_look, url)


def read_range(url: str, facts: Facts, start: int, end: int) -> bytes:
    """Return the bytes [start, end) of the version that `facts` describes; raises as `look`."""
    return _run(_read_range, url, facts, start, end)


def download(url: str, facts: Facts) -> IO[bytes]:
    """Return a temporary file with the whole version that `facts` describes; raises as `look`."""
    file = tempfile.TemporaryFile(prefix="atsal-")  # noqa: SIM115 - the caller closes it
    try:
        _run(_download, url, facts, file)
    except BaseException:
        file.close()
        raise
    return file


def _run(function: Callable[..., Coroutine[Any, Any, T]], *arguments: Any) -> T:
    from fsspec.asyn import sync  # noqa: PLC0415 - optional

    result: T = sync(filesystem("http").loop, function, *arguments)
    return result


async def _look(url: str) -> Facts:
    async with _answer(url, "bytes=0-0") as (response, _):
        return _facts(response.status, response.headers, shown_url(url))


async def _read_range(url: str, facts: Facts, start: int, end: int) -> bytes:
    async with _answer(url, f"bytes={start}-{end - 1}") as (response, pieces):
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            raise changed_error(shown_url(url))
        _check_version(url, facts, response)
        found = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        if not found or found[1] is None or int(found[1]) != start:
            raise TransientError("the server sends another part than was asked for")
        content = bytearray()
        async for piece in pieces:
            content += piece
            if len(content) >= end - start:
                return bytes(content[: end - start])
    raise TransientError("the connection was cut")


async def _download(url: str, facts: Facts, file: IO[bytes]) -> None:
    if facts.size > shutil.disk_usage(tempfile.gettempdir()).free:
        raise _no_space(url, f"it has {facts.size} bytes, more than there is space")
    async with _answer(url, None) as (response, pieces):
        _check_version(url, facts, response)
        async for piece in pieces:
            try:
                file.write(piece)
            except OSError as error:
                raise _no_space(url, error.strerror) from None
    if file.tell() != facts.size:
        raise TransientError("the connection was cut")


def _no_space(url: str, reason: str | None) -> MediaError:
    return MediaError(
        f"{shown_url(url)}: the server sends no parts of files, so this one is copied to the temporary folder, and "
        f"that failed ({reason}); set TMPDIR to a folder with more space."
    )


@asynccontextmanager
async def _answer(url: str, byte_range: str | None) -> AsyncIterator[tuple[Any, AsyncIterator[bytes]]]:
    """Ask for a file: yield the response and the pieces of its content, neither of which may come too slowly.

    What goes wrong until the content is read becomes an error of this module.
    """
    import aiohttp  # noqa: PLC0415 - optional
    from yarl import URL  # noqa: PLC0415 - optional

    headers = {"Accept-Encoding": "identity"} | ({"Range": byte_range} if byte_range else {})
    try:
        session = await filesystem("http").set_session()
        async with (
            asyncio.timeout(STALL_TIMEOUT_S) as limit,
            session.get(URL(url, encoded="%" in url), headers=headers) as response,
        ):
            _check_status(response.status, shown_url(url))
            check_plain(response.headers, shown_url(url))
            yield response, pieces_in_time(response, limit)
    except TimeoutError:
        raise TransientError(TOO_SLOW) from None
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, aiohttp.TooManyRedirects, ValueError) as error:
        raise MediaError(
            f"{shown_url(url)}: leads to no file on an HTTP server ({type(error).__name__}); check the URL."
        ) from None
    except (aiohttp.ClientPayloadError, EOFError):
        raise TransientError("the connection was cut") from None
    except (aiohttp.ClientError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise TransientError(getattr(error, "strerror", None) or type(error).__name__) from None


async def pieces_in_time(response: Any, limit: asyncio.Timeout) -> AsyncIterator[bytes]:
    """Yield the content of an aiohttp response, and move the limit on time each time that enough of it has come."""
    count = due = 0
    async for piece in response.content.iter_any():
        count += len(piece)
        if count >= due:
            due = count + _SLOWEST_BYTES
            limit.reschedule(asyncio.get_running_loop().time() + STALL_TIMEOUT_S)
        yield piece


def check_plain(headers: Mapping[str, str], shown: str) -> None:
    """Refuse compressed content: nobody asked for it, and a little of it can fill the memory."""
    if (coding := headers.get("Content-Encoding", "identity").lower()) != "identity":
        raise MediaError(
            f"{shown}: the server sends it compressed ({coding[:20]!r}), unasked; expected the file itself. "
            "Download it first."
        )


def _check_status(status: int, shown: str) -> None:
    if status in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
        return
    answer = f"HTTP {status} {_phrase(status)}".rstrip()
    if status in TRANSIENT:
        raise TransientError(f"the server answers {answer}")
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        raise FileNotFoundError(shown)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise MediaError(
            f"{shown}: may not be read (the server answers {answer}). Check the URL, and whether its signature has "
            "expired; the password of a server belongs in ~/.netrc."
        )
    raise MediaError(f"{shown}: cannot be read (the server answers {answer}). Check the URL.")


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else ""


def _check_version(url: str, facts: Facts, response: Any) -> None:
    if not facts.is_same_version(_facts(response.status, response.headers, shown_url(url))):
        raise changed_error(shown_url(url))


def _facts(status: int, headers: Mapping[str, str], shown: str) -> Facts:
    total = _CONTENT_RANGE.match(headers.get("Content-Range", ""))
    size = total[2] if total else headers.get("Content-Length", "") if status == HTTPStatus.OK else ""
    if not (size.isascii() and size.isdecimal() and len(size) <= _MOST_DIGITS):
        raise MediaError(
            f"{shown}: the server does not say how long the file is, so its parts cannot be found. Download it first."
        )
    return Facts(int(size), headers.get("ETag"), headers.get("Last-Modified"), status != HTTPStatus.OK)
