"""The quality of a 360° video against its reference, frame by frame in constant memory.

| score | what it is | source |
|---|---|---|
| WS-PSNR | PSNR of luma; each pixel counts by its solid angle | Sun, Lu, Yu, IEEE Signal Processing Letters 2017 |
| S-SSIM | SSIM of luma in windows on the sphere; each direction counts the same | Chen et al., ICME 2018 |
| weighted | the same, multiplied by a density of attention | Xu et al., IEEE TCSVT 2019 (for PSNR) |
| viewport PSNR, SSIM | PSNR and SSIM of the perspective views of viewers | Yu, Lakshman, Girod, ISMAR 2015 |

A PSNR is that of the mean squared error over all frames. Chroma does not count.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.gaze.head_path import HeadPath
from atsal.projection.resize import resize_erp
from atsal.projection.sampling import ErpSampler
from atsal.projection.sphere import erp_position, solid_angle_weights, unit_vectors
from atsal.quality.alignment import paired_frames
from atsal.quality.ssim import PEAK, SphericalSsim
from atsal.quality.viewports import FOV_DEG, direction_at, viewport_scores
from atsal.quality.weighting import Map, Weighting
from atsal.video.stereo_layout import StereoChoice

MOST_DB = 100.0  # stands for pictures without any error, whose PSNR is infinite
Row = dict[str, float]


@dataclass(frozen=True)
class Quality:
    """The scores of a video, and the numbers of each frame that they are made of.

    `scores` holds `ws_psnr_db` and `s_ssim`; with a weighting `weighted_ws_psnr_db` and `weighted_s_ssim`, over the
    frames that have attention; with viewers `viewport_psnr_db` and `viewport_ssim`, over all their views.
    """

    scores: dict[str, float]
    frames: list[Row] = field(repr=False)  # frame_index, timestamp_s, and mean squared errors and similarities


def measure_quality(
    reference: Path,
    distorted: Path,
    *,
    weighting: Weighting | None = None,
    viewers: Sequence[HeadPath] = (),
    fov_deg: float = FOV_DEG,
    stereo: StereoChoice = "auto",
    progress: Callable[[int], None] = lambda _done: None,
) -> Quality:
    """Compare two versions of a video by the time of their frames.

    Args:
        reference: the original.
        distorted: the same video after encoding; it may have another size or rate.
        weighting: where errors count more.
        viewers: where viewers' heads point; each gives one view of every frame.
        fov_deg: horizontal field of view of the views, which are square.
        stereo: layout of the views of both videos; the left one is compared.
        progress: is called with the number of frames that are done.

    Raises:
        MediaError: a video that cannot be read, or another length than the reference.
        DataError: maps that cannot be read, or no attention at all.

    """
    meter: _FrameMeter | None = None
    rows: list[Row] = []
    for frame, other in paired_frames(reference, distorted, stereo):
        meter = meter or _FrameMeter(len(frame.luma))
        pictures = torch.from_numpy(frame.luma), torch.from_numpy(other.luma)
        row: Row = {"frame_index": frame.index, "timestamp_s": round(frame.timestamp_s, 6)}
        row |= meter.measure(*pictures, None if weighting is None else weighting.at(frame.timestamp_s))
        views = [direction_at(viewer, frame.timestamp_s) for viewer in viewers]
        row |= _mean_views([viewport_scores(*pictures, view, fov_deg) for view in views if view is not None])
        rows.append(row)
        progress(len(rows))
    return Quality(_pool(rows, reference, weighting=weighting is not None, viewers=bool(viewers)), rows)


def psnr_db(mean_squared_error: float) -> float:
    """Return the PSNR in decibels of an error of luma in [0, 255]; at most `MOST_DB`."""
    if mean_squared_error <= 0:
        return MOST_DB
    return min(MOST_DB, 10 * math.log10(PEAK**2 / mean_squared_error))


def weighted_mean_squared_error(
    reference: NDArray[np.floating], distorted: NDArray[np.floating], density: Map | None = None
) -> float:
    """Return the mean of the squared error of two ERP pictures (H, 2H), weighted by solid angle and by `density`.

    `density` (H, 2H) >= 0 is per solid angle, up to a factor; by default the same everywhere.
    """
    weights = solid_angle_weights(len(reference)).numpy() * (1.0 if density is None else density)
    weights = np.broadcast_to(weights, reference.shape)
    return float((weights * (reference - distorted).astype(np.float64) ** 2).sum() / weights.sum())


_spherical_ssim = lru_cache(maxsize=2)(SphericalSsim)  # its sampling positions take a moment, and 20 MB


class _FrameMeter:
    """Measures pairs of luma pictures of one height. What depends on the weights alone is kept while they stay."""

    def __init__(self, erp_height: int) -> None:
        self._height = erp_height
        self._ssim = _spherical_ssim(erp_height)
        self._map: Map | None = None
        self._pixel_density: Map = np.ones(())
        self._point_density: Map = np.ones(())

    def measure(self, reference: torch.Tensor, distorted: torch.Tensor, density: Map | None) -> Row:
        """Return the errors and similarities of one frame."""
        pictures = reference.numpy(), distorted.numpy()
        similarity = self._ssim(reference, distorted)
        row = {"ws_mse": weighted_mean_squared_error(*pictures), "s_ssim": float(similarity.mean())}
        if density is None or not density.any():
            return row
        self._take(density)
        row["weighted_ws_mse"] = weighted_mean_squared_error(*pictures, self._pixel_density)
        row["weighted_s_ssim"] = float(np.average(similarity, weights=self._point_density))
        return row

    def _take(self, density: Map) -> None:
        if density is self._map:
            return
        self._map = density
        own = torch.from_numpy(np.array(density, np.float32))[None, None]
        self._pixel_density = resize_erp(own, self._height)[0, 0].numpy()
        points = unit_vectors(self._ssim.lon_rad, self._ssim.lat_rad)[None]
        sampler = ErpSampler(*erp_position(points, len(density)), len(density))
        self._point_density = sampler(own).flatten().double().numpy()


def _mean_views(scores: list[tuple[float, float]]) -> Row:
    if not scores:
        return {}
    errors, similarities = zip(*scores, strict=True)
    return {"viewport_mse": float(np.mean(errors)), "viewport_ssim": float(np.mean(similarities))}


def _pool(rows: list[Row], path: Path, *, weighting: bool, viewers: bool) -> dict[str, float]:
    """Return the scores of all frames: PSNR of the mean error, mean similarity."""
    wanted = [("ws_mse", "s_ssim")]
    wanted += [("weighted_ws_mse", "weighted_s_ssim")] * weighting + [("viewport_mse", "viewport_ssim")] * viewers
    scores = {}
    for error, similarity in wanted:
        found = [(row[error], row[similarity]) for row in rows if error in row]
        if not found:
            missing = "head direction of the viewers" if error == "viewport_mse" else "attention"
            raise DataError(f"no frame of {path} has any {missing}; expected gaze or directions at the video's times")
        scores[error.replace("mse", "psnr_db")] = psnr_db(float(np.mean([error for error, _ in found])))
        scores[similarity] = float(np.mean([similarity for _, similarity in found]))
    return scores
