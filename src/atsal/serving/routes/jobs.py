"""`/v1/jobs` and `/v1/kinds`: submitting, listing, watching, cancelling and removing jobs."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from atsal.errors import StoreError
from atsal.serving.gate.access import Reader, Submitter
from atsal.serving.job import JobRecord, State
from atsal.serving.own_jobs import cancel, find_job, remove
from atsal.serving.problem_types import (
    CONFLICT,
    DISK_FULL,
    INVALID_OPTION,
    INVALID_REQUEST,
    INVALID_SOURCE,
    KEY_USED,
    NOT_FOUND,
    STORE_UNAVAILABLE,
)
from atsal.serving.problems import Problem, declared, request_id
from atsal.serving.routes.job_models import (
    Job,
    JobList,
    KindDescription,
    NewJob,
    PlannedJob,
    describe_job,
    summarise_job,
)
from atsal.serving.store.jobs import JobFilter
from atsal.serving.submission import Submission, check, submit

if TYPE_CHECKING:
    from atsal.serving.service import Service

_LOOK_EVERY_S = 0.5  # for a change of a job
Key = Annotated[
    str | None, Header(alias="Idempotency-Key", max_length=255, description="The same key never makes two jobs.")
]


def make_router(service: "Service") -> APIRouter:
    """Return the routes of jobs."""
    router = APIRouter(prefix="/v1", tags=["jobs"])
    _add_lists(router, service)
    _add_changes(router, service)
    _add_events(router, service)
    return router


def _add_lists(router: APIRouter, service: "Service") -> None:
    @router.get("/kinds")
    def list_kinds(_caller: Reader) -> list[KindDescription]:
        """List the kinds of jobs and their options."""
        return [
            KindDescription(name=kind.name, about=kind.about, options=kind.schema()) for kind in service.kinds.values()
        ]

    @router.get("/jobs", responses=declared(INVALID_REQUEST, STORE_UNAVAILABLE))
    def list_jobs(
        caller: Reader,
        state: State | None = None,
        kind: Annotated[str | None, Query(max_length=32)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        before: Annotated[int | None, Query(ge=0, lt=1 << 63, description="`next` of the page before.")] = None,
    ) -> JobList:
        """List the jobs of the caller, the newest first; an admin's list has those of all."""
        chosen = JobFilter(None if caller.is_admin else caller.name, state, kind, before)
        found = service.jobs.page(chosen, limit + 1)
        last = found[limit - 1].number if len(found) > limit else None
        return JobList(jobs=[summarise_job(job) for job in found[:limit]], next=last)

    @router.get("/jobs/{job_id}", responses=declared(NOT_FOUND, STORE_UNAVAILABLE))
    def get_job(job_id: str, caller: Reader) -> Job:
        """Return a job."""
        return describe_job(find_job(service, caller, job_id))


def _add_changes(router: APIRouter, service: "Service") -> None:
    may_have = (INVALID_REQUEST, INVALID_OPTION, INVALID_SOURCE, KEY_USED, STORE_UNAVAILABLE, DISK_FULL)

    @router.post("/jobs", status_code=201, responses=declared(*may_have))
    def submit_job(new: NewJob, caller: Submitter, request: Request, response: Response, key: Key = None) -> Job:
        """Submit a job. With the Idempotency-Key of an earlier request, the answer is the job of that one."""
        wanted = Submission(new.kind, new.options, new.source, key, request_id(request))
        found = submit(service, caller, wanted)
        response.headers["Location"] = f"/v1/jobs/{found.job.id}"
        response.status_code = 201 if found.is_new else 200
        return describe_job(found.job)

    @router.post("/jobs/check", status_code=204, responses=declared(INVALID_REQUEST, INVALID_OPTION, DISK_FULL))
    def check_job(planned: PlannedJob, _caller: Submitter) -> None:
        """Find out whether a job can have these options, before its source is uploaded."""
        check(service, planned.kind, planned.options)

    @router.post("/jobs/{job_id}/cancel", responses=declared(NOT_FOUND, CONFLICT, STORE_UNAVAILABLE))
    def cancel_job(job_id: str, caller: Submitter) -> Job:
        """Cancel a job that has not ended; what it made is removed."""
        job = find_job(service, caller, job_id)
        if not cancel(service, job):
            state = find_job(service, caller, job_id).state
            raise Problem(CONFLICT, f"the job has ended: it is {state}")
        return describe_job(find_job(service, caller, job_id))

    @router.delete("/jobs/{job_id}", status_code=204, responses=declared(NOT_FOUND, STORE_UNAVAILABLE))
    def remove_job(job_id: str, caller: Submitter) -> None:
        """Remove a job and its results; one that has not ended is cancelled first."""
        remove(service, find_job(service, caller, job_id))


def _add_events(router: APIRouter, service: "Service") -> None:
    def find(job_id: str, caller: Reader) -> JobRecord:  # before the answer begins, so that it can be a problem
        return find_job(service, caller, job_id)

    @router.get(
        "/jobs/{job_id}/events", response_class=EventSourceResponse, responses=declared(NOT_FOUND, STORE_UNAVAILABLE)
    )
    async def watch_job(job: Annotated[JobRecord, Depends(find)], caller: Reader) -> AsyncIterator[ServerSentEvent]:
        """Send the job at each change, as an event `job`, until it has ended or is removed."""
        last = None
        while not service.is_stopping.is_set():
            if job != last:
                yield ServerSentEvent(event="job", data=describe_job(job))
            if job.has_ended:
                return
            last = job
            await anyio.sleep(_LOOK_EVERY_S)
            try:
                job = await anyio.to_thread.run_sync(find_job, service, caller, job.id)
            except StoreError:
                pass  # the next look will do
            except Problem:
                return
