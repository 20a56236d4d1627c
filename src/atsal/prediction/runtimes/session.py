"""A network that is loaded into a runtime: frames and state in, maps and state out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.models.two_stream import ATSal
from atsal.prediction.frame_result import Floats
from atsal.prediction.runtimes.runtime import Precision, Runtime


class Maps(NamedTuple):
    """The maps of T frames, and the state of the experts after each frame."""

    streams: dict[str, Floats]  # (T, height, 2 height) float32 >= 0, of each stream that was asked for
    states: Floats | None  # (T, 6, C, S / 16, S / 16); None where the experts did not run


class Session(ABC):
    """A network that is loaded into a runtime. Only one thread at a time may use it."""

    runtime: Runtime
    frames: int = 1  # the number of consecutive frames that are best passed at once
    precision: Precision = "float32"
    device: torch.device = torch.device("cpu")

    def __init__(self, network: ATSal) -> None:
        self.network = network
        self.config = network.config

    def prepare(self, streams: Sequence[str]) -> None:  # noqa: B027 - most have nothing to prepare
        """Prepare for `run` in the background, while the first frames are read."""

    @abstractmethod
    def run(
        self, frames: NDArray[np.uint8], state: Floats | None, streams: Sequence[str], height: int, seconds: Floats
    ) -> Maps:
        """Run T consecutive frames of one video.

        Args:
            frames: (T, H, 2H, 3) uint8 RGB, H = config.erp_height.
            state: (6, C, S / 16, S / 16), the state after the frame before; None at the start of a video.
            streams: the maps to return.
            height: rows of the maps.
            seconds: (T,) the time of each frame since the start of the video; `front_prior.PHOTO` for a photo.

        """
