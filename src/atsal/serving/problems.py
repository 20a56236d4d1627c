"""Every error of the service as `application/problem+json` (RFC 9457), without paths, traces and settings."""

import errno
import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from atsal.errors import StoreError
from atsal.serving.problem_types import (
    DISK_FULL,
    DISK_UNAVAILABLE,
    INVALID_REQUEST,
    STORE_UNAVAILABLE,
    ProblemType,
    kind_of_status,
)
from atsal.untrusted.text import escape_controls

LOG = logging.getLogger("atsal.serving")
PROBLEM_MEDIA_TYPE = "application/problem+json"
_LATER = "try again later; whoever runs the service finds more in its log"
_MOST_LISTED = 5  # faults of a request


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


def problem_document(problem: Problem, request: str) -> dict[str, Any]:
    """Return what a problem answers to the request of this id."""
    kind = problem.kind
    return {
        "type": f"/problems/{kind.name}",
        "title": kind.title,
        "status": kind.status,
        "detail": escape_controls(problem.detail),
        "request_id": request,
        **problem.more,
    }


def problem_response(request: Request, problem: Problem) -> JSONResponse:
    """Return the answer to a request that has a problem."""
    document = problem_document(problem, request_id(request))
    return JSONResponse(document, problem.kind.status, dict(problem.headers or {}), PROBLEM_MEDIA_TYPE)


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
        found[kind.status] = problem_answer(text + kind.title)
    return found


def problem_answer(description: str) -> dict[str, Any]:
    """Return how the OpenAPI document describes an answer that is a problem."""
    content = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    return {"description": description, "content": content}


def add_problem_handlers(app: FastAPI) -> None:
    """Let every error of an app be a problem; `gate.envelope` does so with faults of the program."""

    @app.exception_handler(Problem)
    async def of_problem(request: Request, error: Problem) -> JSONResponse:
        return problem_response(request, error)

    @app.exception_handler(HTTPException)
    async def of_status(request: Request, error: HTTPException) -> JSONResponse:
        return problem_response(request, problem_of_status(error.status_code, error.headers))

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


def problem_of_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """Return a problem of which a library tells only the status."""
    kind = kind_of_status(status)
    return Problem(kind, kind.remedy, headers=headers)


def _faults(error: RequestValidationError) -> str:
    """Say which parts of a request are wrong, without what they hold."""
    faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
    more = len(faults) - _MOST_LISTED
    return "; ".join(faults[:_MOST_LISTED]) + (f"; and {more} more" if more > 0 else "")
