"""What a client asks of a service, described without sending anything: generators of steps.

`clients.py` has two drivers, which send in one thread and in asyncio; so each request is written once. A driver sends
an `Ask` and returns the `Answer`, or throws `BrokenError` into the generator where the connection fails.
"""

import json
import random
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from atsal.errors import ServiceError
from atsal.untrusted.text import escape_controls

MOST_TRIES = 8  # of a request without any progress
_LONGEST_PAUSE_S = 10.0
LATER = (429, 502, 503, 504)  # statuses of requests that may succeed later
_AGAIN = (423, *LATER)  # 423: another request writes to the upload
T = TypeVar("T")


class BrokenError(Exception):
    """A connection that could not be made, or was cut; the message says why."""


@dataclass(frozen=True)
class Ask:
    """A request. `take` gets the parts of a good answer while they come, and returns whether it has enough."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str | int] = field(default_factory=dict)
    json: Any = None
    body: Callable[[], bytes] | None = None
    take: Callable[["Answer", bytes], bool] | None = None


@dataclass(frozen=True)
class Pause:
    """Wait."""

    seconds: float


@dataclass(frozen=True)
class Answer:
    """What came back; `content` is empty where the parts went to `take`. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes = b""


Steps = Generator[Ask | Pause, Answer, T]


def pause_s(tries: int) -> float:
    """Return how long to wait before the next try: longer each time, and not the same for all clients."""
    return min(_LONGEST_PAUSE_S, 0.25 * 2.0**tries) * random.uniform(0.7, 1.3)  # noqa: S311 - no secret


def ask(request: Ask, *, again: bool = True) -> Steps[Answer]:
    """Send a request and return its good answer. `again`: a second one does no harm, so a cut is no end.

    Raises `ServiceError` for an answer that is a problem, and where the service cannot be reached.
    """
    for tries in range(MOST_TRIES):
        is_last = tries == MOST_TRIES - 1
        try:
            answer = yield request
        except BrokenError as error:
            if is_last or not again:
                raise unreachable(error) from error
            wait_s = pause_s(tries)
        else:
            if answer.status < 400:
                return answer
            if is_last or answer.status not in _AGAIN:
                raise problem_of(answer)
            wait_s = _told_s(answer, pause_s(tries))
        yield Pause(wait_s)
    raise AssertionError("the last try returns or raises")


def unreachable(error: BrokenError) -> ServiceError:
    """Return the error for a service that does not answer."""
    return ServiceError(f"the service does not answer ({error}); check its address, and whether it runs")


def problem_of(answer: Answer) -> ServiceError:
    """Return the error that an answer is: a problem of the service, or something of a proxy before it."""
    try:
        found = json_of(answer)
        text = ": ".join(found[name] for name in ("title", "detail") if found.get(name))
        kind, request_id = str(found["type"]).rpartition("/")[2], str(found.get("request_id", ""))
    except (ServiceError, KeyError, TypeError, AttributeError):
        text, kind, request_id = f"the answer has HTTP status {answer.status}", "", ""
    request_id = request_id or answer.headers.get("x-request-id", "")
    shown = f" (request {request_id})" if request_id else ""
    return ServiceError(escape_controls(text + shown), kind=kind, status=answer.status, request_id=request_id)


def json_of(answer: Answer) -> Any:
    """Return the JSON of an answer. Raises `ServiceError` for an answer that has none."""
    try:
        return json.loads(answer.content)
    except ValueError as error:
        raise ServiceError(
            "the answer is not JSON; check that the address is that of `atsal serve`", status=answer.status
        ) from error


def _told_s(answer: Answer, otherwise_s: float) -> float:
    told = answer.headers.get("retry-after", "")
    return min(float(told), 60.0) if told.isdecimal() else otherwise_s
