"""Submitting a job: its options are checked, its source is put into its folder, and the store accepts it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atsal.errors import AtsalError
from atsal.serving.gate.caller import Caller
from atsal.serving.job import JobRecord, new_id
from atsal.serving.kinds import VIEW, OptionError
from atsal.serving.own_jobs import find_job
from atsal.serving.problem_types import DISK_FULL, INVALID_OPTION, KEY_USED, QUOTA, TOO_MANY
from atsal.serving.problems import Problem
from atsal.serving.sources.of_job import link_results, link_source
from atsal.serving.sources.resolve import resolve, source_name
from atsal.serving.sources.source_ref import SourceRef
from atsal.serving.store.jobs import DuplicateJobError
from atsal.serving.store.usage import QuotaError
from atsal.untrusted.text import escape_controls, shorten_list

if TYPE_CHECKING:
    from atsal.serving.service import Service

LOG = logging.getLogger("atsal.serving")


@dataclass(frozen=True)
class Submission:
    """What a caller wants done."""

    kind: str
    options: Mapping[str, Any]
    source: SourceRef
    idempotency_key: str | None = None
    request_id: str = ""

    def is_of(self, job: JobRecord) -> bool:
        """Whether a job is what this asks for."""
        return (job.kind, job.options, job.source) == (self.kind, dict(self.options), self.source.as_dict())


@dataclass(frozen=True)
class Submitted:
    """A job that was accepted."""

    job: JobRecord
    is_new: bool = True  # no earlier request with the same Idempotency-Key made it


def submit(service: "Service", caller: Caller, wanted: Submission) -> Submitted:
    """Accept a job, or return the one that an earlier request with the same Idempotency-Key made. Raises `Problem`."""
    earlier = _earlier(service, caller, wanted)
    if earlier is not None:
        return earlier
    check(service, wanted.kind, wanted.options)
    job_id = new_id()
    folder = service.data.job(job_id)
    try:
        folder.mkdir(mode=0o700)
        job = _add(service, _record(service, caller, wanted, folder))
    except BaseException as error:
        service.data.remove_job(job_id)
        earlier = _earlier(service, caller, wanted)  # which may have come in between
        if earlier is not None and isinstance(error, DuplicateJobError | Problem):
            return earlier
        raise
    service.dispatcher.wake()
    LOG.info("job %s (%s)%s was accepted", job.id, job.kind, f" of {job.owner!r}" if job.owner else "")
    return Submitted(job)


def check(service: "Service", kind_name: str, options: Mapping[str, Any]) -> None:
    """Raise `Problem` for a kind that does not exist, options that cannot be used, and a full disk."""
    kind = service.kinds.get(kind_name)
    if kind is None:
        raise Problem(INVALID_OPTION, f"kind: there is no such kind; the kinds are {shorten_list([*service.kinds])}")
    try:
        kind.check(options)
    except OptionError as error:
        raise Problem(INVALID_OPTION, str(error), option=escape_controls(error.option)) from error
    except AtsalError as error:
        raise Problem(INVALID_OPTION, str(error)) from error
    if service.data.free_bytes() < service.settings.least_free_bytes:
        raise Problem(DISK_FULL, "no job is accepted until there is more space; try again later")


def _add(service: "Service", job: JobRecord) -> JobRecord:
    limits = service.settings.sources
    try:
        return service.jobs.add(job, most_waiting=limits.waiting_jobs, most_bytes=limits.stored_bytes)
    except QuotaError as error:
        if error.is_of_queue:
            raise Problem(TOO_MANY, str(error), headers={"Retry-After": "60"}) from error
        raise Problem(QUOTA, str(error)) from error


def _earlier(service: "Service", caller: Caller, wanted: Submission) -> Submitted | None:
    if wanted.idempotency_key is None:
        return None
    job = service.jobs.with_key(caller.name, wanted.idempotency_key)
    if job is not None and not wanted.is_of(job):
        raise Problem(KEY_USED, "another job has this Idempotency-Key; give each job a key of its own")
    return None if job is None else Submitted(job, is_new=False)


def _record(service: "Service", caller: Caller, wanted: Submission, folder: Path) -> JobRecord:
    """Put the source into the job's folder, and return what the store is to know of the job."""
    source, parent = wanted.source, ""
    if source.job is not None:
        other = find_job(service, caller, source.job)
        file, name = link_source(service, other, folder), other.name
        if wanted.kind == VIEW and other.state == "done":
            link_results(other, folder)
            parent = other.id
    else:
        file, name = resolve(service, caller, source, folder), source_name(service, source)
    return JobRecord(
        id=folder.name,
        kind=wanted.kind,
        options=dict(wanted.options),
        source=source.as_dict(),
        file=file,
        name=name,
        parent=parent,
        owner=caller.name,
        created_s=service.clock.now_s(),
        request_id=wanted.request_id,
        idempotency_key=wanted.idempotency_key,
        bytes=service.data.job_bytes(folder.name),
    )
