"""The settings of `WS /v1/live`."""

from dataclasses import dataclass

from atsal.jobs.supervised_workers import Limits, machine_memory_bytes
from atsal.jobs.workers import usable_cores

_MOST_SESSIONS = 8  # by default; the process of each takes half a gigabyte


@dataclass(frozen=True)
class LiveSettings:
    """How many sessions there may be, and what one may take."""

    sessions: int | None = None  # at the same time; None: one per core, at most 8
    frame_bytes: int = 8 << 20  # of one frame
    idle_s: float = 60.0  # without a frame
    frame_seconds: float = 20.0  # that one frame may take
    memory_bytes: float = 3e9  # that its process may take, or its share of the machine's memory if that is less

    @property
    def most_sessions(self) -> int:
        """How many sessions there may be at the same time."""
        return self.sessions or min(usable_cores(), _MOST_SESSIONS)

    @property
    def most_sessions_of_token(self) -> int:
        """How many of these one token may have, so that it does not take all: half, rounded up."""
        return (self.most_sessions + 1) // 2

    @property
    def limits(self) -> Limits:
        """What one frame may take."""
        return Limits(self.frame_seconds, min(self.memory_bytes, machine_memory_bytes() / self.most_sessions))
