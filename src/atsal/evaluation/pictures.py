"""An item as it was scored: its stimulus, the measured map and the predicted one, side by side."""

import numpy as np
from numpy.typing import NDArray

from atsal.errors import InputError
from atsal.evaluation.ground_truth import Floats, GroundTruth
from atsal.evaluation.map_files import MapFiles
from atsal.evaluation.window_maps import WindowMaps
from atsal.gaze.maps import Window
from atsal.video.render import Picture, label, overlay, resize, tile

_WIDTH = 480  # of each of the three
_GAP = 8
_EMPTY = 96  # grey, where there is no stimulus to show


def scored_picture(truth: GroundTruth, item: str, files: MapFiles) -> Picture:
    """Three labelled pictures in a row, (H, 3 * 480, 3) uint8; of a video, its window with the most fixations."""
    windows = truth.windows(item)
    number = int(np.argmax([len(truth.gaze(item, window)) for window in windows]))
    maps = dict[int, Floats](found for found in WindowMaps(truth, item, files) if found[0] == number)
    measured = truth.saliency(truth.gaze(item, windows[number]), truth.size(item))
    stimulus = _stimulus(truth, item, windows[number])
    panels = [label(stimulus, "stimulus"), label(_over(stimulus, measured), "measured")]
    panels.append(label(_over(stimulus, maps[number].astype(np.float32)), "predicted") if maps else stimulus)
    return tile([np.pad(panel, ((0, 0), (0, _GAP), (0, 0)), constant_values=255) for panel in panels], 3)[:, :-_GAP]


def _over(stimulus: Picture, saliency: NDArray[np.float32]) -> Picture:
    return overlay(stimulus, saliency, float(saliency.max()))


def _stimulus(truth: GroundTruth, item: str, window: Window | None) -> Picture:
    height, width = truth.size(item)
    size = (_WIDTH, max(2, round(_WIDTH * height / width)))
    frames = truth.prepared.stimulus(item).frames or 1
    frame = frames // 2 if window is None else (window.first_frame + window.last_frame) // 2
    try:
        return resize(truth.prepared.picture(item, frame, size=size), size)
    except InputError:  # gone, or never there: the maps can be shown all the same
        return np.full((size[1], size[0], 3), _EMPTY, np.uint8)
