"""Every error of the service as `application/problem+json` (RFC 9457), without paths, traces and settings."""

import errno
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from atsal.errors import StoreError
from atsal.untrusted.text import escape_controls

LOG = logging.getLogger("atsal.serving")
_MEDIA_TYPE = "application/problem+json"
_LATER = "try again later; whoever runs the service finds more in its log"
_MOST_LISTED = 5  # faults of a request


@dataclass(frozen=True)
class ProblemType:
    """A kind of problem."""

    name: str  # the last part of its `type`
    status: int
    title: str


INVALID_REQUEST = ProblemType("invalid-request", 422, "The request is not as it should be")
INVALID_OPTION = ProblemType("invalid-option", 422, "An option of the job cannot be used")
INVALID_SOURCE = ProblemType("invalid-source", 422, "The source cannot be used")
KEY_USED = ProblemType("idempotency-key-used", 422, "The Idempotency-Key belongs to another job")
NOT_FOUND = ProblemType("not-found", 404, "There is no such thing here")
CONFLICT = ProblemType("conflict", 409, "The job is in another state")
STORE_UNAVAILABLE = ProblemType("store-unavailable", 503, "The store of jobs cannot be used at the moment")
DISK_FULL = ProblemType("disk-full", 507, "The disk of the service is full")
NOT_READY = ProblemType("not-ready", 503, "The service cannot do its work at the moment")
DISK_UNAVAILABLE = ProblemType("disk-unavailable", 503, "The disk of the service cannot be used at the moment")
INTERNAL = ProblemType("internal-error", 500, "The service has a fault")


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """Ends a request with a problem."""

    def __init__(
        self, kind: ProblemType, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        """Take what is wrong in words; `more` are further members of the document, as `option`."""
        super().__init__(detail)
        self.kind, self.detail, self.headers, self.more = kind, detail, headers, more


class ProblemDocument(BaseModel):
    """What every error answers."""

    type: str = Field(examples=["/problems/not-found"])
    title: str = Field(examples=["There is no such thing here"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["no job has the id 0123456789abcdef0123456789abcdef"])
    request_id: str = Field(description="Also in the log of the service.", examples=["5c2e…"])
    option: str | None = Field(default=None, description="The option of the job that is wrong.")


def request_id(request: Request) -> str:
    """Return the id of a request, by which the log can be searched."""
    return str(getattr(request.state, "request_id", ""))


def problem_response(request: Request, problem: Problem) -> JSONResponse:
    """Return the answer to a request that has a problem."""
    kind = problem.kind
    document = {
        "type": f"/problems/{kind.name}",
        "title": kind.title,
        "status": kind.status,
        "detail": escape_controls(problem.detail),
        "request_id": request_id(request),
        **problem.more,
    }
    return JSONResponse(document, kind.status, dict(problem.headers or {}), _MEDIA_TYPE)


def store_problem(error: StoreError) -> Problem:
    """Return what a client is told of an error of the store, which goes to the log."""
    LOG.error("%s", error)
    kind = DISK_FULL if error.is_full else STORE_UNAVAILABLE
    return Problem(kind, _LATER)


def is_of_full_disk(error: OSError) -> bool:
    """Whether an error says that a disk can take no more."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def declared(*kinds: ProblemType) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that may have these problems."""
    found: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        text = found[kind.status]["description"] + "; " if kind.status in found else ""
        found[kind.status] = {
            "description": text + kind.title,
            "content": {_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
        }
    return found


def add_problem_handlers(app: FastAPI) -> None:
    """Let every error of an app be a problem; `gate.envelope` does so with faults of the program."""

    @app.exception_handler(Problem)
    async def of_problem(request: Request, error: Problem) -> JSONResponse:
        return problem_response(request, error)

    @app.exception_handler(HTTPException)
    async def of_status(request: Request, error: HTTPException) -> JSONResponse:
        return problem_response(request, _of_status(error))

    @app.exception_handler(RequestValidationError)
    async def of_validation(request: Request, error: RequestValidationError) -> JSONResponse:
        return problem_response(request, Problem(INVALID_REQUEST, _faults(error)))

    @app.exception_handler(StoreError)
    async def of_store(request: Request, error: StoreError) -> JSONResponse:
        return problem_response(request, store_problem(error))

    @app.exception_handler(OSError)
    async def of_disk(request: Request, error: OSError) -> JSONResponse:
        LOG.error("a file of the service cannot be used", exc_info=error)
        kind = DISK_FULL if is_of_full_disk(error) else DISK_UNAVAILABLE
        return problem_response(request, Problem(kind, _LATER))


def _of_status(error: HTTPException) -> Problem:
    status = HTTPStatus(error.status_code)
    kind = NOT_FOUND if status == HTTPStatus.NOT_FOUND else ProblemType(_name(status), status, status.phrase)
    return Problem(kind, status.description or status.phrase, headers=error.headers)


def _name(status: HTTPStatus) -> str:
    return status.phrase.lower().replace(" ", "-").replace("'", "")


def _faults(error: RequestValidationError) -> str:
    """Say which parts of a request are wrong, without what they hold."""
    faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
    more = len(faults) - _MOST_LISTED
    return "; ".join(faults[:_MOST_LISTED]) + (f"; and {more} more" if more > 0 else "")
