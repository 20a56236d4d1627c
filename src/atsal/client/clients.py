"""The clients: they send what `operations.py` describes, one in the thread of the caller, one in asyncio."""

import asyncio
import inspect
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Generator, Iterable, Mapping
from functools import partial, update_wrapper
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, get_args

from atsal.client import operations
from atsal.client.live import Connect, TimedPicture, connected, follow, follow_async
from atsal.client.steps import Answer, Ask, BrokenError, Pause, Steps
from atsal.client.uploading import upload
from atsal.client.watching import wait
from atsal.errors import ConfigError, MissingDependencyError, install_hint

try:
    import httpx
except ImportError as error:
    raise MissingDependencyError(f"atsal.client needs another package: {install_hint('client')}") from error

P = ParamSpec("P")
T = TypeVar("T")
Method = TypeVar("Method", bound=Callable[..., Any])


class _Settings:
    """What both clients are told. The token is neither in `repr` nor in messages."""

    def __init__(self, address: str, token: str | None = None, *, timeout_s: float = 60.0) -> None:
        """Take the address of the service, as "http://127.0.0.1:8000", and the seconds that an answer may take.

        Raises `ConfigError` for another address than that of a server.
        """
        try:
            url = httpx.URL(address)
        except (httpx.InvalidURL, TypeError) as error:
            raise ConfigError(f"{address!r}: is no address; expected http://HOST:PORT or https://HOST") from error
        if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query:
            raise ConfigError("expected the address of a service, as http://HOST:PORT or https://HOST, without a user")
        self._options: dict[str, Any] = {
            "base_url": url,
            "headers": {"Authorization": f"Bearer {token}"} if token else {},
            "timeout": timeout_s,
            "follow_redirects": False,  # a token goes to the service alone
        }

    def _live(self, options: Mapping[str, Any]) -> Connect:
        url: httpx.URL = self._options["base_url"]
        is_secure = url.scheme == "https"
        where = url.copy_with(scheme="wss" if is_secure else "ws", path=f"{url.path.rstrip('/')}/v1/live")
        return partial(
            connected,
            str(where.copy_merge_params(operations.query_of(options))),
            additional_headers=self._options["headers"],
            ssl=httpx.create_ssl_context() if is_secure else None,
            open_timeout=self._options["timeout"],
        )


def _sync(describe: Callable[P, Steps[T]]) -> Callable[Concatenate["Client", P], T]:
    def method(self: "Client", /, *arguments: P.args, **options: P.kwargs) -> T:
        return self._run(describe(*arguments, **options))

    return _as_documented(method, describe)


def _awaited(describe: Callable[P, Steps[T]]) -> Callable[Concatenate["AsyncClient", P], Awaitable[T]]:
    async def method(self: "AsyncClient", /, *arguments: P.args, **options: P.kwargs) -> T:
        return await self._run(describe(*arguments, **options))

    return _as_documented(method, describe)


def _as_documented(method: Method, describe: Callable[..., Steps[Any]]) -> Method:
    """Give a method the name and text of what it sends, and the signature that `help` shows."""
    update_wrapper(method, describe)
    told = inspect.signature(describe)
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    *_, returned = get_args(told.return_annotation)  # of Steps
    signature = told.replace(parameters=[own, *told.parameters.values()], return_annotation=returned)
    method.__signature__ = signature  # type: ignore[attr-defined]
    return method


class Client(_Settings):
    """A client of `atsal serve`. Close it, or use it in a `with` block. Threads may share it."""

    def __init__(self, address: str, token: str | None = None, *, timeout_s: float = 60.0) -> None:
        super().__init__(address, token, timeout_s=timeout_s)
        self._http = httpx.Client(**self._options)

    kinds = _sync(operations.kinds)
    upload = _sync(upload)
    submit = _sync(operations.submit)
    job = _sync(operations.job)
    jobs = _sync(operations.jobs)
    wait = _sync(wait)
    cancel = _sync(operations.cancel)
    delete = _sync(operations.delete)
    download = _sync(operations.download)
    regions = _sync(operations.regions)
    image = _sync(operations.image)

    def live(self, frames: Iterable[TimedPicture], /, **options: Any) -> Generator[dict[str, Any]]:
        """Send the frames of a camera, and yield the answers of `WS /v1/live` as they come.

        A frame is the seconds since the start and the bytes of a JPEG, PNG or WebP. `frames` is read in a thread, as
        fast as it gives frames; the service answers the newest. The options are those of `WS /v1/live`, with
        underscores for hyphens: `max_regions=3`. Ends when the last frame is answered. Raises `ServiceError`, of which
        `status` is the code of a session that was closed, `ConfigError` for something else than frames, and what
        `frames` raises.
        """
        return follow(self._live(options), frames)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _run(self, steps: Steps[T]) -> T:
        step = next(steps)
        try:
            while True:
                try:
                    answer = self._do(step)
                except BrokenError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as end:
            found: T = end.value
            return found
        finally:
            steps.close()

    def _do(self, step: Ask | Pause) -> Answer:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return Answer(0, {})
        try:
            with self._http.stream(**_request(step, step.body and step.body())) as response:
                answer = Answer(response.status_code, dict(response.headers))
                if step.take is None or response.is_error:
                    return Answer(answer.status, answer.headers, response.read())
                for part in response.iter_raw():
                    if step.take(answer, part):
                        break
                return answer
        except (httpx.TransportError, ssl.SSLError) as error:
            raise _broken(error) from error


class AsyncClient(_Settings):
    """A client of `atsal serve` for asyncio: the methods of `Client`, to be awaited. Use it in `async with`."""

    def __init__(self, address: str, token: str | None = None, *, timeout_s: float = 60.0) -> None:
        super().__init__(address, token, timeout_s=timeout_s)
        self._http = httpx.AsyncClient(**self._options)

    kinds = _awaited(operations.kinds)
    upload = _awaited(upload)
    submit = _awaited(operations.submit)
    job = _awaited(operations.job)
    jobs = _awaited(operations.jobs)
    wait = _awaited(wait)
    cancel = _awaited(operations.cancel)
    delete = _awaited(operations.delete)
    download = _awaited(operations.download)
    regions = _awaited(operations.regions)
    image = _awaited(operations.image)

    def live(self, frames: AsyncIterable[TimedPicture], /, **options: Any) -> AsyncGenerator[dict[str, Any]]:
        """Send the frames of a camera, and yield the answers as `Client.live` does."""
        return follow_async(self._live(options), frames)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _run(self, steps: Steps[T]) -> T:
        step = next(steps)
        try:
            while True:
                try:
                    answer = await self._do(step)
                except BrokenError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as end:
            found: T = end.value
            return found
        finally:
            steps.close()

    async def _do(self, step: Ask | Pause) -> Answer:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return Answer(0, {})
        body = await asyncio.to_thread(step.body) if step.body else None
        try:
            async with self._http.stream(**_request(step, body)) as response:
                answer = Answer(response.status_code, dict(response.headers))
                if step.take is None or response.is_error:
                    return Answer(answer.status, answer.headers, await response.aread())
                async for part in response.aiter_raw():
                    if await asyncio.to_thread(step.take, answer, part):
                        break
                return answer
        except (httpx.TransportError, ssl.SSLError) as error:
            raise _broken(error) from error


def _request(step: Ask, body: bytes | None) -> Mapping[str, Any]:
    content = {"json": step.json} if step.json is not None else {"content": body}
    return {"method": step.method, "url": step.path, "headers": step.headers, "params": step.query or None, **content}


def _broken(error: Exception) -> BrokenError:
    return BrokenError(str(error) or type(error).__name__)
