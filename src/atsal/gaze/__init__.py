"""Where people looked: records, readers of raw logs, event detection, maps on the sphere.

>>> from atsal.gaze import detect_fixations, saliency_map
>>> from atsal.gaze.readers.vr_eyetracking import read_vr_eyetracking
>>> samples = read_vr_eyetracking(path, frames_per_s=30).records
>>> saliency_map(detect_fixations([samples], "head_eye"), erp_height=1024, sigma_deg=9.35)  # (1024, 2048) float32
"""

from typing import TYPE_CHECKING

from atsal.gaze.checked_records import CheckedRecords, Drop
from atsal.gaze.detection import detect_fixations, detect_idt, detect_ivt
from atsal.gaze.records import (
    Direction,
    Fixations,
    GazeSamples,
    PlanarFixations,
    Scanpath,
    fixations_from_samples,
)

if TYPE_CHECKING:
    from atsal.gaze.maps import fixation_map, saliency_density, saliency_map

__all__ = [
    "CheckedRecords",
    "Direction",
    "Drop",
    "Fixations",
    "GazeSamples",
    "PlanarFixations",
    "Scanpath",
    "detect_fixations",
    "detect_idt",
    "detect_ivt",
    "fixation_map",
    "fixations_from_samples",
    "saliency_density",
    "saliency_map",
]


def __getattr__(name: str) -> object:
    """Import what needs torch on first use."""
    if name in ("fixation_map", "saliency_density", "saliency_map"):
        from atsal.gaze import maps  # noqa: PLC0415 - importing torch takes seconds

        return getattr(maps, name)
    raise AttributeError(f"module 'atsal.gaze' has no attribute {name!r}")
