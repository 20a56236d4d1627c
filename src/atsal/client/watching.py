"""Waiting for a job by its stream of events, which is opened again after a cut."""

import json

from atsal.client.job import Job, Progress, ShowProgress, id_of
from atsal.client.steps import LATER, MOST_TRIES, Ask, BrokenError, Pause, Steps, pause_s, problem_of, unreachable
from atsal.errors import ServiceError

_ENDED_EARLY = "the events ended before the job did; try again"
_HEADERS = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}


def wait(job: Job | str, /, progress: ShowProgress | None = None) -> Steps[Job]:
    """Wait until a job has ended, and return it. `progress` is called with frames, whenever more are done.

    A stream of events that is cut is opened again. Raises `ServiceError` if the job failed or was cancelled.
    """
    events, tries = _Events(progress), 0
    request = Ask(
        "GET",
        f"/v1/jobs/{id_of(job)}/events",
        _HEADERS,
        take=lambda _answer, part: events.take(part),
    )
    while tries < MOST_TRIES:
        seen = events.count
        try:
            answer = yield request
        except BrokenError as error:
            failure = unreachable(error)
        else:
            failure = problem_of(answer) if answer.status >= 400 else ServiceError(_ENDED_EARLY)
            if answer.status >= 400 and answer.status not in LATER:
                raise failure
        if events.job is not None and events.job.has_ended:
            return _checked(events.job)
        tries = 0 if events.count > seen else tries + 1
        events.forget_part()
        yield Pause(pause_s(tries))
    raise failure


_ENDS = {"failed": "failed", "cancelled": "was cancelled"}


def _checked(job: Job) -> Job:
    if job.state == "done":
        return job
    reason = f": {job.reason}" if job.reason else ""
    raise ServiceError(f"the job {job.id} ({job.kind} of {job.name}) {_ENDS[job.state]}{reason}", kind=job.state)


class _Events:
    """The events of a stream, as its parts come."""

    def __init__(self, progress: ShowProgress | None) -> None:
        self.job: Job | None = None
        self.count = 0
        self._progress = progress
        self._shown: Progress | None = None
        self._rest = b""

    def take(self, part: bytes) -> bool:
        """Take a part of the stream, and return whether the job has ended."""
        *lines, self._rest = (self._rest + part).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                self._see(Job.from_json(json.loads(line[5:])))
        return self.job is not None and self.job.has_ended

    def forget_part(self) -> None:
        """Begin with a new stream."""
        self._rest = b""

    def _see(self, job: Job) -> None:
        self.job, self.count = job, self.count + 1
        if self._progress is not None and job.progress != self._shown and job.state != "waiting":
            self._progress(job.progress)
        self._shown = job.progress
