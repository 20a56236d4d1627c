"""What a service says of a job."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

ENDED = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Progress:
    """How far a job or an upload is: frames or bytes; `total` is None while it is unknown."""

    done: int
    total: int | None


ShowProgress = Callable[[Progress], object]


def show_nothing(_progress: Progress) -> None:
    """Do nothing with a progress."""


@dataclass(frozen=True)
class Result:
    """A file that a job made."""

    name: str  # relative to the results, with `/`
    bytes: int
    type: str  # media type


@dataclass(frozen=True)
class Job:
    """A job as it was when the service answered. Times are ISO 8601 in UTC."""

    id: str
    kind: str
    options: Mapping[str, Any]
    name: str  # of the source
    state: str  # "waiting", "running", "done", "failed" or "cancelled"
    progress: Progress
    reason: str  # why it failed, or what is wrong with a part of the source
    created: str
    expires: str | None  # when it is removed
    request_id: str  # of its submission
    parent: str | None = None  # the id of the job whose results it shows
    notes: tuple[str, ...] = ()  # how the source was interpreted
    results: tuple[Result, ...] = ()  # empty in lists

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ENDED

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Return the job of an answer; members that this version does not know are left out."""
        values = {field.name: found[field.name] for field in fields(cls) if field.name in found}
        values["progress"] = Progress(found["progress"]["done"], found["progress"]["total"])
        values["notes"] = tuple(found.get("notes", ()))
        values["results"] = tuple(Result(one["name"], one["bytes"], one["type"]) for one in found.get("results", ()))
        return cls(**values)


def id_of(job: Job | str) -> str:
    """Return the id of a job that is given by itself or by its id."""
    return job.id if isinstance(job, Job) else job
