"""What kinds of jobs there are to the service. `cli/served_kinds.py` makes them of the commands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from atsal.errors import ConfigError

VIEW = "view"  # the kind that makes a page of another job's results
ShowProgress = Callable[[int, int | None], None]  # takes the frames that are done, and of how many; None: unknown


class OptionError(ConfigError):
    """An option of a job that is unknown or has a wrong value."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


@dataclass(frozen=True)
class Work:
    """What a worker process needs of a job."""

    id: str
    kind: str
    options: Mapping[str, Any]
    file: str  # the source's name in the job's folder
    url: str | None = None  # where the source is copied from first
    may_divide: bool = False  # whether the job may come back as `Parts`


@dataclass(frozen=True)
class Means:
    """What the service gives to each job."""

    device: str = "auto"
    memory_bytes: float | None = None  # of a process that reads files; None: its usual limit


@dataclass(frozen=True)
class End:
    """How the command of a job ended."""

    is_done: bool
    reason: str = ""  # why not, or what is wrong with a part of the source
    notes: tuple[str, ...] = ()  # how the source was interpreted


@dataclass(frozen=True)
class Parts:
    """What workers do of a job at the same time, in any order, before its command runs again."""

    tasks: tuple[Any, ...]  # for `Kind.run_part`
    done: int  # frames that are done already
    total: int  # frames of the job


@dataclass(frozen=True)
class Part:
    """One of the parts of a job."""

    work: Work
    number: int
    task: Any

    @property
    def id(self) -> str:
        """The id of the job."""
        return self.work.id


class Kind(Protocol):
    """A kind of job. It is pickled for worker processes."""

    @property
    def name(self) -> str:
        """The name of its command."""

    @property
    def about(self) -> str:
        """What it does, in a line."""

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of its options."""

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise `OptionError` or another `ConfigError` for options that cannot be used."""

    def run(self, work: Work, means: Means, progress: ShowProgress) -> End | Parts:
        """Run the command in the working folder, which is the job's, and write to its folder `result`."""

    def run_part(self, task: Any, means: Means, progress: ShowProgress) -> None:
        """Do one of the parts that `run` returned. What fails in it fails again when the command runs again."""


Kinds = Mapping[str, Kind]
