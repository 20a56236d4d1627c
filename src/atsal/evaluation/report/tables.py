"""The figures of a report, computed once: what every format then writes.

Best in a column is the best mean among rows that can be compared: no ceiling, nothing that was trained on scored items,
and no mean over fewer items than another row's.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from atsal.evaluation.protocol import Protocol
from atsal.evaluation.published_scores import PublishedRow, published_rows
from atsal.evaluation.report.words import KINDS, LABELS, STREAMS, number, split_stream
from atsal.evaluation.results import (
    HIGHER_IS_BETTER,
    DatasetResult,
    Estimate,
    Kind,
    Result,
    Run,
    difference,
    estimate,
)
from atsal.untrusted.text import plural, shorten_list

_FEW = 10  # items
TextsOf = Callable[[Run], Iterable[str]]


@dataclass(frozen=True)
class Cell:
    """One predictor by one metric."""

    estimate: Estimate
    best: bool = False


@dataclass(frozen=True)
class Difference:
    """A predictor minus the reference, on the items that both have."""

    estimate: Estimate
    better: float | None  # share of those items where the predictor is the better one
    verdict: int  # 1, -1: better, worse, the whole interval; 0: neither, or no interval


@dataclass(frozen=True)
class Row:
    """One predictor."""

    predictor: str
    kind: Kind
    items: int
    in_sample: int  # of those items: it was trained on them
    cells: Mapping[str, Cell]  # by metric
    differences: Mapping[str, Difference]  # by metric; none for the reference itself, or without one

    @property
    def mark(self) -> str:
        """The sign of rows that were trained on what they are scored on."""
        return "†" if self.in_sample else ""


@dataclass(frozen=True)
class Contrast:
    """A model's fused map minus one of its streams: what the fusion adds."""

    name: str  # "lite: fused − attention"
    differences: Mapping[str, Difference]  # by metric


@dataclass(frozen=True)
class Remark:
    """Something a reader must know of the figures."""

    kind: str  # failed, reference, missing, in-sample, skipped, undefined, note
    text: str


@dataclass(frozen=True)
class Table:
    """All figures of one data set."""

    name: str
    title: str
    protocol: Protocol
    rows: tuple[Row, ...]  # by kind, in the order of the benchmark; ceilings last
    reference: str | None  # None where it has no scores here
    contrasts: tuple[Contrast, ...]
    remarks: tuple[Remark, ...]
    published: tuple[PublishedRow, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """In the order of the protocol."""
        return self.protocol.metrics

    def by_kind(self) -> list[tuple[str, list[Row]]]:
        """Heading and rows of each kind that has any."""
        groups = [(heading, [row for row in self.rows if row.kind == kind]) for kind, heading in KINDS.items()]
        return [(heading, rows) for heading, rows in groups if rows]

    def leading(self, metric: str) -> str | None:
        """The best predictor that can be compared, a baseline only where there is nothing else."""
        able = [r for r in self.rows if r.kind != "ceiling" and not r.in_sample and r.cells[metric].estimate.count]
        chosen = [row for row in able if row.kind != "baseline"] or able
        most = max((row.cells[metric].estimate.count for row in chosen), default=0)
        sign = 1 if HIGHER_IS_BETTER[metric] else -1
        means = {
            row.predictor: sign * (row.cells[metric].estimate.mean or 0)
            for row in chosen
            if row.cells[metric].estimate.count == most
        }
        return max(means, key=means.__getitem__) if means else None


def gather(result: Result, *, resamples: int, seed: int) -> tuple[Table, ...]:
    """The figures of each data set; `resamples` and `seed` are those of the intervals."""
    return tuple(_table(dataset, result.reference, resamples, seed) for dataset in result.datasets)


def _table(dataset: DatasetResult, reference: str | None, resamples: int, seed: int) -> Table:
    metrics = dataset.protocol.metrics
    estimates = {
        run.predictor: {metric: estimate(run, metric, resamples=resamples, seed=seed) for metric in metrics}
        for run in dataset.runs
    }
    best = {metric: _best(dataset.runs, metric, estimates) for metric in metrics}
    against = None if reference is None else dataset.run(reference)
    rows = tuple(
        Row(
            predictor=run.predictor,
            kind=run.kind,
            items=len(run.items),
            in_sample=len(run.in_sample),
            cells={m: Cell(estimates[run.predictor][m], run.predictor in best[m]) for m in metrics},
            differences=_differences(run, against, metrics, resamples, seed),
        )
        for kind in KINDS
        for run in dataset.runs
        if run.kind == kind
    )
    return Table(
        name=dataset.name,
        title=dataset.title,
        protocol=dataset.protocol,
        rows=rows,
        reference=None if against is None else reference,
        contrasts=tuple(_contrasts(dataset, resamples, seed)),
        remarks=_remarks(dataset, reference),
        published=published_rows(dataset.dataset, dataset.protocol, whole=not dataset.unprepared),
    )


def _best(runs: Iterable[Run], metric: str, estimates: Mapping[str, Mapping[str, Estimate]]) -> set[str]:
    """The predictors to set in bold: the best, and those that print as the same number."""
    comparable = {
        run.predictor: estimates[run.predictor][metric]
        for run in runs
        if run.kind != "ceiling" and not run.in_sample and estimates[run.predictor][metric].mean is not None
    }
    most = max((found.count for found in comparable.values()), default=0)
    means = {name: found.mean for name, found in comparable.items() if found.count == most and found.mean is not None}
    if not means:
        return set()
    top = number(max(means.values()) if HIGHER_IS_BETTER[metric] else min(means.values()))
    return {name for name, mean in means.items() if number(mean) == top}


def _differences(
    run: Run, reference: Run | None, metrics: Iterable[str], resamples: int, seed: int
) -> dict[str, Difference]:
    if reference is None or run.predictor == reference.predictor or run.kind == "ceiling":  # it has another truth
        return {}
    return {metric: _difference(run, reference, metric, resamples, seed) for metric in metrics}


def _contrasts(dataset: DatasetResult, resamples: int, seed: int) -> Iterable[Contrast]:
    for run in dataset.runs:
        name, stream = split_stream(run.predictor) or ("", "")
        for other in STREAMS if stream == "fused" else ():
            alone = dataset.run(f"{name}: {other}")
            if alone is not None and other != stream:
                found = _differences(run, alone, dataset.protocol.metrics, resamples, seed)
                yield Contrast(f"{run.predictor}{' †' if run.in_sample else ''} − {other}", found)


def _difference(run: Run, reference: Run, metric: str, resamples: int, seed: int) -> Difference:
    found = difference(run, reference, metric, resamples=resamples, seed=seed)
    ours, theirs, sign = run.scores(metric), reference.scores(metric), 1 if HIGHER_IS_BETTER[metric] else -1
    signs = [sign * (ours[item] - theirs[item]) > 0 for item in ours if item in theirs]
    verdict = 0
    if found.low is not None and found.high is not None:
        verdict = sign * ((found.low > 0) - (found.high < 0))
    return Difference(found, sum(signs) / len(signs) if signs else None, verdict)


def _remarks(dataset: DatasetResult, reference: str | None) -> tuple[Remark, ...]:
    """What failed, is missing, was seen in training, was skipped, has no value; and the notes."""
    found = [Remark("failed", f"{name}: {why}") for name, why in dataset.failed.items()]
    for part, items in dataset.unprepared.items():
        text = f"{plural(len(items), 'item')} of part {part} are not in the prepared set: {shorten_list(items)}"
        found.append(Remark("not prepared", text))
    if reference is not None and dataset.run(reference) is None:
        found.append(Remark("reference", f"{reference} has no scores here; nothing is compared with it"))
    most = max((len(run.items) for run in dataset.runs), default=0)
    if 0 < most < _FEW:
        text = f"{plural(most, 'item')}: intervals are too narrow, and priors fitted on the other items are poor"
        found.append(Remark("few items", text))
    found += [Remark("note", text) for text in dataset.notes]
    found += [Remark("missing", text) for text in _shared(dataset.runs, _missing)]
    found += [Remark("in-sample", text) for text in _shared(dataset.runs, _in_sample)]
    found += [Remark("skipped", text) for text in _shared(dataset.runs, _skipped)]
    found += [Remark("undefined", text) for text in _shared(dataset.runs, _undefined)]
    found += [Remark("note", text) for text in _shared(dataset.runs, lambda run: run.notes)]
    return tuple(found)


def _shared(runs: tuple[Run, ...], texts: TextsOf) -> list[str]:
    """A line for each text, headed by the predictors that it is true of: most are true of all."""
    by_text: dict[str, list[str]] = {}
    for run in runs:
        for text in texts(run):
            by_text.setdefault(text, []).append(run.predictor)
    return [f"{_whom(names, [run.predictor for run in runs])}: {text}" for text, names in by_text.items()]


def _whom(names: Sequence[str], all_names: Sequence[str]) -> str:
    others = [name for name in all_names if name not in names]
    if len(all_names) > 1 and not others:
        return "all"
    return f"all but {shorten_list(others)}" if len(names) > max(2, 2 * len(others)) else shorten_list(names)


def _missing(run: Run) -> Iterable[str]:
    by_reason: dict[str, list[str]] = {}
    for item, why in run.missing.items():
        by_reason.setdefault(why, []).append(item)
    return [
        f"{plural(len(items), 'item')} not scored, {shorten_list(items)}: {why}" for why, items in by_reason.items()
    ]


def _in_sample(run: Run) -> Iterable[str]:
    if run.in_sample:
        yield f"was trained on {len(run.in_sample)} of the {len(run.items)} scored items: {shorten_list(run.in_sample)}"


def _skipped(run: Run) -> Iterable[str]:
    return [f"{plural(count, 'window')} not scored: {reason}" for reason, count in run.skipped.items()]


def _undefined(run: Run) -> Iterable[str]:
    """Windows without a value, and the metrics that have none there."""
    windows = sum(len(item.first_frames) for item in run.items)
    by_count: dict[int, list[str]] = {}
    for metric in dict.fromkeys(metric for item in run.items for metric in item.by_window):
        count = sum(item.undefined.get(metric, 0) for item in run.items)
        if count:
            by_count.setdefault(count, []).append(LABELS[metric])
    return [
        f"{', '.join(names)}: no value in {count:,} of {plural(windows, 'window')}" for count, names in by_count.items()
    ]
