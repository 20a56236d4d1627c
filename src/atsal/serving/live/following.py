"""What the process of a session does: it predicts frame after frame, and follows the regions."""

from typing import Any

from atsal.jobs.workers import usable_cores
from atsal.prediction.frame_result import Floats
from atsal.prediction.model_choice import ModelChoice
from atsal.regions import FrameRegions, RegionTracker, find_regions
from atsal.regions.files import region_values
from atsal.serving.live.frame import LiveFrame
from atsal.serving.loading import load_on_threads
from atsal.video.image_reader import decode_image
from atsal.video.stereo_layout import StereoChoice

_MOST_THREADS = 2  # one for each stream


class Follower:
    """A model, and what it remembers of the frames so far."""

    def __init__(self, model: ModelChoice, stream: str, stereo: StereoChoice, region_limits: dict[str, Any]) -> None:
        """Load the model. Raises what `load_model` raises."""
        self._predictor = load_on_threads(model, min(_MOST_THREADS, usable_cores()))
        self._predictor.session.prepare((stream,))
        self._stream, self._stereo, self._region_limits = stream, stereo, region_limits
        self._tracker = RegionTracker()
        self._state: Floats | None = None

    def __call__(self, frame: LiveFrame) -> list[dict[str, Any]]:
        """Return the regions of a frame. Raises `InputError`; then the frame changes nothing."""
        pixels, _ = decode_image(frame.content, "the frame", stereo=self._stereo)
        maps, state = self._predictor.step(pixels, self._state, (self._stream,), seconds=frame.seconds)
        found = FrameRegions(frame.number, frame.seconds, find_regions(maps[self._stream], **self._region_limits))
        followed = self._tracker.update(found)
        self._state = state
        return [region_values(region) for region in followed.regions]
