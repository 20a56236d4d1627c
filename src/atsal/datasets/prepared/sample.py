"""Training samples: a frame, its saliency map and its fixation map, moved together."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from atsal.datasets.prepared.augmentation import Transform
from atsal.datasets.prepared.prepared_set import PreparedSet
from atsal.errors import DataError
from atsal.gaze.maps import fixation_map, saliency_map
from atsal.gaze.records import Fixations
from atsal.video.pixels import scale_image


@dataclass(frozen=True, eq=False)
class Sample:
    """One frame of an item with its ground truth, all of one height H."""

    item: str
    frame_index: int
    frame: Tensor  # (3, H, 2H) float32 RGB in [0, 1]
    saliency_map: Tensor  # (1, H, 2H) float32, >= 0
    fixation_map: Tensor  # (1, H, 2H) float32, counts
    transform: str = "original"


def read_sample(
    prepared: PreparedSet,
    item: str,
    frame_index: int = 0,
    *,
    erp_height: int = 320,
    transform: Transform | None = None,
) -> Sample:
    """Read one frame of an item with the maps of the window that it lies in.

    The maps are made from the fixations. `transform` moves all three; the fixation map is counted from the moved
    fixations. Raises `DataError` for flat photos and for a frame past the end.
    """
    fixations = prepared.fixations(item)
    if not isinstance(fixations, Fixations):
        raise DataError(f"{item} is a flat photo: samples are 360° frames")
    window = prepared.window_at(item, frame_index)
    if window is not None:
        fixations = fixations.in_frames(window.first_frame, window.last_frame)
    size = (2 * erp_height, erp_height)
    picture = scale_image(prepared.picture(item, frame_index, size=size), size)
    frame = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255
    saliency = torch.from_numpy(saliency_map(fixations, erp_height, prepared.preparation.sphere_sigma_deg))[None, None]
    if transform is not None:
        frame, saliency, fixations = transform.erp(frame), transform.erp(saliency), transform.fixations(fixations)
    counts = torch.from_numpy(fixation_map(fixations, erp_height)).float()[None]
    return Sample(item, frame_index, frame[0], saliency[0], counts, transform.name if transform else "original")
