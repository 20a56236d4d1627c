"""Which weights of a run are the best by validation, when to stop, and whether training helped."""

import math
from collections.abc import Mapping, Sequence

from atsal.evaluation.metric_registry import metric_named
from atsal.training.checkpoint import Progress
from atsal.training.config import ValidationConfig
from atsal.training.sources import Source
from atsal.untrusted.text import plural

_FEW_ITEMS = 10
_LEAST_GAIN = 1e-4  # over the score before training: what a report shows, and more than rounding


def note_scores(progress: Progress, scores: Mapping[str, float], chosen: ValidationConfig) -> bool:
    """Note the scores of a validation in `progress`, and return whether they are the best so far.

    Epoch 0 is before training. After too many validations without a better score, the run is finished. A score that is
    not finite is never the best.
    """
    score, sign = scores[chosen.metric], metric_named(chosen.metric).sign
    progress.scores = dict(scores)
    if not math.isfinite(score):
        return False
    if progress.epoch == 0:
        progress.before = score
    elif progress.best_after is None or sign * score > sign * progress.best_after:
        progress.best_after = score
    margin = _LEAST_GAIN if progress.best_epoch == 0 else 0.0
    if progress.best is None or sign * (score - progress.best) > margin:
        progress.best, progress.best_epoch, progress.without_better = score, progress.epoch, 0
        return True
    progress.without_better += 1
    if chosen.patience is not None and progress.without_better >= chosen.patience:
        progress.finished = (
            f"no better {chosen.metric} in {chosen.patience} validations since epoch {progress.best_epoch}"
        )
    return False


def describe_gain(progress: Progress, metric: str, trained: Sequence[Source], held_out: Sequence[Source]) -> str | None:
    """Return a sentence on whether training helped; None if the score before training is not known."""
    if progress.before is None or progress.best_after is None:
        return None
    scores = f"{metric} {progress.before:.4f} before training, {progress.best_after:.4f} after"
    items = _items(held_out)
    on = f"on {plural(len(items), 'item')}{_doubt(len(items), len(items & _items(trained)))}"
    if progress.best_epoch == 0:
        return f"training did not help: {scores} the best epoch, {on}. The weights are those from before training."
    return f"training helped: {scores} epoch {progress.best_epoch}, {on}."


def _items(sources: Sequence[Source]) -> set[tuple[str, str]]:
    return {(str(source.config.folder.resolve()), item) for source in sources for item in source.items}


def _doubt(count: int, trained_on: int) -> str:
    if trained_on:
        return f", {trained_on} of which it was trained on: this says nothing about other items"
    few = "; so few items may differ by chance" if count < _FEW_ITEMS else ""
    return f" that it was not trained on{few}"
