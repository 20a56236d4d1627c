"""Copy a file behind an allowed URL, from a public address only.

The address is checked where the connection is made, after the name was resolved: a name that resolves to another
address the next time, or a redirect, leads nowhere else. Redirects must lead to allowed URLs, too. Proxies, cookies and
passwords of the environment are not used.
"""

import asyncio
import shutil
import socket
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urljoin

from atsal.errors import MediaError, MissingDependencyError, install_hint
from atsal.jobs.atomic_write import atomic_file, output_errors, remove_leftovers
from atsal.remote.http import TOO_SLOW, TRANSIENT, check_plain, pieces_in_time
from atsal.remote.retry import CONNECT_TIMEOUT_S, STALL_TIMEOUT_S, TransientError, retried
from atsal.remote.urls import shown_url
from atsal.serving.kinds import Work
from atsal.serving.sources.allowed_urls import PlainUrl, allowed_url, parse_prefix
from atsal.serving.sources.public_addresses import is_public
from atsal.serving.sources.settings import SourceSettings

if TYPE_CHECKING:
    from aiohttp import ClientSession

_MOST_REDIRECTS = 5
_SHOW_EVERY_S = 5.0
MayConnect = Callable[[str], bool]


def resolves_publicly(host: str, port: int, may_connect: MayConnect = is_public) -> bool:
    """Whether a host has addresses now, all of them public."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(may_connect(str(address[0])) for *_, address in found)


def fetch_source(work: Work, settings: SourceSettings, show_life: Callable[[], None]) -> None:
    """Copy the source of a job that is behind a URL into the working folder, unless an earlier try has done so.

    Raises as `download`.
    """
    if work.url is not None and not Path(work.file).exists():
        remove_leftovers(Path(), work.file)  # of a try whose process was killed
        download(work.url, map(parse_prefix, settings.urls), Path(work.file), settings.file_bytes, show_life)


def download(
    text: str,
    prefixes: Iterable[PlainUrl],
    path: Path,
    most_bytes: int,
    show_life: Callable[[], None],
    may_connect: MayConnect = is_public,
) -> None:
    """Copy the file of a URL to `path`, and call `show_life` every few seconds meanwhile.

    Raises `ConfigError` for a URL that is not allowed, `MediaError` for one that cannot be read, comes too slowly, or
    is larger than `most_bytes` or the space on the disk, and `OutputError`.
    """
    prefixes = tuple(prefixes)
    url = allowed_url(text, prefixes)

    def copy() -> None:
        with atomic_file(path) as part, part.open("wb") as file:
            asyncio.run(_copy(url, prefixes, _Limited(file, most_bytes, show_life), may_connect))

    with output_errors(path):
        retried(copy, shown_url(text))


class _Limited:
    """A file that does not grow beyond a limit, and shows that it grows."""

    def __init__(self, file: IO[bytes], most_bytes: int, show_life: Callable[[], None]) -> None:
        self._file = file
        self._most_bytes = most_bytes
        self._show_life = show_life
        self._shown_s = time.monotonic()

    def write(self, piece: bytes) -> None:
        """Append a piece. Raises `MediaError` beyond the limit."""
        self._check(self._file.tell() + len(piece))
        self._file.write(piece)
        if time.monotonic() - self._shown_s > _SHOW_EVERY_S:
            self._shown_s = time.monotonic()
            self._show_life()

    def expect(self, size: int | None) -> None:
        """Take the size that a server states. Raises `MediaError` beyond the limit, or the space on the disk."""
        self._check(size or 0)
        if size is not None and size > shutil.disk_usage(self._file.name).free:
            raise MediaError(f"the file behind the URL has {size} bytes, more than there is space; try again later.")

    def _check(self, size: int) -> None:
        if size > self._most_bytes:
            raise MediaError(f"the file behind the URL is larger than the limit of {self._most_bytes} bytes.")


async def _copy(url: PlainUrl, prefixes: tuple[PlainUrl, ...], file: _Limited, may_connect: MayConnect) -> None:
    async with _session(may_connect) as session:
        for _ in range(_MOST_REDIRECTS + 1):
            target = await _copy_or_redirect(session, url, file)
            if target is None:
                return
            url = allowed_url(urljoin(str(url), target), prefixes)
    raise MediaError(
        f"{shown_url(str(url))}: there are more than {_MOST_REDIRECTS} redirects; name the file's own URL."
    )


def _session(may_connect: MayConnect) -> "ClientSession":
    try:
        import aiohttp  # noqa: PLC0415 - optional
    except ImportError as error:
        raise MissingDependencyError(f"URLs need another package: {install_hint('cloud')}") from error

    def open_socket(address: Any) -> socket.socket:
        family, kind, protocol, _, (host, *_rest) = address
        if not may_connect(host):
            raise OSError("its address is not public")
        return socket.socket(family, kind, protocol)

    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=STALL_TIMEOUT_S)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(socket_factory=open_socket),
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        headers={"Accept-Encoding": "identity"},
    )


async def _copy_or_redirect(session: "ClientSession", url: PlainUrl, file: _Limited) -> str | None:
    """Copy the answer to a file and return None, or return where it redirects to."""
    import aiohttp  # noqa: PLC0415 - optional
    from yarl import URL  # noqa: PLC0415 - optional

    try:
        async with (
            asyncio.timeout(STALL_TIMEOUT_S) as limit,
            session.get(URL(str(url), encoded=True), allow_redirects=False) as response,
        ):
            if response.status in (301, 302, 303, 307, 308):
                return response.headers.get("Location", "")
            _check_status(response.status, shown_url(str(url)))
            check_plain(response.headers, shown_url(str(url)))
            file.expect(response.content_length)
            async for piece in pieces_in_time(response, limit):
                file.write(piece)
            return None
    except TimeoutError:
        raise TransientError(TOO_SLOW) from None
    except aiohttp.ClientError as error:
        raise TransientError(getattr(error, "strerror", None) or type(error).__name__) from None


def _check_status(status: int, shown: str) -> None:
    if status in TRANSIENT:
        raise TransientError(f"the server answers HTTP {status}")
    if status != HTTPStatus.OK:
        raise MediaError(f"{shown}: cannot be read (the server answers HTTP {status}). Check the URL.")
