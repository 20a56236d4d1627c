"""A job: one command on one source, from its submission to its end."""

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args
from uuid import uuid4

State = Literal["waiting", "running", "done", "failed", "cancelled"]
STATES: tuple[State, ...] = get_args(State)
ENDED: tuple[State, ...] = ("done", "failed", "cancelled")
MOST_TRIES = 2  # of a job that ends the processes that work on it
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class ResultFile:
    """A file that a job made."""

    name: str  # relative to the results, with `/`
    bytes: int
    type: str  # media type


@dataclass(frozen=True)
class JobRecord:
    """What the store knows of a job. Times are seconds since 1970."""

    id: str
    kind: str
    options: dict[str, Any]
    source: dict[str, str]
    file: str  # the source's name in the job's folder
    name: str  # of the source, as its owner calls it
    owner: str  # the name of a token; "" without tokens
    created_s: float
    state: State = "waiting"
    done: int = 0  # frames
    total: int | None = None
    reason: str = ""  # why it failed, or what is wrong with a part of the source
    notes: tuple[str, ...] = ()  # how the source was interpreted
    tries: int = 0  # that began
    server: str = ""  # the process that has it
    started_s: float | None = None
    ended_s: float | None = None
    expires_s: float | None = None
    request_id: str = ""
    idempotency_key: str | None = None
    parent: str = ""  # the job about whose results it is
    results: tuple[ResultFile, ...] = ()
    bytes: int = 0  # of its folder
    number: int = 0  # in the order of submission

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ENDED


def new_id() -> str:
    """Return an id that nobody can guess."""
    return uuid4().hex


def is_id(text: str) -> bool:
    """Whether a text could be the id of a job or an upload."""
    return _ID.fullmatch(text) is not None
