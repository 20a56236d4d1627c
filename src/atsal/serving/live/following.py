"""What the process of a session does: it predicts frame after frame, and follows the regions."""

from typing import Any

import numpy as np

from atsal.jobs.workers import usable_cores
from atsal.prediction.frame_result import Floats
from atsal.prediction.model_choice import ModelChoice
from atsal.regions import FrameRegions, RegionTracker, find_regions
from atsal.regions.files import region_values
from atsal.serving.live.frame import LiveFrame
from atsal.serving.loading import load_on_threads
from atsal.video.image_reader import decode_image
from atsal.video.pixels import scale_image
from atsal.video.reader import Frame
from atsal.video.stereo_layout import StereoChoice

_MOST_THREADS = 2  # one for each stream


class Follower:
    """A model, and what it remembers of the frames so far."""

    def __init__(self, model: ModelChoice, stream: str, stereo: StereoChoice, region_limits: dict[str, Any]) -> None:
        """Load all that frames need. Raises what `load_model` raises."""
        self._predictor = load_on_threads(model, min(_MOST_THREADS, usable_cores()))
        self._predictor.session.prepare((stream,))
        self._stream, self._stereo, self._region_limits = stream, stereo, region_limits
        self._tracker = RegionTracker()
        self._state: Floats | None = None
        self._warm_up()

    def _warm_up(self) -> None:
        """Follow two frames and forget them: else SciPy would be imported while frames come, which takes 0.2 s."""
        width, height = self._predictor.frame_size
        noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        for seconds in (0.0, 1.0):
            self.follow(Frame(0, seconds, noise))
        self._tracker, self._state = RegionTracker(), None

    def decode(self, frame: LiveFrame) -> Frame:
        """Return a frame with its pixels, scaled to what the network sees. Raises `InputError`."""
        seconds, content = frame.parse()
        pixels, _ = decode_image(content, "the frame", stereo=self._stereo)
        return Frame(frame.number, seconds, scale_image(pixels, self._predictor.frame_size))

    def follow(self, frame: Frame) -> dict[str, Any]:
        """Return the time of a frame and its regions. Raises `InputError`; then the frame changes nothing."""
        seconds = frame.timestamp_s
        maps, state = self._predictor.step(frame.image, self._state, (self._stream,), seconds=seconds)
        found = FrameRegions(frame.index, seconds, find_regions(maps[self._stream], **self._region_limits))
        followed = self._tracker.update(found)
        self._state = state
        return {"seconds": seconds, "regions": [region_values(region) for region in followed.regions]}
