"""The scores of one item: of predicted maps against the gaze, and of the viewers against each other."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from atsal.errors import DataError
from atsal.evaluation.ground_truth import Floats, Gaze, GroundTruth
from atsal.evaluation.metric_registry import metric_named
from atsal.evaluation.metrics import all_metrics, cc
from atsal.evaluation.priors import OtherItems, add_floor
from atsal.evaluation.results import LATITUDE_BANDS, ItemScores, mean
from atsal.gaze.maps import Window
from atsal.gaze.records import PlanarFixations

NO_FIXATION = "no fixation in the window"
NO_MAP = "no map of the window"
TOO_FEW_VIEWERS = "gaze of too few viewers in the window"
AS_IT_IS = "as it is"
_CLEARLY_BETTER = 0.1  # difference of CC
WindowScores = dict[str, float | None]  # by metric; None: not defined


class ItemScorer:
    """Scores maps of one item by `metrics` (by default those of the protocol)."""

    def __init__(self, truth: GroundTruth, item: str, others: OtherItems, metrics: Sequence[str] | None = None) -> None:
        self._truth = truth
        self._item = item
        self._size = truth.size(item)
        self._weights = truth.weights()
        self._other_fixations = others.fixation_map()
        self._prior = others.equator_prior()
        self._metrics = [metric_named(name) for name in (metrics or truth.protocol.metrics)]
        self._rows: list[tuple[int, WindowScores, int]] = []  # first frame, scores, fixations
        self.skipped: Counter[str] = Counter()

    def score(self, prediction: Floats, gaze: Gaze, seed: int, target: Floats | None = None) -> WindowScores:
        """Return the scores of one map (H, W) against gaze; `target` is the measured map, made if not given."""
        truth = self._truth
        scores = all_metrics(
            truth.saliency_map(gaze, self._size) if target is None else target,
            prediction,
            truth.fixation_map(gaze, self._size),
            other_fixations=self._other_fixations,
            baseline=self._prior,
            weights=self._weights,
            seed=seed,
            metrics=self._metrics,
        )
        return {metric: float(value) if math.isfinite(value) else None for metric, value in scores.items()}

    def mean_scores(self, rows: Sequence[WindowScores]) -> WindowScores:
        """Return the mean of each metric over several scores of one window."""
        return {metric.name: mean(row[metric.name] for row in rows) for metric in self._metrics}

    def add(self, window: Window | None, scores: WindowScores, gaze: Gaze) -> None:
        """Keep the scores of a window."""
        self._rows.append((0 if window is None else window.first_frame, scores, len(gaze)))

    def item_scores(self) -> ItemScores:
        """Return all scores that were kept."""
        return ItemScores(
            item=self._item,
            first_frames=tuple(frame for frame, _, _ in self._rows),
            by_window={m.name: tuple(scores[m.name] for _, scores, _ in self._rows) for m in self._metrics},
            fixations=sum(count for _, _, count in self._rows),
            skipped=dict(self.skipped),
            measured_latitudes=_latitudes_of_gaze(self._truth.gaze(self._item)),
        )


def score_item(
    truth: GroundTruth,
    item: str,
    others: OtherItems,
    maps: Iterable[tuple[int, Floats]],
    metrics: Sequence[str] | None = None,
) -> ItemScores:
    """Score the maps of an item, given as (index of the window, map at the compared size) in order.

    Windows without a fixation or a map are skipped and counted.
    """
    windows, scorer = truth.windows(item), ItemScorer(truth, item, others, metrics)
    planar = truth.protocol.is_planar
    latitudes, total, maps_seen = np.zeros(0 if planar else LATITUDE_BANDS), np.zeros(truth.size(item)), 0
    for index, prediction in maps:
        window, maps_seen = windows[index], maps_seen + 1
        gaze = truth.gaze(item, window)
        if not len(gaze):
            scorer.skipped[NO_FIXATION] += 1
            continue
        scorer.add(window, scorer.score(prediction, gaze, index), gaze)
        if not planar:
            latitudes += _latitudes_of_map(prediction)
        total += prediction
    if maps_seen < len(windows):
        scorer.skipped[NO_MAP] += len(windows) - maps_seen
    shares = latitudes / latitudes.sum() if latitudes.sum() else latitudes
    return replace(
        scorer.item_scores(),
        predicted_latitudes=tuple(shares.tolist()),
        turned=_scores_of_orientations(truth, item, total),
    )


def _scores_of_orientations(truth: GroundTruth, item: str, prediction: Floats) -> dict[str, float]:
    """The CC of a map with all gaze on the item, as it is and in the orientations that tools often mistake."""
    measured, weights = truth.saliency_map(truth.gaze(item), truth.size(item)), truth.weights()
    orientations = {
        AS_IT_IS: prediction,
        "mirrored left to right": prediction[:, ::-1],
        "turned upside down": prediction[::-1],
    }
    if not truth.protocol.is_planar:
        orientations["turned by 180° about the vertical axis"] = np.roll(prediction, prediction.shape[1] // 2, 1)
    scores = {name: float(cc(measured, turned, weights=weights)) for name, turned in orientations.items()}
    return {name: score for name, score in scores.items() if math.isfinite(score)}


def mistaken_orientation(items: Sequence[ItemScores]) -> str | None:
    """Return a note if maps agree clearly better with the gaze in another orientation, on most of at least 3 items."""
    found = [item.turned for item in items if AS_IT_IS in item.turned]
    if len(found) < 3:
        return None
    by_orientation = {name: np.array([scores.get(name, -1.0) for scores in found]) for name in found[0]}
    name = max(by_orientation, key=lambda name: float(by_orientation[name].mean()))
    best, own = by_orientation[name], by_orientation[AS_IT_IS]
    if (best - own).mean() <= _CLEARLY_BETTER or (best > own).mean() <= 0.75:
        return None
    scores = f"CC {best.mean():.2f} instead of {own.mean():.2f}, of mean maps"
    return f"agree better with the gaze when {name} ({scores}): check their orientation"


def score_viewers(
    truth: GroundTruth,
    item: str,
    others: OtherItems,
    repeats: int,
    seed: int,
    metrics: Sequence[str] | None = None,
) -> ItemScores:
    """Score how well half of the viewers predicts the other half: the mean over `repeats` random halves.

    The map of one half, with the floor of priors, is the prediction. Map and fixations of the other half are the ground
    truth. Raises `DataError` for an item with fewer than two viewers.
    """
    scorer = ItemScorer(truth, item, others, metrics)
    observers = np.array(truth.gaze(item).observers)
    if len(observers) < 2:
        raise DataError(f"{item}: gaze of {len(observers)} viewer; a half cannot predict the other")
    rng = np.random.default_rng(seed)
    halves = [rng.permutation(observers)[: len(observers) // 2] for _ in range(repeats)]
    for index, window in enumerate(truth.windows(item)):
        gaze = truth.gaze(item, window)
        rows = list(_scores_of_halves(scorer, truth, item, gaze, halves, index)) if len(gaze) else []
        if rows:
            scorer.add(window, scorer.mean_scores(rows), gaze)
        else:
            scorer.skipped[TOO_FEW_VIEWERS if len(gaze) else NO_FIXATION] += 1
    return scorer.item_scores()


def _scores_of_halves(
    scorer: ItemScorer, truth: GroundTruth, item: str, gaze: Gaze, halves: list[np.ndarray], seed: int
) -> Iterator[WindowScores]:
    of_all = truth.saliency_map(gaze, truth.size(item)).astype(np.float64)
    for half in halves:
        in_half = np.isin(gaze.observer, half)
        if in_half.any() and not in_half.all():
            predicted = truth.saliency_map(gaze.select(in_half), truth.size(item)).astype(np.float64)
            target = (of_all - predicted).clip(min=0)  # maps are sums over fixations
            yield scorer.score(add_floor(truth, predicted), gaze.select(~in_half), seed, target)


def _latitudes_of_map(density: Floats) -> Floats:
    """Share of a map (H, 2H) in each band of latitude, from the north; a row in two bands is divided."""
    height = len(density)
    rows = np.cos((np.arange(height) + 0.5) / height * math.pi - math.pi / 2) * density.sum(1)
    cumulated = np.concatenate([[0], rows.cumsum()])
    borders = np.linspace(0, height, LATITUDE_BANDS + 1)
    found: Floats = np.diff(np.interp(borders, np.arange(height + 1), cumulated))
    total = found.sum()
    return np.asarray(found / total if total else found)


def _latitudes_of_gaze(gaze: Gaze) -> tuple[float, ...]:
    """Share of fixations in each band of latitude, from the north; () for flat photos."""
    if isinstance(gaze, PlanarFixations):
        return ()
    counts = np.histogram(-gaze.lat_rad, LATITUDE_BANDS, (-math.pi / 2, math.pi / 2))[0]
    return tuple(float(share) for share in counts / max(1, counts.sum()))
