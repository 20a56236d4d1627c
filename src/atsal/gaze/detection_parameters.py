"""Parameters of event detection, with defaults for each direction and their sources.

Salvucci & Goldberg, ETRA 2000 (both methods) · Olsen, *The Tobii I-VT fixation filter*, 2012 · David et al., *The
Salient360! toolbox*, ETRA 2023 · Agtzidis & Dorr, *Getting (more) real*, ETRA 2019 · Llanes-Jurado et al., Sensors
20(17):4956, 2020. The comment beside each number names its source; "ours" was chosen on the logs that ship with the
Salient360! toolbox.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from atsal.errors import ConfigError
from atsal.gaze.filtering import Smoothing
from atsal.gaze.records import Direction


@dataclass(frozen=True, kw_only=True)
class DetectionParameters:
    """Parameters of both methods; `ConfigError` for a negative or infinite number."""

    minimum_duration_ms: float  # shorter fixations are dropped, after merging
    maximum_gap_ms: float = 75.0  # a longer gap ends a fixation, a shorter one is filled (Tobii)
    padding_ms: float = 20.0  # lost before and after a longer gap, where the eyelid moves the gaze (ours)
    smoothing_ms: float = 0.0  # window; 0 leaves the directions as measured
    smoothing: Smoothing = "mean"
    merge_gap_ms: float = 75.0  # neighbours are one fixation if they are no further apart in time …
    merge_angle_deg: float = 0.5  # … nor in direction (Tobii); 0 merges none

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, str) and not 0 <= value < float("inf"):  # NaN fails
                raise ConfigError(f"{field.name} {value}: expected a finite number, 0 or more")


@dataclass(frozen=True, kw_only=True)
class IvtParameters(DetectionParameters):
    """Parameters of `detect_ivt`."""

    velocity_threshold_deg_s: float  # a faster sample is not part of a fixation
    velocity_window_ms: float = 20.0  # Tobii


@dataclass(frozen=True, kw_only=True)
class IdtParameters(DetectionParameters):
    """Parameters of `detect_idt`."""

    dispersion_deg: float  # largest angle between any two samples of a fixation


IVT_DEFAULTS: Mapping[Direction, IvtParameters] = MappingProxyType(
    {
        # the defaults of the Salient360! toolbox's I-VT; its scripts use 120
        "head_eye": IvtParameters(velocity_threshold_deg_s=100.0, minimum_duration_ms=80.0),
        # the eyes turn against the head while gaze stays: Agtzidis & Dorr double their 35 to 70 for eye in head
        "eye": IvtParameters(velocity_threshold_deg_s=70.0, minimum_duration_ms=80.0),
        # ours: a head that lingers. Salient360! detects nothing here; its head "fixations" are windows of 200 ms
        "head": IvtParameters(velocity_threshold_deg_s=20.0, minimum_duration_ms=200.0, velocity_window_ms=100.0),
    }
)

IDT_DEFAULTS: Mapping[Direction, IdtParameters] = MappingProxyType(
    {
        # 1 to 1.6° in a headset (Llanes-Jurado; best with 1° and 250 ms), 100 to 200 ms (Salvucci & Goldberg)
        "head_eye": IdtParameters(dispersion_deg=1.5, minimum_duration_ms=100.0),
        # ours: at a head speed of 40°/s the eyes turn back by 4° within 100 ms
        "eye": IdtParameters(dispersion_deg=4.0, minimum_duration_ms=100.0),
        # ours: 20°/s over 200 ms
        "head": IdtParameters(dispersion_deg=4.0, minimum_duration_ms=200.0),
    }
)
