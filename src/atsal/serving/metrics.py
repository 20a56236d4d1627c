"""What is measured, for Prometheus. The registry is the service's own, not that of the process."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from atsal.errors import StoreError
from atsal.serving.folders import DataFolder
from atsal.serving.job import State
from atsal.serving.store.jobs import JobStore

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_JOB_SECONDS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)
_REQUEST_SECONDS = (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)


class Metrics:
    """The figures of this server process, and of the store that it shares with others."""

    def __init__(self, jobs: JobStore, data: DataFolder) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Now(jobs, data))
        self._ended = Counter("atsal_jobs_ended", "Jobs that ended here.", ["kind", "state"], registry=self.registry)
        self._job_seconds = Histogram(
            "atsal_job_seconds", "How long jobs ran.", ["kind"], buckets=_JOB_SECONDS, registry=self.registry
        )
        self._requests = Counter(
            "atsal_requests", "Answers by route and status.", ["method", "route", "status"], registry=self.registry
        )
        self._request_seconds = Histogram(
            "atsal_request_seconds",
            "Time until the head of an answer.",
            ["route"],
            buckets=_REQUEST_SECONDS,
            registry=self.registry,
        )

    def count_job(self, kind: str, state: State, seconds: float | None) -> None:
        """Note that a job ended after so many seconds of running; None: it never ran."""
        self._ended.labels(kind, state).inc()
        if seconds is not None:
            self._job_seconds.labels(kind).observe(seconds)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note an answer; `route` has the names of parameters, not their values."""
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return all figures in the format of Prometheus."""
        return generate_latest(self.registry)


class _Now(Collector):
    """Figures that are read when they are asked for."""

    def __init__(self, jobs: JobStore, data: DataFolder) -> None:
        self._jobs, self._data = jobs, data

    def collect(self) -> Iterable[Metric]:
        """Yield the jobs in the store and the space on the disk."""
        free = GaugeMetricFamily("atsal_disk_free_bytes", "Space on the disk of the data folder.")
        free.add_metric([], self._data.free_bytes())
        yield free
        jobs = GaugeMetricFamily(
            "atsal_jobs", "Jobs in the store; waiting ones are the queue.", labels=["state", "kind"]
        )
        try:
            for (state, kind), count in self._jobs.counts().items():
                jobs.add_metric([state, kind], count)
        except StoreError:  # /readyz says so
            return
        yield jobs
