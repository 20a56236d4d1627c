"""Parameters of event detection, and defaults for each direction with their sources.

Salvucci & Goldberg, ETRA 2000 (both methods) · Olsen, *The Tobii I-VT fixation filter*, 2012 · David et al., *The
Salient360! toolbox*, ETRA 2023 · Agtzidis & Dorr, *Getting (more) real*, ETRA 2019 · Llanes-Jurado et al., Sensors
20(17):4956, 2020. Beside each number stands where it comes from; "ours" was chosen on the logs that the Salient360!
toolbox ships.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from atsal.errors import ConfigError
from atsal.gaze.filtering import Smoothing
from atsal.gaze.records import Direction


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What both methods need; `ConfigError` for a negative or infinite number."""

    minimum_duration_ms: float  # shorter fixations are dropped, after merging
    maximum_gap_ms: float = 75.0  # longer gaps end a fixation, shorter ones are filled (Tobii)
    padding_ms: float = 20.0  # lost before and after a longer gap, where the lid moves the gaze (ours)
    smoothing_ms: float = 0.0  # window; 0 leaves the directions as measured
    smoothing: Smoothing = "mean"
    merge_gap_ms: float = 75.0  # neighbours no further apart in time …
    merge_angle_deg: float = 0.5  # … nor in direction are one fixation (Tobii); 0 merges none

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, str) and not 0 <= value < float("inf"):  # NaN fails
                raise ConfigError(f"{field.name} {value}: expected 0 or more")


@dataclass(frozen=True, kw_only=True)
class Ivt(Parameters):
    """Parameters of `detect_ivt`."""

    velocity_threshold_deg_s: float  # a faster sample is no part of a fixation
    velocity_window_ms: float = 20.0  # Tobii


@dataclass(frozen=True, kw_only=True)
class Idt(Parameters):
    """Parameters of `detect_idt`."""

    dispersion_deg: float  # largest angle between any two samples of a fixation


IVT: Mapping[Direction, Ivt] = MappingProxyType(
    {
        # the defaults of the Salient360! toolbox's I-VT; its scripts take 120
        "head_eye": Ivt(velocity_threshold_deg_s=100.0, minimum_duration_ms=80.0),
        # the eyes turn against the head while gaze stays: Agtzidis & Dorr double their 35 to 70 for eye in head
        "eye": Ivt(velocity_threshold_deg_s=70.0, minimum_duration_ms=80.0),
        # ours: a head that lingers. Salient360! detects nothing here, its head "fixations" are windows of 200 ms
        "head": Ivt(velocity_threshold_deg_s=20.0, minimum_duration_ms=200.0, velocity_window_ms=100.0),
    }
)

IDT: Mapping[Direction, Idt] = MappingProxyType(
    {
        # 1 to 1.6° in a headset (Llanes-Jurado; best with 1° and 250 ms), 100 to 200 ms (Salvucci & Goldberg)
        "head_eye": Idt(dispersion_deg=1.5, minimum_duration_ms=100.0),
        # ours: at 40°/s of the head the eyes turn back by 4° within 100 ms
        "eye": Idt(dispersion_deg=4.0, minimum_duration_ms=100.0),
        # ours: 20°/s over 200 ms
        "head": Idt(dispersion_deg=4.0, minimum_duration_ms=200.0),
    }
)
