"""Saliency maps of an item, made from its fixations, and the windows of frames that they pool."""

import numpy as np
from numpy.typing import NDArray

from atsal.datasets.dataset import Dataset, Stimulus
from atsal.datasets.prepared.preparation import Preparation, WindowKind
from atsal.errors import DataError
from atsal.gaze.flat_maps import planar_saliency_map
from atsal.gaze.maps import Window, frames_per_window, saliency_map, windows
from atsal.gaze.records import MOST_FRAMES, Fixations, PlanarFixations

WINDOW_S = 0.2  # the pooling of the Salient360! protocol


def map_windows(
    stimulus: Stimulus, fixations: Fixations | PlanarFixations, kind: WindowKind, *, stills: bool
) -> tuple[Window, ...] | None:
    """Return the windows of the maps; None for one map of all gaze: of stills (as in sets of images) and whole clips.

    Without a video, the frames end with the last one that was looked at. Raises `DataError` if neither the video nor
    the gaze has frames.
    """
    if kind == "clip" or stills or stimulus.kind in ("image", "photo") or isinstance(fixations, PlanarFixations):
        return None
    frames = stimulus.frames
    if frames is None:
        if fixations.last_frame is None or not len(fixations):
            raise DataError("neither a video nor the gaze has frames; add the video, or choose clip maps")
        frames = int(fixations.last_frame.max()) + 1
    if frames > MOST_FRAMES:
        raise DataError(f"{frames} frames by the gaze or the record of the video; no video has so many")
    if kind == "frame":
        return windows(frames, 1)
    if stimulus.frames_per_s is None:
        raise DataError("windows of 200 ms need the rate of the video; add the video, or choose frame or clip maps")
    return windows(frames, frames_per_window(frames, frames / stimulus.frames_per_s, WINDOW_S))


def map_size(fixations: Fixations | PlanarFixations, stimulus: Stimulus, erp_height: int) -> tuple[int, int]:
    """Return the height and width of a map: that of the photo, or 2:1. Raises `DataError` if the photo is not there."""
    if not isinstance(fixations, PlanarFixations):
        return erp_height, 2 * erp_height
    if stimulus.width is None or stimulus.height is None:
        raise DataError("the map of a photo has its size, but the photo is not there: put the photos beside the gaze")
    return stimulus.height, stimulus.width


def item_map(
    fixations: Fixations | PlanarFixations,
    stimulus: Stimulus,
    dataset: Dataset,
    preparation: Preparation,
    window: Window | None = None,
    erp_height: int | None = None,
) -> NDArray[np.float32]:
    """Return the map of a window, or of all gaze: (H, 2H) float32; (H, W) of a photo."""
    height, width = map_size(fixations, stimulus, erp_height or preparation.erp_height)
    if isinstance(fixations, PlanarFixations):
        return planar_saliency_map(fixations, height, width, dataset.sigma_width)
    if window is not None:
        fixations = fixations.in_frames(window.first_frame, window.last_frame)
    return saliency_map(fixations, height, preparation.sphere_sigma_deg)
