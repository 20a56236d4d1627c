"""Simulate the prediction of many hours of video by many workers, from the costs that `measure.py` found.

    python benchmarks/scale/simulate.py --hours 1000000 --workers 1 10 100 1000

docs/scale.md states what is assumed. Long runs are not simulated to their end: `CHUNKS_PER_WORKER` chunks for each
worker, at least `MIN_CHUNKS`, give the rate of the middle half, and the remaining hours are added at that rate.
"""

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from cluster import SERVERS, Cluster, Film, Result, Run
from costs import RATE, Costs, costs_of, costs_of_clips

FILM_MINUTES = {1: 0.5, 10: 0.4, 100: 0.1}  # the length of a film, and the share of films of that length
CHUNKS_PER_WORKER, MIN_CHUNKS = 50, 5000
SEED = 1


def main() -> None:
    options = parse_options()
    measured = json.loads((Path(__file__).parent / "measured.json").read_text())
    if options.check:
        print(check(measured))
        return
    costs = costs_of(measured, options.work, options.source, options.runtime)
    results = [
        simulate(
            costs,
            Cluster(
                workers,
                cores=options.cores,
                storage_bytes_per_s=options.storage_mb * 1e6,
                requests_per_s=options.requests,
                link_bytes_per_s=options.link_mb * 1e6,
                hours_between_failures=options.failure_hours,
                spreads=options.spread,
            ),
            options.hours,
        )
        for workers in options.workers
    ]
    print(table(results, options.price))
    print(limits(results[0]))


def simulate(costs: Costs, cluster: Cluster, hours: float) -> Result:
    """Simulate `hours` of films; of a long run a representative part, scaled up."""
    most = max(MIN_CHUNKS, CHUNKS_PER_WORKER * cluster.workers)
    films, chunks, seconds = [], 0, 0.0
    for film in sample_films(costs, hours * 3600):
        films.append(film)
        chunks, seconds = chunks + film.chunks, seconds + film.seconds
        if chunks >= most:
            break
    return Run(costs, cluster, films).result().scaled(hours * 3600 - seconds)


def sample_films(costs: Costs, seconds: float) -> Iterator[Film]:
    """Yield films of mixed length, `seconds` in all."""
    rng = np.random.default_rng(SEED)
    minutes, shares = list(FILM_MINUTES), list(FILM_MINUTES.values())
    while seconds > 1e-6:
        length = min(seconds, 60.0 * rng.choice(minutes, p=shares))
        count = max(1, math.ceil(length / costs.chunk_s - 1e-9))
        yield Film(length, count, count)
        seconds -= length


@dataclass(frozen=True)
class SmallCase:
    """What `measure.py` measured, beside what is simulated of it. Times are those of the whole command."""

    workers: int
    measured_s: float
    measured_core_s: float
    simulated_s: float
    simulated_core_s: float


def small_cases(measured: dict[str, Any]) -> list[SmallCase]:
    """Simulate the clips that one worker and two predicted. Of several runs, the one of the least time counts."""
    clips = measured["workers"]
    cases = []
    for workers in (1, 2):
        runs = [run for run in clips["runs"] if run["workers"] == workers]
        films = [Film(clips["clip_s"], 1, 1) for _ in range(clips["clips"])]
        found = Run(costs_of_clips(measured), Cluster(workers), films).result()
        least_s, least_core_s = (min(run[name] for run in runs) for name in ("wall_s", "core_s"))
        cases.append(SmallCase(workers, least_s, least_core_s, found.seconds, found.core_s))
    return cases


@dataclass(frozen=True)
class QuietCase:
    """A run of two workers on a machine that did nothing else: clips of so many frames, 1920 x 960, as maps."""

    clips: int
    measured_s: float
    simulated_s: float


QUIET_CLIP_FRAMES = 57
QUIET_RUNS_S = {16: 16.7, 48: 39.3}  # `predict --workers 2`, by the number of clips: docs/scale.md


def quiet_cases(measured: dict[str, Any]) -> list[QuietCase]:
    """Simulate these. Decoding was measured of 2160 x 1080, and costs as many core seconds as there are pixels."""
    costs, decoding_s = costs_of(measured, "maps", "2k", "openvino"), measured["parts"]["core_s_per_source_s"]
    saved_s = decoding_s["decode_2k_for_maps"] * (1 - (1920 * 960) / (2160 * 1080))
    costs = replace(costs, warm_s=costs.warm_s - saved_s, own_s=costs.own_s - saved_s)
    cases = []
    for clips, measured_s in QUIET_RUNS_S.items():
        films = [Film(QUIET_CLIP_FRAMES / RATE, 1, 1) for _ in range(clips)]
        found = Run(costs, Cluster(2, spreads=True), films).result()
        cases.append(QuietCase(clips, measured_s, found.seconds))
    return cases


def check(measured: dict[str, Any]) -> str:
    """Return the small cases as tables of Markdown."""
    return "\n\n".join(map(cases_table, (small_cases(measured), quiet_cases(measured))))


def cases_table(cases: Sequence[SmallCase] | Sequence[QuietCase]) -> str:
    names = [field.name for field in fields(cases[0])]
    rows = [" | ".join(f"{value:.3g}" for value in astuple(case)) for case in cases]
    return "\n".join(f"| {row} |" for row in [" | ".join(names), " | ".join(["---"] * len(names)), *rows])


def table(results: Sequence[Result], price: float) -> str:
    """Return the results as a table of Markdown."""
    head = ["workers", "time", "worker hours", "per hour of video", "share of ideal", *SERVERS, "done again"]
    rows = [head + ["cost"] * bool(price)]
    rows.append(["---"] * len(rows[0]))
    for result in results:
        worker_h = result.seconds * result.cluster.workers / 3600
        shares = (result.share_of_ideal, *map(result.busy_share, SERVERS))
        rows.append(
            [
                f"{result.cluster.workers:,}",
                duration(result.seconds),
                f"{worker_h:,.0f}",
                f"{worker_h / (result.source_s / 3600):.2f}",
                *(f"{share:.0%}" for share in shares),
                f"{result.retries / result.chunks:.2%}",
                *([f"{worker_h * price:,.0f}"] if price else []),
            ]
        )
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def limits(result: Result) -> str:
    """Say how many workers each shared part could serve, judged by its load from the fewest workers."""
    most = {name: result.cluster.workers / result.busy_share(name) for name in SERVERS}
    return "one part is enough for about: " + ", ".join(
        f"{name} {count:,.0f} workers" for name, count in sorted(most.items(), key=lambda pair: pair[1])
    )


def duration(seconds: float) -> str:
    for unit, length in (("years", 365 * 86400), ("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:.0f} s"


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="show what was measured of small cases beside it")
    parser.add_argument("--hours", type=float, default=1e6, help="of video")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 10, 100, 1000])
    parser.add_argument("--cores", type=int, default=1, help="of a worker, shared perfectly")
    parser.add_argument("--work", choices=("maps", "overlay"), default="overlay", help="maps: one .npy file a frame")
    parser.add_argument("--source", choices=("2k", "4k"), default="4k", help="2160 x 1080 or 3840 x 1920, as measured")
    parser.add_argument("--runtime", choices=("openvino", "torch"), default="openvino")
    parser.add_argument("--storage-mb", type=float, default=1250.0, help="MB a second of the shared storage")
    parser.add_argument("--requests", type=float, default=3500.0, help="a second that the storage answers")
    parser.add_argument("--link-mb", type=float, default=125.0, help="MB a second between a worker and the storage")
    parser.add_argument("--failure-hours", type=float, default=1000.0, help="mean time between failures of a worker")
    parser.add_argument("--spread", action="store_true", help="workers list frames and join, not the coordinator")
    parser.add_argument("--price", type=float, default=0.0, help="of an hour of a worker, in your currency")
    return parser.parse_args()


if __name__ == "__main__":
    main()
