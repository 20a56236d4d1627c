"""What all records of gaze share: arrays of equal length, and checks of their values."""

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ShapeError
from atsal.gaze.directions import Floats, Integers, Mask
from atsal.untrusted.text import short_repr

_TOLERANCE_RAD = 1e-9  # rounding beyond the range


class Columns:
    """A dataclass whose arrays all have one entry per row."""

    def select(self, rows: Mask | Integers | slice) -> Self:
        """Return some of the rows, by mask, index or slice."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return type(self)(**{k: v[rows] if isinstance(v, np.ndarray) else v for k, v in values.items()})

    def check_lengths(self, label: str, count: int) -> None:
        """Raise `ShapeError` unless every array has `count` entries."""
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray) and len(value) != count:
                raise ShapeError(f"{label}: {field.name} has {len(value)} entries, expected {count}")


class FixationColumns(Columns):
    """What fixations on the sphere and on a photo have in common."""

    observer: NDArray[np.str_]
    onset_s: Floats | None
    duration_ms: Floats | None

    def __len__(self) -> int:
        return len(self.observer)

    @classmethod
    def empty(cls) -> Self:
        """Return no fixations at all."""
        return cls(np.array([], np.str_), np.array([]), np.array([]))  # type: ignore[call-arg]

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Join parts in order, ignoring empty ones; a field that one of them lacks is dropped."""
        parts = [part for part in parts if len(part)]
        if not parts:
            return cls.empty()
        columns = {}
        for field in fields(parts[0]):  # type: ignore[arg-type]
            values = [getattr(part, field.name) for part in parts]
            columns[field.name] = None if any(value is None for value in values) else np.concatenate(values)
        return cls(**columns)

    @property
    def observers(self) -> list[str]:
        """The observers, each once, in order of appearance."""
        return list(dict.fromkeys(self.observer.tolist()))

    def check_columns(self, label: str) -> None:
        """Raise `ShapeError` for arrays of unequal length, nameless observers and impossible times."""
        observer = np.asarray(self.observer, np.str_)
        object.__setattr__(self, "observer", observer)
        self.check_lengths(label, len(observer))
        if (observer == "").any():
            raise ShapeError(f"{label}: an observer has no name")
        for name in ("onset_s", "duration_ms"):
            values = getattr(self, name)
            if values is not None and not np.isfinite(values).all():
                raise ShapeError(f"{label}: {name} has values that are not finite numbers")
        if self.duration_ms is not None and len(observer) and self.duration_ms.min() < 0:
            raise ShapeError(f"{label}: a duration of {self.duration_ms.min()} ms; expected 0 or more")


def check_observer(observer: str) -> None:
    """Raise `ShapeError` for a name that is empty or cannot be written as Unicode."""
    if not observer:
        raise ShapeError("an observer has no name")
    if not observer.isascii() and any("\ud800" <= letter <= "\udfff" for letter in observer):
        raise ShapeError(f"observer {short_repr(observer)}: the name is not valid Unicode; rename it")


def check_times(label: str, timestamp_s: Floats) -> None:
    """Raise `ShapeError` for times that are not finite or go back."""
    if not np.isfinite(timestamp_s).all():
        raise ShapeError(f"{label}: a time is not a finite number")
    if len(timestamp_s) > 1 and np.diff(timestamp_s).min() < 0:
        at = int(np.argmin(np.diff(timestamp_s)))
        raise ShapeError(f"{label}: time goes back after {timestamp_s[at]:.3f} s; expected times in order")


def check_lonlat(lon_rad: Floats, lat_rad: Floats) -> None:
    """Raise `ShapeError` for longitudes beyond ±π or latitudes beyond ±π/2."""
    for name, values, limit in (("longitude", lon_rad, math.pi), ("latitude", lat_rad, math.pi / 2)):
        if len(values) and not np.all(np.abs(values) <= limit + _TOLERANCE_RAD):  # NaN fails too
            lowest, highest = math.degrees(np.nanmin(values)), math.degrees(np.nanmax(values))
            limit_deg = round(math.degrees(limit))
            raise ShapeError(f"{name} {lowest:.4g}° … {highest:.4g}°: expected numbers within ±{limit_deg}°")
