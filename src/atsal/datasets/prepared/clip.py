"""Clips of a prepared set: frames with their saliency and fixation maps, moved together. Training reads these."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from atsal.datasets.prepared.augmentation import Chain, Transform, transform_frames
from atsal.datasets.prepared.prepared_set import PreparedSet
from atsal.errors import DataError
from atsal.gaze.maps import Window, fixation_map, saliency_map
from atsal.gaze.records import Fixations


class Clip(NamedTuple):
    """T frames of one item and their ground truth."""

    frames: Tensor  # (T, 3, H, 2H) uint8 RGB
    saliency_maps: Tensor  # (T, 1, h, 2h) float32 >= 0, peak 1, or all 0 for a frame without fixations
    fixation_maps: Tensor  # (T, 1, h, 2h) float32, fixations a pixel


def read_clip(
    prepared: PreparedSet,
    item: str,
    frame_indices: Iterable[int] = (0,),
    *,
    erp_height: int = 320,
    map_height: int | None = None,
    sigma_deg: float | None = None,
    transform: Transform | None = None,
) -> Clip:
    """Read frames of a 360° image or video with the maps of the windows that they lie in, in ascending order.

    Frames have `erp_height` rows, maps `map_height`, by default as many. The maps are made from the fixations, with
    `sigma_deg`, by default the prepared set's own. `transform` moves all three; the fixation maps are counted from the
    moved fixations. Raise `DataError` for flat photos, `MediaError` for a frame past the end.
    """
    move, rows = transform or Chain(), map_height or erp_height
    indices = sorted(frame_indices)
    fixations = prepared.fixations(item)
    if not isinstance(fixations, Fixations):
        raise DataError(f"{prepared.folder}: {item} is a flat photo; expected 360° frames")
    pictures = list(prepared.pictures(item, indices, size=(2 * erp_height, erp_height)))
    frames = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    windows = [prepared.window_at(item, index) for index in indices]
    sigma = sigma_deg or prepared.preparation.sphere_sigma_deg
    maps = {window: _window_maps(fixations, window, rows, sigma, move) for window in dict.fromkeys(windows)}
    saliency_maps, fixation_maps = (torch.stack([maps[window][k] for window in windows]) for k in (0, 1))
    return Clip(transform_frames(frames, move), saliency_maps, fixation_maps)


def _window_maps(
    fixations: Fixations, window: Window | None, rows: int, sigma_deg: float, transform: Transform
) -> tuple[Tensor, Tensor]:
    """Return the saliency map and the fixation map (1, h, 2h) of a window, moved."""
    if window is not None:
        fixations = fixations.in_frames(window.first_frame, window.last_frame)
    saliency = torch.from_numpy(saliency_map(fixations, rows, sigma_deg))[None, None]
    counts = torch.from_numpy(fixation_map(transform.fixations(fixations), rows)).float()[None]
    return scale_to_peak_one(transform.erp(saliency)[0]), counts


def scale_to_peak_one(maps: Tensor) -> Tensor:
    """Scale a map, or the maps of one frame or photo, to a maximum of 1. Maps of zeros stay zeros."""
    peak = maps.max()
    return maps / peak if peak > 0 else maps
