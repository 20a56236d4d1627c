"""Statistics of the gaze of a whole data set.

`item_statistics` counts one item, `pooled` adds items up; both are of constant size, so a set is never held as a whole.
Positions are counted in cells of 3°: `CELL_ROWS` x 2 `CELL_ROWS`, row 0 at the top, as pixels of an ERP map.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from atsal.datasets.dataset import ItemGaze
from atsal.errors import DataError
from atsal.gaze.directions import Floats, lonlat_from_uv, wrap_longitude
from atsal.gaze.maps import fixation_map
from atsal.gaze.reading import LOST_SAMPLE
from atsal.gaze.records import Direction, Fixations, GazeSamples, Integers, PlanarFixations, fixations_from_samples
from atsal.projection.sphere import solid_angle_weights
from atsal.untrusted.text import error_reason, short_repr

CELL_ROWS = 60  # of 3° each
_SHAPE = (CELL_ROWS, 2 * CELL_ROWS)
_MOST = 2**53  # of anything that is counted
BAND_ROWS = 5  # rows of cells pooled for the peak of the latitudes: 15°

_NUDGE_RAD = 1e-9


@dataclass(frozen=True)
class ItemCounts:
    """What there is of one item."""

    fixations: int
    samples: int
    valid_samples: int
    observers: int
    dropped: int  # rows of its logs


@dataclass(frozen=True, eq=False)
class SetStatistics:
    """What there is of a set of items, in constant size but for one line an item and the observers' names."""

    items: Mapping[str, ItemCounts] = field(default_factory=dict)
    observers: frozenset[str] = frozenset()
    gaze: Integers = field(
        default_factory=lambda: np.zeros(_SHAPE, np.int64)
    )  # of fixations; of valid samples where there are none
    starts: Integers = field(
        default_factory=lambda: np.zeros(_SHAPE, np.int64)
    )  # where each observer of each item started
    rates_hz: Mapping[float, int] = field(default_factory=dict)  # logs by sampling rate, to three digits
    drops: Mapping[str, int] = field(default_factory=dict)  # rows left out, by reason
    latitude_sum_deg: float = 0.0  # of the gaze
    flat: bool = False  # positions on flat photos: rows are v, columns u, each from 0 to 1

    def total(self, name: str) -> int:
        """Sum of a field of `ItemCounts` over the items."""
        return sum(int(getattr(counts, name)) for counts in self.items.values())

    @property
    def lost_share(self) -> float:
        """Share of the samples that are not valid, or were left out as lost; NaN without samples."""
        if not self.total("samples"):
            return math.nan
        left_out = sum(count for reason, count in self.drops.items() if reason.endswith(LOST_SAMPLE))
        return 1 - self.total("valid_samples") / (self.total("samples") + left_out)

    @property
    def dropped_share(self) -> float:
        """Share of the rows that were left out; NaN without rows."""
        dropped = self.total("dropped")
        rows = dropped + (self.total("samples") or self.total("fixations"))
        return dropped / rows if rows else math.nan

    def latitude_density(self, rows: int = 1) -> Floats:
        """Gaze per steradian by bands of latitude, top first: shares of all gaze over solid angles, (60 / rows,).

        Gaze spread evenly over the sphere gives 1 / 4π in each band; without gaze all are 0.
        """
        area = (solid_angle_weights(CELL_ROWS).numpy()[:, 0] * 2 * CELL_ROWS).reshape(-1, rows).sum(1)
        counts = self.gaze.sum(1).reshape(-1, rows).sum(1)
        density: Floats = counts / area / max(int(counts.sum()), 1)
        return density

    def mean_latitude_deg(self) -> float:
        """Mean latitude of the gaze, each point counting the same; NaN without gaze."""
        total = int(self.gaze.sum())
        return self.latitude_sum_deg / total if total else math.nan

    def merge(self, other: Self) -> "SetStatistics":
        """Both together; `DataError` where an item stands in both, or one is of photos and the other is not."""
        twice = self.items.keys() & other.items.keys()
        if twice:
            raise DataError(f"item {min(twice)} is counted twice; expected each item once")
        if self.items and other.items and self.flat != other.flat:
            raise DataError("statistics of flat photos and of 360° items do not add up; pool each on its own")
        return SetStatistics(
            {**self.items, **other.items},
            self.observers | other.observers,
            self.gaze + other.gaze,
            self.starts + other.starts,
            dict(Counter(self.rates_hz) + Counter(other.rates_hz)),
            dict(Counter(self.drops) + Counter(other.drops)),
            self.latitude_sum_deg + other.latitude_sum_deg,
            self.flat or other.flat,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dump`; of the cells only those with gaze, as [row, column, count]."""
        return {
            "items": {name: asdict(counts) for name, counts in self.items.items()},
            "observers": sorted(self.observers),
            "gaze": _filled(self.gaze),
            "starts": _filled(self.starts),
            "rates_hz": {f"{rate:g}": count for rate, count in sorted(self.rates_hz.items())},
            "drops": dict(sorted(self.drops.items())),
            "latitude_sum_deg": self.latitude_sum_deg,
            "flat": self.flat,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """What `to_json` gave; `DataError` for anything else."""
        try:
            return cls(
                {
                    str(name): ItemCounts(**{key: _count(value) for key, value in counts.items()})
                    for name, counts in document["items"].items()
                },
                frozenset(map(_name, document["observers"])),
                _from_filled(document["gaze"]),
                _from_filled(document["starts"]),
                {float(rate): _count(count) for rate, count in document["rates_hz"].items()},
                {str(reason): _count(count) for reason, count in document["drops"].items()},
                float(document["latitude_sum_deg"]),
                bool(document["flat"]),
            )
        except Exception as error:  # as many kinds as there are ways to be none
            told = f"{type(error).__name__}: {error_reason(error)}"
            raise DataError(f"not statistics of a data set ({told}); make them again") from error


def item_statistics(
    item: str, gaze: ItemGaze, direction: Direction, fixations: Fixations | None = None
) -> SetStatistics:
    """Count one item: the gaze as read and, where they were detected from its samples, its `fixations`.

    Positions are those of the fixations; of the valid samples in `direction` where there are no fixations at all.
    An observer starts where the first valid sample is; without samples, where the first fixation is if that begins in
    the first second or has no time.
    """
    found = gaze.fixations if fixations is None else fixations
    tracks = [track.select(track.is_valid) for track in gaze.samples]
    points = fixations_from_samples(tracks, direction) if found is None else found
    starts = fixations_from_samples([track.select(slice(1)) for track in tracks], direction)
    names = {track.observer for track in gaze.samples} | set(points.observers)
    counts = ItemCounts(
        0 if found is None else len(found),
        sum(len(track) for track in gaze.samples),
        sum(len(track) for track in tracks),
        len(names),
        sum(drop.count for drop in gaze.drops),
    )
    drops: Counter[str] = Counter()
    for drop in gaze.drops:
        drops[drop.reason] += drop.count
    return SetStatistics(
        {item: counts},
        frozenset(names),
        _cells(points),
        _cells(starts if tracks else _first_fixations(points)),
        dict(Counter(rate for track in gaze.samples if (rate := _rate_hz(track)))),
        dict(drops),
        math.degrees(points.lat_rad.sum()) if isinstance(points, Fixations) else 0.0,
        isinstance(points, PlanarFixations),
    )


def pooled(parts: Iterable[SetStatistics]) -> SetStatistics:
    """All of them together; `DataError` where an item comes twice."""
    total = SetStatistics()
    for part in parts:
        total = total.merge(part)
    return total


def _cells(points: Fixations | PlanarFixations) -> Integers:
    if isinstance(points, PlanarFixations):
        lon, lat = lonlat_from_uv(points.u, points.v)
    else:
        lon, lat = points.lon_rad, points.lat_rad
    # logs in whole degrees lie on the borders of cells: rounding must not throw them to either side
    nudged = wrap_longitude(lon + _NUDGE_RAD), np.maximum(lat - _NUDGE_RAD, -math.pi / 2)
    return fixation_map(Fixations(points.observer, *nudged), CELL_ROWS).astype(np.int64)


def _first_fixations(points: Fixations | PlanarFixations) -> Fixations:
    if isinstance(points, PlanarFixations):
        return Fixations.empty()
    first = points.select(np.sort(np.unique(points.observer, return_index=True)[1]))
    return first if first.onset_s is None else first.select(first.onset_s < 1)


def _rate_hz(track: GazeSamples) -> float:
    rate = track.sampling_rate_hz()
    return 0.0 if math.isnan(rate) else float(f"{rate:.3g}")


def _filled(counts: Integers) -> list[list[int]]:
    return [[int(row), int(column), int(counts[row, column])] for row, column in np.argwhere(counts)]


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _MOST:
        raise ValueError(f"{short_repr(value)} is no count")
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{short_repr(value)} is no name")
    return value


def _from_filled(cells: Iterable[tuple[int, int, int]]) -> Integers:
    counts = np.zeros(_SHAPE, np.int64)
    for row, column, count in (map(_count, cell) for cell in cells):
        if not (0 <= row < CELL_ROWS and 0 <= column < 2 * CELL_ROWS and count > 0):
            raise ValueError(f"cell {row}, {column}: {count}")
        counts[row, column] = count
    return counts
