"""The jobs of a caller: finding, cancelling and removing them."""

from typing import TYPE_CHECKING

from atsal.serving.gate.caller import Caller
from atsal.serving.job import JobRecord, is_id
from atsal.serving.problem_types import NOT_FOUND
from atsal.serving.problems import Problem

if TYPE_CHECKING:
    from atsal.serving.service import Service


def find_job(service: "Service", caller: Caller, job_id: str) -> JobRecord:
    """Return a job of the caller, or of anybody for an admin. Raises `Problem`."""
    job = service.jobs.get(job_id) if is_id(job_id) else None
    if job is None or not caller.sees(job.owner):
        raise Problem(NOT_FOUND, "there is no job with this id; it may have expired")
    return job


def cancel(service: "Service", job: JobRecord) -> bool:
    """Cancel a job and remove what it made; False if it has ended."""
    now_s = service.clock.now_s()
    is_cancelled = service.jobs.cancel(job.id, now_s, service.expires_s())
    if is_cancelled:
        service.metrics.count_job(job.kind, "cancelled", None if job.started_s is None else now_s - job.started_s)
        service.data.remove_job(job.id)
        service.dispatcher.wake()
    return is_cancelled


def remove(service: "Service", job: JobRecord) -> None:
    """Remove a job, what it made, and the jobs about its results."""
    for one in (job, *service.jobs.children(job.id)):
        cancel(service, one)
        service.jobs.remove(one.id)
        service.data.remove_job(one.id)
