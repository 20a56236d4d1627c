"""The settings of `POST /v1/images`."""

from dataclasses import dataclass

from atsal.jobs.supervised_workers import Limits, machine_memory_bytes
from atsal.jobs.workers import usable_cores

_MOST_WORKERS = 8  # by default; each takes half a gigabyte


@dataclass(frozen=True)
class PhotoSettings:
    """How many photos are predicted and may wait, and what one may take."""

    workers: int | None = None  # photos at the same time; None: one per core, at most 8
    most_waiting: int = 256  # in all
    most_waiting_of_one: int = 128  # of one caller
    most_bytes_waiting: int = 512 << 20  # of all bodies that are held, also of those that are still being sent
    most_pixels: int = 134_217_728  # 16384x8192; larger ones are predicted as jobs
    photo_seconds: float = 20.0  # that one may take
    memory_bytes: float = 3e9  # that its process may take, or its share of the machine's memory if that is less

    @property
    def limits(self) -> Limits:
        """What one photo may take."""
        return Limits(self.photo_seconds, min(self.memory_bytes, machine_memory_bytes() / self.processes))

    @property
    def processes(self) -> int:
        """How many photos are predicted at the same time."""
        return self.workers or min(usable_cores(), _MOST_WORKERS)
