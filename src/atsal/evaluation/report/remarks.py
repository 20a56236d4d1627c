"""What a reader must know about the numbers of a report: what failed, is missing, was skipped or has no value."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from atsal.evaluation.metric_registry import metric_named
from atsal.evaluation.results import DatasetResult, Run
from atsal.untrusted.text import plural, shorten_list

_FEW_ITEMS = 10


@dataclass(frozen=True)
class Remark:
    """One remark."""

    kind: str  # failed, not prepared, reference, few items, missing, in-sample, skipped, undefined, note
    text: str


def remarks_on(dataset: DatasetResult, reference: str | None) -> tuple[Remark, ...]:
    """Return the remarks on one data set, the most important first."""
    found = [Remark("failed", f"{name}: {why}") for name, why in dataset.failed.items()]
    for part, items in dataset.unprepared.items():
        text = f"{plural(len(items), 'item')} of part {part} are not in the prepared set: {shorten_list(items)}"
        found.append(Remark("not prepared", text))
    if reference is not None and dataset.run(reference) is None:
        found.append(Remark("reference", f"{reference} has no scores here; nothing is compared with it"))
    most = max((len(run.items) for run in dataset.runs), default=0)
    if 0 < most < _FEW_ITEMS:
        text = f"{plural(most, 'item')}: intervals are too narrow, and priors fitted on the other items are poor"
        found.append(Remark("few items", text))
    found += [Remark("note", text) for text in dataset.notes]
    of_runs: dict[str, Callable[[Run], Iterable[str]]] = {
        "missing": _missing,
        "in-sample": _in_sample,
        "skipped": _skipped,
        "undefined": _undefined,
        "note": lambda run: run.notes,
    }
    for kind, texts_of in of_runs.items():
        found += [Remark(kind, text) for text in _merged(dataset.runs, texts_of)]
    return tuple(found)


def _merged(runs: Sequence[Run], texts_of: Callable[[Run], Iterable[str]]) -> list[str]:
    """Each text once, with the predictors that it is true of: most are true of all."""
    predictors: dict[str, list[str]] = {}
    for run in runs:
        for text in texts_of(run):
            predictors.setdefault(text, []).append(run.predictor)
    return [f"{_names(found, [run.predictor for run in runs])}: {text}" for text, found in predictors.items()]


def _names(names: Sequence[str], all_names: Sequence[str]) -> str:
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
    for how, items in run.seen.items():
        yield f"{how} {len(items)} of the {len(run.items)} scored items: {shorten_list(items)}"


def _skipped(run: Run) -> Iterable[str]:
    return [f"{plural(count, 'window')} not scored: {reason}" for reason, count in run.skipped.items()]


def _undefined(run: Run) -> Iterable[str]:
    """The metrics that have no value in some windows."""
    windows = plural(sum(len(item.first_frames) for item in run.items), "window")
    metrics_by_count: dict[int, list[str]] = {}
    for metric in dict.fromkeys(metric for item in run.items for metric in item.by_window):
        count = sum(item.undefined.get(metric, 0) for item in run.items)
        if count:
            metrics_by_count.setdefault(count, []).append(metric_named(metric).label)
    return [f"{', '.join(names)}: no value in {count:,} of {windows}" for count, names in metrics_by_count.items()]
