"""Warn of what looks wrong in the statistics of a data set.

Statistics reveal wrong units, origins and offsets. They do not reveal a **mirrored longitude** or a **flipped
latitude** of gaze that starts at (0, 0): look at the drawings of the items (`figures.py`).
"""

import math
import re
from collections.abc import Iterator

import numpy as np

from atsal.datasets.dataset import Dataset
from atsal.datasets.prepared.statistics import BAND_ROWS, CELL_ROWS, SetStatistics
from atsal.gaze.directions import Floats, Integers, angle_rad, lonlat_from_vectors, unit_vectors
from atsal.projection.sphere import erp_directions
from atsal.untrusted.text import shorten_list

# Each of the 20 videos of AVTrack360 has its mean latitude within ±21° (-0.6° for all) and its peak within ±30°: the
# content of a whole set does not explain more.
_FARTHEST_PEAK_DEG = 30.0
_FARTHEST_MEAN_DEG = 25.0
_FARTHEST_START_DEG = 30.0
_SMALL_REGION_DEG = 6.0  # radius; radians taken for degrees stay within 3.6°, shares of the frame within 1.2°
_FLATTEST_DEG = 6.0  # of latitude
_NARROWEST_DEG = 60.0  # of longitude
_MOST_DROPPED = 0.10
_MOST_LOST = 0.30
_FEWEST_POINTS = 100  # of a distribution that is judged
_FEWEST_STARTS = 5


def statistics_warnings(statistics: SetStatistics, dataset: Dataset) -> list[str]:
    """Return warnings of what does not look like a whole set of gaze: what was found, expected, and may be wrong.

    Distributions count from 100 points of gaze and 5 starts on, and on 360° items only. Latitudes are judged by their
    density per steradian, because rows near the poles cover less of the sphere, and by their mean.
    """
    found = [*_check_rows(statistics), *_check_observers(statistics, dataset.observers)]
    points = int(statistics.gaze.sum())
    if not points:
        return ["no gaze at all: expected fixations or valid samples; were all rows left out?", *found]
    if points >= _FEWEST_POINTS and not statistics.flat:
        found += [*_check_region(statistics), *_check_latitudes(statistics)]
    if dataset.start_lonlat_deg is not None and statistics.starts.sum() >= _FEWEST_STARTS:
        found += _check_start(statistics.starts, dataset.start_lonlat_deg)
    return found


def _check_rows(statistics: SetStatistics) -> Iterator[str]:
    if statistics.dropped_share > _MOST_DROPPED:
        reason, count = max(statistics.drops.items(), key=lambda drop: drop[1], default=("unknown", 0))
        yield (
            f"{statistics.dropped_share:.0%} of the rows were left out, most ({count}) for: {reason}; expected at most "
            f"{_MOST_DROPPED:.0%}: the unit, the format or the rate of the videos may be another one"
        )
    if statistics.lost_share > _MOST_LOST:
        yield (
            f"{statistics.lost_share:.0%} of the samples are not valid, expected at most {_MOST_LOST:.0%}: poor "
            "tracking, or the column of validity is read the wrong way round"
        )


def _check_observers(statistics: SetStatistics, declared: str) -> Iterator[str]:
    """Compare with the words of the declaration, as in "45, at least 31 a video"."""
    whole, least = re.match(r"\s*(\d+)", declared), re.search(r"at least (\d+)", declared)
    if whole and len(statistics.observers) < int(whole[1]):
        yield (
            f"{len(statistics.observers)} observers found, expected {whole[1]}: files may be missing, or observers "
            "share a name"
        )
    few = [name for name, counts in statistics.items.items() if least and counts.observers < int(least[1])]
    if least and few:
        yield (
            f"{len(few)} of {len(statistics.items)} items have fewer than {least[1]} observers ({shorten_list(few)}), "
            "expected "
            f"{declared}: files may be missing"
        )


def _check_region(statistics: SetStatistics) -> Iterator[str]:
    centre = _middle_deg(statistics.gaze)
    radius = _angle_deg(statistics.gaze, centre, 0.98)
    if radius <= _SMALL_REGION_DEG and len(statistics.items) > 1:
        yield (
            f"98 % of the gaze on all items lies within {radius:.0f}° of {_place(centre)}, expected it all around: "
            "radians or shares of the frame may have been read as degrees"
        )
        return
    rows, columns = statistics.gaze.sum(1), statistics.gaze.sum(0)
    for name, counts, limit_deg in (("latitude", rows, _FLATTEST_DEG), ("longitude", columns, _NARROWEST_DEG)):
        half, middle = round(limit_deg / 180 * CELL_ROWS), len(counts) // 2
        if counts[middle - half : middle + half].sum() > 0.98 * counts.sum() and len(statistics.items) > 1:
            yield (
                f"98 % of the gaze on all items lies within {limit_deg:.0f}° of {name} 0, expected it farther around: "
                f"the {name} may be in another unit"
            )


def _check_latitudes(statistics: SetStatistics) -> Iterator[str]:
    density, size = statistics.latitude_density(BAND_ROWS), BAND_ROWS * 180 / CELL_ROWS
    middles = 90 - (np.arange(len(density)) + 0.5) * size
    peak = middles[density.argmax()]
    if abs(peak) > _FARTHEST_PEAK_DEG:
        yield (
            f"gaze is densest (per steradian) at latitudes {peak - size / 2:.0f}° to {peak + size / 2:.0f}°, expected "
            f"the peak within ±{_FARTHEST_PEAK_DEG:.0f}°: latitude and longitude may be exchanged, or latitudes "
            "counted from a pole"
        )
    mean = statistics.mean_latitude_deg()
    if abs(mean) > _FARTHEST_MEAN_DEG:
        yield (
            f"the mean latitude of the gaze is {mean:.0f}°, expected within ±{_FARTHEST_MEAN_DEG:.0f}°: latitudes may "
            "be counted from a pole, or the vertical axis has another range"
        )


def _check_start(starts: Integers, declared_deg: tuple[float, float]) -> Iterator[str]:
    lon, lat = declared_deg
    away = _angle_deg(starts, declared_deg, 0.5)
    if away <= _FARTHEST_START_DEG:
        return
    misread = {
        "mirrored longitude fits (+ may be to the left in the log)": (-lon, lat),
        "longitude shifted by 180° fits (the log's 0 may be the border of the frame)": (lon + 180, lat),
        "flipped latitude fits (+ may be down in the log, or v counted from the bottom)": (lon, -lat),
        "longitude shifted by 90° fits (the log's 0 may be to one side)": (lon + 90, lat),
        "longitude shifted by -90° fits (the log's 0 may be to one side)": (lon - 90, lat),
        "latitude shifted by 90° fits (the log's 0 may be a pole)": (lon, lat + 90),
        "latitude shifted by -90° fits (the log's 0 may be a pole)": (lon, lat - 90),
        "longitude shifted by 180° with flipped latitude fits": (lon + 180, -lat),
        "mirrored longitude with flipped latitude fits": (-lon, -lat),
    }
    angles = {text: _angle_deg(starts, place, 0.5) for text, place in misread.items()}
    best = min(angles, key=lambda text: angles[text])
    cause = (
        best if angles[best] <= _FARTHEST_START_DEG else "no mirroring or shift fits; is the first sample the start?"
    )
    yield (
        f"{int(starts.sum())} viewers start around {_place(_middle_deg(starts))}, the median one {away:.0f}° from "
        f"{_place(declared_deg)}, expected at most {_FARTHEST_START_DEG:.0f}°: {cause}"
    )


def _directions() -> Floats:
    directions: Floats = erp_directions(CELL_ROWS).numpy()
    return directions


def _angle_deg(counts: Integers, lonlat_deg: tuple[float, float], quantile: float) -> float:
    """Return a quantile, over the counted gaze, of the angle to a direction."""
    angles = np.rad2deg(angle_rad(_directions(), unit_vectors(*np.deg2rad(lonlat_deg)))).ravel()
    order = angles.argsort()
    reached = counts.ravel()[order].cumsum()
    return float(angles[order][np.searchsorted(reached, quantile * reached[-1])])


def _middle_deg(counts: Integers) -> tuple[float, float]:
    """Return longitude and latitude of the mean direction."""
    lon, lat = lonlat_from_vectors(np.einsum("ij,ijk->k", counts, _directions()))
    return math.degrees(lon), math.degrees(lat)


def _place(lonlat_deg: tuple[float, float]) -> str:
    return f"longitude {round(lonlat_deg[0])}°, latitude {round(lonlat_deg[1])}°"
