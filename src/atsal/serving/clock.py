"""The time of the service. The system's clock may jump while the service runs; this one does not."""

import time
from collections.abc import Callable
from datetime import UTC, datetime


def steady_s() -> float:
    """Return seconds of a clock that never jumps, and that also counts while the machine sleeps, where one is there."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Clock:
    """Seconds since 1970: the system's clock at the start of the service, and what has passed since then."""

    def __init__(self, system_s: Callable[[], float] = time.time, monotonic_s: Callable[[], float] = steady_s) -> None:
        """Take the system's clock, and one that never jumps."""
        self._monotonic_s = monotonic_s
        self._offset_s = system_s() - monotonic_s()

    def now_s(self) -> float:
        """Return the time."""
        return self._offset_s + self._monotonic_s()


def time_text(time_s: float | None) -> str | None:
    """Return a time as ISO 8601 in UTC; None for None."""
    return None if time_s is None else datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds")
