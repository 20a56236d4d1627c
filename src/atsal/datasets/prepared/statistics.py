"""Statistics of the gaze of a whole data set.

`item_statistics` counts one item, `add_up` adds items up. Both results have a constant size, so that a set is never
held in memory as a whole. Positions are counted in cells of 3°: `CELL_ROWS` x 2 `CELL_ROWS`, row 0 at the top, like the
pixels of an ERP map.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from atsal.datasets.dataset import ItemGaze
from atsal.errors import DataError
from atsal.gaze.checked_records import LOST_SAMPLE
from atsal.gaze.directions import Floats, Integers, lonlat_from_uv, wrap_longitude
from atsal.gaze.maps import fixation_map
from atsal.gaze.records import Direction, Fixations, GazeSamples, PlanarFixations, fixations_from_samples
from atsal.projection.sphere import solid_angle_weights
from atsal.untrusted.text import error_reason, short_repr

CELL_ROWS = 60  # of 3° each
_SHAPE = (CELL_ROWS, 2 * CELL_ROWS)
_LARGEST_COUNT = 2**53
BAND_ROWS = 5  # rows of cells in a band of latitudes: 15°
_NUDGE_RAD = 1e-9


@dataclass(frozen=True)
class ItemCounts:
    """The numbers of rows and observers of one item."""

    fixations: int
    samples: int
    valid_samples: int
    observers: int
    dropped: int  # rows of its logs


@dataclass(frozen=True, eq=False)
class SetStatistics:
    """Statistics of a set of items; only `items` and `observers` grow with the set."""

    items: Mapping[str, ItemCounts] = field(default_factory=dict)
    observers: frozenset[str] = frozenset()
    gaze: Integers = field(default_factory=lambda: np.zeros(_SHAPE, np.int64))  # fixations; without any, valid samples
    starts: Integers = field(default_factory=lambda: np.zeros(_SHAPE, np.int64))  # one for each observer and item
    rates_hz: Mapping[float, int] = field(default_factory=dict)  # sampling rate, to three digits -> number of logs
    drops: Mapping[str, int] = field(default_factory=dict)  # reason -> dropped rows
    latitude_sum_deg: float = 0.0  # of the gaze
    flat: bool = False  # of flat photos: rows are v, columns u, each from 0 to 1

    def total(self, name: str) -> int:
        """Return the sum of a field of `ItemCounts` over the items."""
        return sum(int(getattr(counts, name)) for counts in self.items.values())

    @property
    def lost_share(self) -> float:
        """Share of the samples that are invalid or were dropped as lost; NaN without samples."""
        if not self.total("samples"):
            return math.nan
        lost = sum(count for reason, count in self.drops.items() if reason.endswith(LOST_SAMPLE))
        return 1 - self.total("valid_samples") / (self.total("samples") + lost)

    @property
    def dropped_share(self) -> float:
        """Share of the rows that were dropped; NaN without rows."""
        dropped = self.total("dropped")
        rows = dropped + (self.total("samples") or self.total("fixations"))
        return dropped / rows if rows else math.nan

    def latitude_density(self, rows: int = 1) -> Floats:
        """Return the share of the gaze per steradian in each band of latitudes, top first, (60 / rows,).

        Gaze spread evenly over the sphere gives 1 / 4π in each band; no gaze gives 0.
        """
        area = (solid_angle_weights(CELL_ROWS).numpy()[:, 0] * 2 * CELL_ROWS).reshape(-1, rows).sum(1)
        counts = self.gaze.sum(1).reshape(-1, rows).sum(1)
        density: Floats = counts / area / max(int(counts.sum()), 1)
        return density

    def mean_latitude_deg(self) -> float:
        """Return the mean latitude of the gaze; NaN without gaze."""
        total = int(self.gaze.sum())
        return self.latitude_sum_deg / total if total else math.nan

    def merge(self, other: Self) -> "SetStatistics":
        """Return both together. Raises `DataError` for an item in both, and for flat photos and 360° items together."""
        both = self.items.keys() & other.items.keys()
        if both:
            raise DataError(f"item {min(both)} is counted twice; expected each item once")
        if self.items and other.items and self.flat != other.flat:
            raise DataError("statistics of flat photos and of 360° items do not add up; keep them apart")
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
        """Return values for `json.dump`; of the cells only those with gaze, as [row, column, count]."""
        return {
            "items": {name: asdict(counts) for name, counts in self.items.items()},
            "observers": sorted(self.observers),
            "gaze": _list_cells(self.gaze),
            "starts": _list_cells(self.starts),
            "rates_hz": {f"{rate:g}": count for rate, count in sorted(self.rates_hz.items())},
            "drops": dict(sorted(self.drops.items())),
            "latitude_sum_deg": self.latitude_sum_deg,
            "flat": self.flat,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return the statistics that `to_json` wrote. Raises `DataError` for anything else."""
        try:
            return cls(
                {
                    str(name): ItemCounts(**{key: _count(value) for key, value in counts.items()})
                    for name, counts in document["items"].items()
                },
                frozenset(map(_name, document["observers"])),
                _make_cells(document["gaze"]),
                _make_cells(document["starts"]),
                {float(rate): _count(count) for rate, count in document["rates_hz"].items()},
                {str(reason): _count(count) for reason, count in document["drops"].items()},
                float(document["latitude_sum_deg"]),
                bool(document["flat"]),
            )
        except Exception as error:  # damaged values raise almost anything
            problem = f"{type(error).__name__}: {error_reason(error)}"
            raise DataError(f"not statistics of a data set ({problem}); make them again") from error


def item_statistics(item: str, gaze: ItemGaze, direction: Direction) -> SetStatistics:
    """Count one item.

    Positions are those of the fixations; of the valid samples in `direction` if `gaze.fixations` is None. An observer
    starts at the first valid sample; without samples, at the first fixation if that begins in the first second or has
    no time.
    """
    fixations = gaze.fixations
    tracks = [track.select(track.is_valid) for track in gaze.samples]
    points = fixations_from_samples(tracks, direction) if fixations is None else fixations
    starts = fixations_from_samples([track.select(slice(1)) for track in tracks], direction)
    names = {track.observer for track in gaze.samples} | set(points.observers)
    counts = ItemCounts(
        fixations=0 if fixations is None else len(fixations),
        samples=sum(map(len, gaze.samples)),
        valid_samples=sum(map(len, tracks)),
        observers=len(names),
        dropped=sum(drop.count for drop in gaze.drops),
    )
    drops: Counter[str] = Counter()
    for drop in gaze.drops:
        drops[drop.reason] += drop.count
    return SetStatistics(
        items={item: counts},
        observers=frozenset(names),
        gaze=_count_cells(points),
        starts=_count_cells(starts if tracks else _first_fixations(points)),
        rates_hz=dict(Counter(rate for track in gaze.samples if (rate := _rate_hz(track)))),
        drops=dict(drops),
        latitude_sum_deg=math.degrees(points.lat_rad.sum()) if isinstance(points, Fixations) else 0.0,
        flat=isinstance(points, PlanarFixations),
    )


def add_up(parts: Iterable[SetStatistics]) -> SetStatistics:
    """Return all parts together. Raises `DataError` for an item in two of them."""
    total = SetStatistics()
    for part in parts:
        total = total.merge(part)
    return total


def _count_cells(points: Fixations | PlanarFixations) -> Integers:
    if isinstance(points, PlanarFixations):
        lon, lat = lonlat_from_uv(points.u, points.v)
    else:
        lon, lat = points.lon_rad, points.lat_rad
    # logs in whole degrees lie on the borders of cells: rounding must not decide on the side
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


def _list_cells(counts: Integers) -> list[list[int]]:
    return [[int(row), int(column), int(counts[row, column])] for row, column in np.argwhere(counts)]


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST_COUNT:
        raise ValueError(f"{short_repr(value)} is no count")
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{short_repr(value)} is no name")
    return value


def _make_cells(cells: Iterable[tuple[int, int, int]]) -> Integers:
    counts = np.zeros(_SHAPE, np.int64)
    for row, column, count in (map(_count, cell) for cell in cells):
        if not (0 <= row < CELL_ROWS and 0 <= column < 2 * CELL_ROWS and count > 0):
            raise ValueError(f"cell {row}, {column}: {count}")
        counts[row, column] = count
    return counts
