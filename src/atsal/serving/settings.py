"""The settings of the service."""

from dataclasses import dataclass, field
from pathlib import Path

from atsal.serving.gate.settings import GateSettings
from atsal.serving.live.settings import LiveSettings
from atsal.serving.photos.settings import PhotoSettings
from atsal.serving.sources.settings import SourceSettings

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Settings:
    """How the service runs; most are options of `atsal serve`."""

    data: Path  # everything of the service is in this folder
    database: str | None = None  # URL of another database than SQLite in the data folder
    host: str = LOOPBACK
    port: int = 8000  # 0: a free one
    workers: int = 1  # jobs that run at the same time
    device: str = "auto"
    job_seconds: float = 6 * 3600.0  # that a job may run
    standstill_s: float = 600.0  # without progress, that end a job's process
    memory_bytes: float | None = None  # of a job's process; None: its share of the machine's memory
    keep_days: float = 7.0  # that results and unfinished uploads are kept
    least_free_bytes: int = 1 << 30  # of the disk, below which no job is accepted
    gate: GateSettings = field(default_factory=GateSettings)
    sources: SourceSettings = field(default_factory=SourceSettings)
    photos: PhotoSettings = field(default_factory=PhotoSettings)
    live: LiveSettings = field(default_factory=LiveSettings)

    @property
    def keep_s(self) -> float:
        """`keep_days` in seconds."""
        return self.keep_days * 86_400.0
