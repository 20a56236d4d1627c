"""The numbers of a report, computed once for all formats.

The best mean of a metric is taken among rows that can be compared: no ceilings, nothing that knows scored items, and
no mean over fewer items than another row's.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from atsal.evaluation.benchmark_config import STREAM_ORDER
from atsal.evaluation.metric_registry import metric_named
from atsal.evaluation.published_scores import PublishedRow, published_rows
from atsal.evaluation.report.remarks import Remark, remarks_on
from atsal.evaluation.report.table import number
from atsal.evaluation.results import (
    DatasetResult,
    Estimate,
    PredictorKind,
    Result,
    Run,
    difference,
    estimate,
)

KINDS: dict[PredictorKind, str] = {
    "baseline": "Baselines",
    "model": "Models",
    "maps": "Given maps",
    "ceiling": "Ceiling",
}


@dataclass(frozen=True)
class Difference:
    """A run minus another one, on the items that both have."""

    estimate: Estimate
    better: float | None  # share of these items where the run is the better one
    verdict: int  # 1 or -1: better or worse by the whole interval; 0: neither, or no interval


@dataclass(frozen=True)
class RunStatistics:
    """One predictor."""

    run: Run
    estimates: Mapping[str, Estimate]  # by metric
    best: frozenset[str]  # metrics by which it is the best
    differences: Mapping[str, Difference]  # by metric; none for the reference itself, or without one

    @property
    def name(self) -> str:
        """The name in tables, with a mark if it knows scored items."""
        return f"{self.run.predictor} †" if self.run.in_sample else self.run.predictor


@dataclass(frozen=True)
class DatasetStatistics:
    """All numbers of one data set."""

    result: DatasetResult
    rows: tuple[RunStatistics, ...]  # by kind, in the order of the benchmark; ceilings last
    reference: str | None  # None if it has no scores here
    contrasts: Mapping[str, Mapping[str, Difference]]  # "lite: fused − attention" -> by metric
    remarks: tuple[Remark, ...]
    published: tuple[PublishedRow, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """In the order of the protocol."""
        return self.result.protocol.metrics

    def by_kind(self) -> list[tuple[str, list[RunStatistics]]]:
        """Return heading and rows of each kind that has any."""
        groups = [(heading, [row for row in self.rows if row.run.kind == kind]) for kind, heading in KINDS.items()]
        return [(heading, rows) for heading, rows in groups if rows]

    def leading(self, metric: str) -> RunStatistics | None:
        """Return the best row that can be compared; a baseline only if there is nothing else."""
        rows = [row for row in self.rows if row.run.kind != "baseline"]
        estimates = {row.run.predictor: row.estimates[metric] for row in self.rows}
        means = _comparable_means([row.run for row in rows], estimates)
        means = means or _comparable_means([row.run for row in self.rows], estimates)
        sign = metric_named(metric).sign
        name = max(means, key=lambda name: sign * means[name]) if means else None
        return next((row for row in self.rows if row.run.predictor == name), None)


def compute_statistics(result: Result, *, resamples: int, seed: int) -> tuple[DatasetStatistics, ...]:
    """Return the numbers of each data set; `resamples` and `seed` are those of the intervals."""
    return tuple(_of_dataset(dataset, result.reference, resamples, seed) for dataset in result.datasets)


def split_stream(predictor: str) -> tuple[str, str] | None:
    """Return ("lite", "fused") for "lite: fused"; None for names without a stream."""
    name, _, stream = predictor.rpartition(": ")
    return (name, stream) if name and stream in STREAM_ORDER else None


def _of_dataset(dataset: DatasetResult, reference: str | None, resamples: int, seed: int) -> DatasetStatistics:
    metrics = dataset.protocol.metrics
    by_metric = {
        m: {run.predictor: estimate(run, m, resamples=resamples, seed=seed) for run in dataset.runs} for m in metrics
    }
    best = {m: _best(dataset.runs, m, by_metric[m]) for m in metrics}
    reference_run = None if reference is None else dataset.run(reference)
    rows = tuple(
        RunStatistics(
            run,
            estimates={m: by_metric[m][run.predictor] for m in metrics},
            best=frozenset(m for m in metrics if run.predictor in best[m]),
            differences=_differences(run, reference_run, metrics, resamples, seed),
        )
        for kind in KINDS
        for run in dataset.runs
        if run.kind == kind
    )
    return DatasetStatistics(
        dataset,
        rows,
        None if reference_run is None else reference,
        dict(_contrasts(dataset, resamples, seed)),
        remarks_on(dataset, reference),
        published_rows(dataset.dataset, dataset.protocol, whole=not dataset.unprepared),
    )


def _comparable_means(runs: Iterable[Run], estimates: Mapping[str, Estimate]) -> dict[str, float]:
    """Predictor -> mean, of the runs that can be compared."""
    found = {r.predictor: estimates[r.predictor] for r in runs if r.kind != "ceiling" and not r.in_sample}
    most = max((e.count for e in found.values() if e.mean is not None), default=0)
    return {name: e.mean for name, e in found.items() if e.mean is not None and e.count == most}


def _best(runs: Iterable[Run], metric: str, estimates: Mapping[str, Estimate]) -> set[str]:
    """The predictors to set in bold: the best, and those that print as the same number."""
    means = _comparable_means(runs, estimates)
    if not means:
        return set()
    top = number(max(means.values()) if metric_named(metric).higher_is_better else min(means.values()))
    return {name for name, mean in means.items() if number(mean) == top}


def _differences(
    run: Run, reference: Run | None, metrics: Iterable[str], resamples: int, seed: int
) -> dict[str, Difference]:
    """The differences by metric; none for ceilings, which are scored against another ground truth."""
    if reference is None or run.predictor == reference.predictor or run.kind == "ceiling":
        return {}
    return {metric: _difference(run, reference, metric, resamples, seed) for metric in metrics}


def _difference(run: Run, reference: Run, metric: str, resamples: int, seed: int) -> Difference:
    found = difference(run, reference, metric, resamples=resamples, seed=seed)
    first, second, sign = run.scores(metric), reference.scores(metric), metric_named(metric).sign
    better = [sign * (first[item] - second[item]) > 0 for item in first if item in second]
    verdict = 0
    if found.low is not None and found.high is not None:
        verdict = sign * ((found.low > 0) - (found.high < 0))
    return Difference(found, sum(better) / len(better) if better else None, verdict)


def _contrasts(dataset: DatasetResult, resamples: int, seed: int) -> Iterator[tuple[str, dict[str, Difference]]]:
    """The fused map of each model minus each of its streams: what the fusion adds."""
    for run in dataset.runs:
        name, stream = split_stream(run.predictor) or ("", "")
        for other in STREAM_ORDER[:-1] if stream == "fused" else ():
            alone = dataset.run(f"{name}: {other}")
            if alone is not None:
                found = _differences(run, alone, dataset.protocol.metrics, resamples, seed)
                yield f"{run.predictor}{' †' if run.in_sample else ''} − {other}", found
