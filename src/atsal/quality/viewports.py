"""What a viewer sees along a head trace: perspective views of a video, and how good they are."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.gaze.readers.parsing.text_table import load_table
from atsal.projection.viewport import erp_to_viewport
from atsal.quality.ssim import flat_ssim

FOV_DEG = 90.0  # horizontal and vertical: about what a head-mounted display shows of a view
_COLUMNS = ("timestamp_s", "yaw_deg", "pitch_deg")
_HELD_S = 1.0  # for which the first and the last direction of a trace also stand
_LIMITS = {"timestamp_s": (0.0, math.inf), "yaw_deg": (-360.0, 360.0), "pitch_deg": (-90.0, 90.0)}
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HeadTrace:
    """Where one viewer's head points over time: yaw to the right from the centre of the picture, pitch upwards."""

    name: str
    timestamp_s: Floats  # (N,) ascending
    yaw_deg: Floats
    pitch_deg: Floats

    def at(self, timestamp_s: float) -> tuple[float, float] | None:
        """Return (yaw_deg, pitch_deg) at a time, interpolated; None more than 1 s before or after the trace."""
        if not self.timestamp_s[0] - _HELD_S <= timestamp_s <= self.timestamp_s[-1] + _HELD_S:
            return None
        yaw = np.interp(timestamp_s, self.timestamp_s, np.unwrap(self.yaw_deg, period=360.0))
        return float(yaw), float(np.interp(timestamp_s, self.timestamp_s, self.pitch_deg))


def read_head_trace(path: Path) -> HeadTrace:
    """Read a table (.csv or .parquet) with the columns timestamp_s, yaw_deg and pitch_deg, of one viewer.

    Raises DataError for a missing column, a text that is no number, a value out of range, times that do not ascend, and
    a table without rows.
    """
    table = load_table(path)
    table.require_columns(_COLUMNS, "head trace")
    values = {name: table.numbers(name) for name in _COLUMNS}
    for name, (least, most) in _LIMITS.items():
        inside = (values[name] >= least) & (values[name] <= most) & np.isfinite(values[name])
        table.refuse(~inside, name, f"a number from {least:g} to {most:g}")
    if not len(table):
        raise DataError(f"{path}: no row; expected head directions")
    backward = np.r_[False, np.diff(values["timestamp_s"]) <= 0]
    table.refuse(backward, "timestamp_s", "a time after the one before; give one viewer per file")
    return HeadTrace(path.stem, *(values[name] for name in _COLUMNS))


def viewport_scores(
    reference: torch.Tensor, distorted: torch.Tensor, direction: tuple[float, float], fov_deg: float
) -> tuple[float, float]:
    """Return (mean squared error, SSIM) of the views of two ERP pictures, (H, 2H) float32, in one direction.

    The view is square. Its pixels are as large in the middle as those of the ERP picture at the equator.
    """
    side = max(11, round(2 * math.tan(math.radians(fov_deg / 2)) * reference.shape[0] / math.pi))
    both = torch.stack([reference, distorted])[:, None]
    first, second = erp_to_viewport(both, *direction, fov_deg, side)[:, 0]
    return float(((first - second) ** 2).mean()), flat_ssim(first, second)
