"""A job that this server has: what its workers are doing of it, and what waits.

Its command runs in one worker. A job that can be divided comes back as parts, which several workers do at the same
time; then its command runs again, and makes the result of them.
"""

import time
from collections import deque
from dataclasses import dataclass, field

from atsal.jobs.engine import Death
from atsal.serving.job import JobRecord
from atsal.serving.kinds import End, Part, Parts, Work


@dataclass
class RunningJob:
    """The job, with the tasks that workers have or will have."""

    job: JobRecord
    may_divide: bool
    began_s: float = field(default_factory=time.monotonic)
    active: list[Work | Part] = field(default_factory=list)  # tasks that workers have
    _waiting: deque[Work | Part] = field(default_factory=deque)
    _parts: Parts | None = None
    _frames: dict[int, int] = field(default_factory=dict)  # done of each part, by number
    _shown: int = 0  # frames: what was done stays done

    def __post_init__(self) -> None:
        self._waiting.append(self._work(may_divide=self.may_divide))

    @property
    def has_waiting(self) -> bool:
        """Whether a worker could begin something."""
        return bool(self._waiting)

    def next_task(self) -> Work | Part:
        """Return what a worker begins."""
        task = self._waiting.popleft()
        self.active.append(task)
        return task

    def take(self, task: Work | Part, found: End | Parts | Death | None) -> End | Death | None:
        """Note what came of a task; return how the job ended, None: it goes on."""
        self.active.remove(task)
        if isinstance(found, End | Death):
            return found
        if isinstance(found, Parts):
            self._parts = found
            work = self._work(may_divide=False)
            self._waiting.extend(Part(work, number, one) for number, one in enumerate(found.tasks))
        if not self.active and not self._waiting:
            self._waiting.append(self._work(may_divide=False))
        return None

    def progress(self, task: Work | Part, done: int, total: int | None) -> tuple[int, int | None]:
        """Return the frames of the job that are done, and of how many, when a task says so of itself."""
        if self._parts is not None:
            if isinstance(task, Part):
                self._frames[task.number] = done
            done, total = self._parts.done + sum(self._frames.values()), self._parts.total
        self._shown = max(self._shown, done)
        return self._shown, total

    def _work(self, *, may_divide: bool) -> Work:
        job = self.job
        return Work(job.id, job.kind, job.options, job.file, job.source.get("url"), may_divide)
