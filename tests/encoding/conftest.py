"""A made-up attention that is known: everything on the right half of the frame."""

import numpy as np
import pytest

from atsal.prediction.map_track import MapTrack, track_maps
from video.conftest import Clips


@pytest.fixture
def clips(tmp_path) -> Clips:
    return Clips(tmp_path)


def right_half(frames: int = 3, rows: int = 45) -> MapTrack:
    density = np.full((rows, 2 * rows), 0.05, np.float32)
    density[:, rows:] = 1.0
    return track_maps((number * 0.2, density) for number in range(frames))
