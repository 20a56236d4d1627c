"""A discrete-event simulation of workers that predict chunks of films.

Each worker is a generator that yields the time at which it goes on; the earliest one goes on first. What they share,
the storage and the coordinator, are servers that do one job after another at a fixed rate.
"""

import heapq
import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from costs import READ_BYTES, Costs

Process = Generator[float, float, None]  # yields when it goes on, gets the time then
SERVERS = ("storage", "requests", "coordinator")


@dataclass(frozen=True)
class Cluster:
    """What there is."""

    workers: int
    cores: int = 1  # of each worker
    storage_bytes_per_s: float = math.inf
    requests_per_s: float = math.inf
    link_bytes_per_s: float = math.inf  # between a process and the storage
    hours_between_failures: float = math.inf  # mean, of a worker
    spreads: bool = False  # workers list the frames of films and join chunks; else the coordinator does


@dataclass
class Film:
    """A film, cut into chunks of one length."""

    seconds: float
    chunks: int
    left: int  # chunks that are not done


@dataclass
class Server:
    """It does one job after another."""

    rate: float  # amount a second
    free_s: float = 0.0
    busy_s: float = 0.0

    def take(self, now_s: float, amount: float) -> float:
        """Queue a job; return when it is done. A job of no amount does not wait."""
        if not amount:
            return now_s
        work_s = amount / self.rate
        self.busy_s += work_s
        self.free_s = max(now_s, self.free_s) + work_s
        return self.free_s


@dataclass(frozen=True)
class Result:
    """What came out of a run."""

    cluster: Cluster
    costs: Costs
    seconds: float  # until all films are done
    source_s: float  # predicted
    source_s_per_s: float  # predicted, in the middle half of the chunks
    busy_s: dict[str, float]  # of each server
    core_s: float  # of all processes
    chunks: int
    retries: int

    @property
    def share_of_ideal(self) -> float:
        """The time of workers that decode, predict, draw and write each frame once and do nothing else, over this."""
        return self.source_s * self.costs.own_s / (self.cluster.workers * self.cluster.cores * self.seconds)

    def busy_share(self, server: str) -> float:
        """The share of the time in which a server works."""
        return self.busy_s[server] / self.seconds

    def scaled(self, more_s: float) -> "Result":
        """Return the result with `more_s` of source at the rate of the middle."""
        if more_s <= 0:
            return self
        factor = 1 + more_s / self.source_s
        return replace(
            self,
            seconds=self.seconds + more_s / self.source_s_per_s,
            source_s=self.source_s + more_s,
            busy_s={name: busy * factor for name, busy in self.busy_s.items()},
            core_s=self.core_s * factor,
        )


class Run:
    """A run on some films, in their order."""

    def __init__(self, costs: Costs, cluster: Cluster, films: Sequence[Film]) -> None:
        self._costs, self._cluster, self._films = costs, cluster, films
        rates = (cluster.storage_bytes_per_s, cluster.requests_per_s, 1.0)
        self._servers = {name: Server(rate) for name, rate in zip(SERVERS, rates, strict=True)}
        self._rng = np.random.default_rng(0)
        self._chunks = ((film, number) for film in films for number in range(film.chunks))
        self._done: list[tuple[float, float]] = []  # when a chunk was done, and its length
        self._core_s, self._retries, self._end_s = 0.0, 0, 0.0

    def result(self) -> Result:
        """Run to the end."""
        processes = [self._work() for _ in range(self._cluster.workers)]
        queue = [(next(process), number) for number, process in enumerate(processes)]
        while queue:
            now_s, number = queue[0]
            try:
                heapq.heapreplace(queue, (processes[number].send(now_s), number))
            except StopIteration:
                heapq.heappop(queue)
        return Result(
            cluster=self._cluster,
            costs=self._costs,
            seconds=self._end_s,
            source_s=sum(film.seconds for film in self._films),
            source_s_per_s=self._rate(),
            busy_s={name: server.busy_s for name, server in self._servers.items()},
            core_s=self._core_s + self._servers["coordinator"].busy_s + self._costs.load_s,
            chunks=len(self._done),
            retries=self._retries,
        )

    def _rate(self) -> float:
        done = sorted(self._done)[len(self._done) // 4 : 3 * len(self._done) // 4 + 1]
        passed_s = done[-1][0] - done[0][0]
        return sum(length for _, length in done[1:]) / passed_s if passed_s else math.inf

    def _work(self) -> Process:
        """Load the model, after the coordinator did, and do chunks. The next one is asked for before one begins."""
        costs, cluster = self._costs, self._cluster
        own_load_s = costs.load_s if cluster.workers > 1 else 0.0  # a single worker is the coordinator itself
        self._core_s += own_load_s
        now_s = yield costs.load_s + own_load_s
        given_s, chunk = self._ask(now_s)
        while chunk is not None:
            now_s = yield max(now_s, given_s)
            given_s, following = self._ask(now_s)
            now_s = yield from self._predict(now_s, *chunk)
            chunk = following

    def _ask(self, now_s: float) -> tuple[float, tuple[Film, int] | None]:
        """Return the next chunk, and when it is there. The frames of a film are listed before it is cut."""
        chunk = next(self._chunks, None)
        if chunk is None:
            return now_s, None
        film, number = chunk
        given_s = self._servers["coordinator"].take(now_s, self._costs.task_s)
        return self._list(given_s, film) if film.chunks > 1 and not number else given_s, chunk

    def _list(self, now_s: float, film: Film) -> float:
        """Read a film twice: for its checksum, and for the list of its frames."""
        costs = self._costs
        size = 2 * film.seconds * costs.read_bytes
        return self._administer(now_s, costs.index_film_s + costs.index_s * film.seconds, size, size / READ_BYTES)

    def _join(self, now_s: float, film: Film) -> float:
        """Read the chunks and write the film, or move its files."""
        costs = self._costs
        size = 0.0 if costs.frame_files else 2 * film.seconds * costs.written_bytes
        work_s = costs.join_chunk_s * film.chunks + costs.join_s * film.seconds
        return self._administer(now_s, work_s, size, costs.write_requests(film.seconds))

    def _administer(self, now_s: float, work_s: float, size: float, requests: float) -> float:
        """Do what concerns a whole film, in the coordinator or in the worker that is at it; return when it is done."""
        moved_s = self._transfer(now_s, size, requests)
        if self._cluster.spreads:
            self._core_s += work_s
            return max(moved_s, now_s + work_s)
        busy_s = max(work_s, size / self._cluster.link_bytes_per_s)  # it does nothing else meanwhile
        return max(moved_s, self._servers["coordinator"].take(now_s, busy_s))

    def _predict(self, now_s: float, film: Film, number: int) -> Generator[float, float, float]:
        """Read and compute side by side, then write. A worker that fails starts again, and does the chunk again."""
        costs, cluster = self._costs, self._cluster
        own_s, warm_up_s = film.seconds / film.chunks, costs.warm_up_s if number else 0.0
        work_s = own_s * costs.own_s + warm_up_s * costs.warm_s
        reads = 1 if film.chunks > 1 else 2  # a film in one piece also for its checksum
        size = reads * (own_s + warm_up_s) * costs.read_bytes
        while True:
            self._core_s += work_s
            end_s = max(self._transfer(now_s, size, size / READ_BYTES), now_s + work_s / cluster.cores)
            failed_s = now_s + self._rng.exponential(cluster.hours_between_failures * 3600)
            if failed_s > end_s:
                break
            self._retries += 1
            self._core_s += costs.load_s
            now_s = yield failed_s + costs.load_s
        now_s = yield end_s
        now_s = yield self._transfer(now_s, own_s * costs.written_bytes, costs.write_requests(own_s))
        self._done.append((now_s, own_s))
        return self._end_chunk(now_s, film)

    def _transfer(self, now_s: float, size: float, requests: float) -> float:
        """Move bytes to or from the storage; return when they are there."""
        moved_s = self._servers["storage"].take(now_s, size)
        answered_s = self._servers["requests"].take(now_s, requests)
        return max(moved_s, answered_s, now_s + size / self._cluster.link_bytes_per_s)

    def _end_chunk(self, now_s: float, film: Film) -> float:
        """Join the chunks after the last one; return when the worker is free."""
        film.left -= 1
        joined_s = self._join(now_s, film) if film.chunks > 1 and not film.left else now_s
        self._end_s = max(self._end_s, joined_s)
        return joined_s if self._cluster.spreads else now_s
