"""The service: what the parts of its HTTP interface share."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

from atsal.serving.clock import Clock
from atsal.serving.dispatcher import Dispatcher
from atsal.serving.folders import DataFolder
from atsal.serving.gate.entrance import Gate
from atsal.serving.gate.tokens import Tokens
from atsal.serving.kinds import Kinds
from atsal.serving.metrics import Metrics
from atsal.serving.settings import Settings
from atsal.serving.sources.upload_store import UploadStore
from atsal.serving.store.database import Database, open_database, sqlite_url
from atsal.serving.store.jobs import JobStore
from atsal.serving.sweeper import Sweeper

STOP_S = 10.0  # for jobs and connections to end; a busy machine takes seconds more to end the process, and has 20


@dataclass(frozen=True)
class Service:
    """What routes work with."""

    settings: Settings
    kinds: Kinds
    data: DataFolder
    database: Database
    jobs: JobStore
    clock: Clock
    dispatcher: Dispatcher
    sweeper: Sweeper
    metrics: Metrics
    uploads: UploadStore
    gate: Gate
    is_stopping: Event = field(default_factory=Event)  # streams of events end

    def expires_s(self) -> float:
        """Return when a job that ends now is removed."""
        return self.clock.now_s() + self.settings.keep_s

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run jobs in the block; at its end, those that do not end soon wait for the next start."""
        self.dispatcher.start()
        self.sweeper.start()
        try:
            yield
        finally:
            self.stop_soon()
            self.dispatcher.stop(STOP_S)
            self.sweeper.stop()
            self.database.close()

    def stop_soon(self) -> None:
        """Begin to stop: no new jobs begin, and streams of events end."""
        self.is_stopping.set()
        self.dispatcher.stop_soon(STOP_S)


def open_service(settings: Settings, kinds: Kinds, clock: Clock | None = None) -> Service:
    """Open the data folder and the store.

    Raises `OutputError` for a folder that cannot be written, `StoreError`, and what `open_database` raises.
    """
    clock = clock or Clock()
    data = DataFolder(settings.data)
    data.create()
    database = open_database(settings.database or sqlite_url(data.database))
    jobs = JobStore(database)
    metrics = Metrics(jobs, data)
    dispatcher = Dispatcher(jobs, data, kinds, settings, clock, metrics)
    gate = Gate(settings.gate, Tokens(database, clock), settings.host)
    uploads = UploadStore(database, data.uploads)
    sweeper = Sweeper(jobs, uploads, data, clock, settings.keep_s)
    return Service(settings, kinds, data, database, jobs, clock, dispatcher, sweeper, metrics, uploads, gate)
