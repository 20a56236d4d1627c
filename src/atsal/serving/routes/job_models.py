"""What requests and answers about jobs hold."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from atsal.serving.clock import time_text
from atsal.serving.job import JobRecord, State
from atsal.serving.sources.source_ref import SourceRef, shown_source

_ID = "0123456789abcdef0123456789abcdef"


_EXAMPLE: dict[str, Any] = {"kind": "predict", "options": {"format": ["npy"], "fps": 2}}


class PlannedJob(BaseModel):
    """A job whose source is not there yet."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})
    kind: str = Field(max_length=32, description="One of `GET /v1/kinds`.")
    options: dict[str, Any] = Field(default={}, max_length=100, description="By the names of the command's options.")


class NewJob(PlannedJob):
    """A job to submit."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE | {"source": {"upload": _ID}}]})
    source: SourceRef


class Progress(BaseModel):
    """How far a job is."""

    done: int = Field(description="Frames that are done.")
    total: int | None = Field(description="Of how many; null if unknown.")


class Result(BaseModel):
    """A file that a job made."""

    name: str
    bytes: int
    type: str = Field(description="Media type.")


class JobSummary(BaseModel):
    """A job, without its results."""

    id: str = Field(examples=[_ID])
    kind: str
    options: dict[str, Any]
    source: dict[str, str]
    name: str = Field(description="Of the source.")
    parent: str | None = Field(description="The id of the job whose results it shows.")
    owner: str = Field(description="The name of the token that submitted it.")
    state: State
    progress: Progress
    reason: str = Field(description="Why it failed, or what is wrong with a part of the source.")
    notes: list[str] = Field(description="How the source was interpreted.")
    tries: int
    created: str
    started: str | None
    ended: str | None
    expires: str | None = Field(description="When it is removed.")
    request_id: str = Field(description="Of its submission.")


class Job(JobSummary):
    """A job."""

    results: list[Result]


class JobList(BaseModel):
    """A page of jobs, the newest first."""

    jobs: list[JobSummary]
    next: int | None = Field(description="`before` of the next page; null after the last one.")


class KindDescription(BaseModel):
    """A kind of job."""

    name: str
    about: str
    options: dict[str, Any] = Field(description="JSON schema.")


def describe_job(job: JobRecord) -> Job:
    """Return what answers say of a job."""
    results = [Result(name=result.name, bytes=result.bytes, type=result.type) for result in job.results]
    return Job(**summarise_job(job).model_dump(), results=results)


def summarise_job(job: JobRecord) -> JobSummary:
    """Return what lists say of a job."""
    same = ("id", "kind", "options", "name", "owner", "state", "reason", "notes", "tries", "request_id")
    return JobSummary(
        **{name: getattr(job, name) for name in same},
        source=shown_source(job.source),
        parent=job.parent or None,
        progress=Progress(done=job.done, total=job.total),
        created=time_text(job.created_s) or "",
        started=time_text(job.started_s),
        ended=time_text(job.ended_s),
        expires=time_text(job.expires_s),
    )
