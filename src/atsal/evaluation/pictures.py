"""A picture of an item as it was scored: stimulus, measured map and predicted map, side by side."""

import numpy as np

from atsal.errors import InputError
from atsal.evaluation.ground_truth import Floats, GroundTruth
from atsal.evaluation.map_files import MapFiles
from atsal.evaluation.window_maps import WindowMaps
from atsal.gaze.maps import Window
from atsal.prediction.overlay import overlay
from atsal.video.render import Picture, add_label, resize, tile

_WIDTH = 480  # of each panel
_GAP = 8
_NO_STIMULUS = 96  # grey level


def scored_picture(truth: GroundTruth, item: str, files: MapFiles) -> Picture:
    """Return three labelled panels in a row, (H, 3 * 480 + 16, 3) uint8; of a video, the window with most fixations."""
    windows = truth.windows(item)
    index = int(np.argmax([len(truth.gaze(item, window)) for window in windows]))
    maps = dict[int, Floats](found for found in WindowMaps(truth, item, files) if found[0] == index)
    measured = truth.saliency_map(truth.gaze(item, windows[index]), truth.size(item))
    stimulus = _stimulus(truth, item, windows[index])
    panels = [add_label(stimulus, "stimulus"), add_label(overlay(stimulus, measured), "measured")]
    panels.append(add_label(overlay(stimulus, maps[index].astype(np.float32)), "predicted") if maps else stimulus)
    return tile(panels, 3, _GAP)


def _stimulus(truth: GroundTruth, item: str, window: Window | None) -> Picture:
    """The image or the middle frame of the window; grey if the stimulus is gone, because maps can still be shown."""
    height, width = truth.size(item)
    size = (_WIDTH, max(2, round(_WIDTH * height / width)))
    frames = truth.prepared.stimulus(item).frames or 1
    frame = frames // 2 if window is None else (window.first_frame + window.last_frame) // 2
    try:
        return resize(truth.prepared.picture(item, frame, size=size), size)
    except InputError:
        return np.full((size[1], size[0], 3), _NO_STIMULUS, np.uint8)
