"""Scores of one item: each window's map against the gaze in it; and of the viewers themselves, half against half."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from atsal.errors import DataError
from atsal.evaluation.ground_truth import Floats, Gaze, GroundTruth
from atsal.evaluation.metric_registry import metric_named
from atsal.evaluation.metrics import all_metrics, cc
from atsal.evaluation.priors import OtherItems, floored
from atsal.evaluation.results import LATITUDE_BANDS, ItemScores, mean
from atsal.gaze.maps import Window
from atsal.gaze.records import PlanarFixations

NO_FIXATION = "no fixation in the window"
NO_MAP = "no map of the window"
AS_IT_IS = "as it is"
_CLEARLY = 0.1  # of CC
HALF_ALONE = "gaze of too few viewers in the window"
Row = dict[str, float | None]


class Scorer:
    """Scores maps of one item by the protocol of a truth; `others` is what the other items say."""

    def __init__(self, truth: GroundTruth, item: str, others: OtherItems) -> None:
        self._truth = truth
        self._size = truth.size(item)
        self._weights = truth.weights()
        self._others = others.counts()
        self._prior = others.equator_prior()

    def score(self, prediction: Floats, gaze: Gaze, seed: int, target: Floats | None = None) -> Row:
        """The protocol's metrics of one map (H, W); None where one is not defined. `target` is the measured map."""
        truth = self._truth
        scores = all_metrics(
            truth.saliency(gaze, self._size) if target is None else target,
            prediction,
            truth.counts(gaze, self._size),
            other_fixations=self._others,
            baseline=self._prior,
            weights=self._weights,
            seed=seed,
            metrics=[metric_named(name) for name in truth.protocol.metrics],
        )
        return {metric: float(value) if math.isfinite(value) else None for metric, value in scores.items()}


def score_item(truth: GroundTruth, item: str, others: OtherItems, maps: Iterable[tuple[int, Floats]]) -> ItemScores:
    """Score the maps of an item, (number of the window, map at the size of the protocol) in order.

    Windows without a fixation or a map are left out and counted.
    """
    windows, scorer = truth.windows(item), Scorer(truth, item, others)
    kept: list[tuple[int, Row, int]] = []
    skipped: Counter[str] = Counter()
    latitudes, total, seen = np.zeros(0 if truth.protocol.is_planar else LATITUDE_BANDS), np.zeros(truth.size(item)), 0
    for number, prediction in maps:
        window, seen = windows[number], seen + 1
        gaze = truth.gaze(item, window)
        if not len(gaze):
            skipped[NO_FIXATION] += 1
            continue
        kept.append((_first_frame(window), scorer.score(prediction, gaze, number), len(gaze)))
        latitudes += _latitudes_of_map(prediction) if len(latitudes) else 0
        total += prediction
    if seen < len(windows):
        skipped[NO_MAP] += len(windows) - seen
    shares = latitudes / latitudes.sum() if len(latitudes) and latitudes.sum() else latitudes
    found = _gathered(truth, item, kept, skipped, tuple(shares.tolist()))
    return replace(found, turned=_turned(truth, item, total))


def _turned(truth: GroundTruth, item: str, prediction: Floats) -> dict[str, float]:
    """The CC of a map with all gaze on the item, as it is and in the orientations that maps are mistaken in."""
    measured, weights = truth.saliency(truth.gaze(item), truth.size(item)), truth.weights()
    ways = {
        AS_IT_IS: prediction,
        "mirrored left to right": prediction[:, ::-1],
        "turned upside down": prediction[::-1],
    }
    if not truth.protocol.is_planar:
        ways["turned by 180° about the vertical axis"] = np.roll(prediction, prediction.shape[1] // 2, 1)
    scores = {name: float(cc(measured, turned, weights=weights)) for name, turned in ways.items()}
    return {name: score for name, score in scores.items() if math.isfinite(score)}


def mistaken_orientation(items: Sequence[ItemScores]) -> str | None:
    """A note where maps agree clearly better with the gaze in another orientation, on most of at least three items."""
    told = [item.turned for item in items if AS_IT_IS in item.turned]
    if len(told) < 3:
        return None
    ways = {way: np.array([scores.get(way, -1.0) for scores in told]) for way in told[0]}
    way = max(ways, key=lambda name: float(ways[name].mean()))
    best, own = ways[way], ways[AS_IT_IS]
    if (best - own).mean() <= _CLEARLY or (best > own).mean() <= 0.75:
        return None
    scores = f"CC {best.mean():.2f} instead of {own.mean():.2f}, of mean maps"
    return f"agree better with the gaze when {way} ({scores}): check their orientation"


def score_viewers(truth: GroundTruth, item: str, others: OtherItems, repeats: int, seed: int) -> ItemScores:
    """What half of the viewers predict of the other half: the mean over `repeats` random halves.

    The map of the one half, with the floor that priors have, is the prediction; map and fixations of the other are the
    truth. Raises `DataError` for an item with fewer than two viewers.
    """
    windows, scorer = truth.windows(item), Scorer(truth, item, others)
    observers = np.array(truth.gaze(item).observers)
    if len(observers) < 2:
        raise DataError(f"{item}: gaze of {len(observers)} viewer; a half cannot predict the other")
    rng = np.random.default_rng(seed)
    halves = [rng.permutation(observers)[: len(observers) // 2] for _ in range(repeats)]
    kept: list[tuple[int, Row, int]] = []
    skipped: Counter[str] = Counter()
    for number, window in enumerate(windows):
        gaze = truth.gaze(item, window)
        rows = list(_halves_scored(scorer, truth, item, gaze, halves, number)) if len(gaze) else []
        if not rows:
            skipped[HALF_ALONE if len(gaze) else NO_FIXATION] += 1
            continue
        row = {metric: mean(found[metric] for found in rows) for metric in truth.protocol.metrics}
        kept.append((_first_frame(window), row, len(gaze)))
    return _gathered(truth, item, kept, skipped, ())


def _halves_scored(
    scorer: Scorer, truth: GroundTruth, item: str, gaze: Gaze, halves: list[np.ndarray], seed: int
) -> Iterator[Row]:
    whole = truth.saliency(gaze, truth.size(item)).astype(np.float64)
    for half in halves:
        own = np.isin(gaze.observer, half)
        if own.any() and not own.all():
            predicted = truth.saliency(gaze.select(own), truth.size(item)).astype(np.float64)
            target = (whole - predicted).clip(min=0)  # maps are sums over fixations
            yield scorer.score(floored(truth, predicted), gaze.select(~own), seed, target)


def _first_frame(window: Window | None) -> int:
    return 0 if window is None else window.first_frame


def _gathered(
    truth: GroundTruth,
    item: str,
    kept: list[tuple[int, Row, int]],
    skipped: Counter[str],
    predicted: tuple[float, ...],
) -> ItemScores:
    by_window = {metric: tuple(row[metric] for _, row, _ in kept) for metric in truth.protocol.metrics}
    return ItemScores(
        item=item,
        first_frames=tuple(frame for frame, _, _ in kept),
        by_window=by_window,
        fixations=sum(count for _, _, count in kept),
        skipped=dict(skipped),
        predicted_latitudes=predicted,
        measured_latitudes=_latitudes_of_gaze(truth, item),
    )


def _latitudes_of_map(density: Floats) -> Floats:
    """Share of a map (H, 2H) in each band of latitude, from the north; rows that lie in two bands are divided."""
    height = len(density)
    rows = np.cos((np.arange(height) + 0.5) / height * math.pi - math.pi / 2) * density.sum(1)
    cumulated = np.concatenate([[0], rows.cumsum()])
    borders = np.linspace(0, height, LATITUDE_BANDS + 1)
    found: Floats = np.diff(np.interp(borders, np.arange(height + 1), cumulated))
    total = found.sum()
    return np.asarray(found / total if total else found)


def _latitudes_of_gaze(truth: GroundTruth, item: str) -> tuple[float, ...]:
    gaze = truth.gaze(item)
    if isinstance(gaze, PlanarFixations):
        return ()
    counts = np.histogram(-gaze.lat_rad, LATITUDE_BANDS, (-math.pi / 2, math.pi / 2))[0]
    return tuple(float(share) for share in counts / max(1, counts.sum()))
