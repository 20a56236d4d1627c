"""Frames in, maps out: a network together with its preprocessing, and the state of a video kept in plain sight."""

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from atsal.config import suggest_name
from atsal.device import choose_device
from atsal.errors import ConfigError, PredictionError, ShapeError
from atsal.models.directions import Direction
from atsal.models.front_prior import PHOTO
from atsal.models.registry import build_network, find_bundle
from atsal.models.two_stream import Procedure
from atsal.models.weight_folder import Bundle
from atsal.prediction.prefetch import ahead, batched, mapped
from atsal.prediction.runtimes import Precision, Runtime, make_runtime
from atsal.prediction.runtimes.base import Floats
from atsal.prediction.streams import STREAMS, Stream
from atsal.video.pixels import scaled
from atsal.video.reader import Frame, read_frames
from atsal.video.stereo import ASPECT_TOLERANCE, MIN_VIEW_HEIGHT, StereoChoice
from atsal.video.timed_frames import MOST_ROUNDING_S

Seconds = float | None  # since the start of the video; None: of a photo, which has no time


@dataclass(frozen=True, eq=False)
class FrameResult:
    """The maps of one frame, (h, 2h) float32 >= 0 each; None for a stream that was not asked for."""

    frame_index: int
    timestamp_s: float
    saliency: NDArray[np.float32] | None  # both streams fused
    attention: NDArray[np.float32] | None
    experts: NDArray[np.float32] | None
    image: NDArray[np.uint8]  # the frame as it was read, (H, 2H, 3) RGB

    def has(self, stream: Stream) -> bool:
        """Whether the map of a stream was asked for."""
        return (self.saliency if stream == "fused" else getattr(self, stream)) is not None

    def map(self, stream: Stream) -> NDArray[np.float32]:
        """Give the map of a stream by name."""
        found = self.saliency if stream == "fused" else getattr(self, stream)
        if found is None:
            raise ConfigError(f"stream {stream!r} was not asked for")
        return np.asarray(found)


class Predictor:
    """A model ready to use; made by `load_model`. Its network is the runtime's, which may have replaced layers."""

    def __init__(self, runtime: Runtime, bundle: Bundle) -> None:
        self.runtime = runtime
        self.network = runtime.network
        self.bundle = bundle
        self.config = runtime.config

    def __repr__(self) -> str:
        return f"Predictor({self.bundle.folder.name!r}, runtime={self.runtime.name!r}, device='{self.runtime.device}')"

    def predict_image(
        self,
        erp: NDArray[np.uint8],
        *,
        stream: Stream = "fused",
        height: int | None = None,
        seconds: Seconds = None,
    ) -> NDArray[np.float32]:
        """Predict the saliency map of one ERP image.

        Args:
            erp: (H, W, 3) uint8 RGB, W = 2H within 2 %, H at least 16.
            stream: which map: "fused", or "attention" or "experts" alone.
            height: rows of the map; by default `config.erp_height` (160 for lite, 320 for paper).
            seconds: of a picture that is a frame of a video, the time since its start: viewers of a video keep to its
                front more than those of a photo, in the first seconds most. None: a photo.

        Returns:
            (h, 2h) float32 >= 0: a density up to a factor, per pixel of equal solid angle (not per ERP pixel).

        Raises:
            ShapeError: not such an image.
            ConfigError: an unknown stream, a height below 1, a time below 0 or where it would change nothing.

        """
        self.refuse_useless(seconds, "seconds")
        maps, _ = self.step(erp, None, (stream,), height, seconds=seconds)
        return maps[stream]

    def predict_video(
        self,
        path: Path | str,
        *,
        streams: Sequence[Stream] = STREAMS,
        height: int | None = None,
        stereo: StereoChoice = "auto",
        stride: int = 1,
        fps: float | None = None,
        start_s: float = 0.0,
        duration_s: float | None = None,
    ) -> Iterator[FrameResult]:
        """Predict the maps of a video's frames, one at a time; memory does not grow with its length.

        `stride`, `fps`, `start_s`, `duration_s`, `stereo` and the errors are those of `atsal.video.read_frames`. The
        experts' moving average runs over the frames that are read. Arguments and file are checked at the call.
        """
        _check_request(streams, height)
        frames = read_frames(
            path,
            size=self.frame_size,
            stereo=stereo,
            stride=stride,
            fps=fps,
            start_s=start_s,
            duration_s=duration_s,
        )
        read = ahead(frames, self.runtime.frames)
        return mapped(lambda pair: pair[0], self.run(read, streams=streams, height=height))

    def run(
        self,
        frames: Iterable[Frame],
        *,
        streams: Sequence[Stream] = STREAMS,
        height: int | None = None,
        state: Floats | None = None,
        group: int | None = None,
        seconds: Seconds | Literal["own"] = "own",
    ) -> Iterator[tuple[FrameResult, Floats | None]]:
        """Predict the maps of any frames, each with the state after it; pass one back in to go on after that frame.

        `seconds` is when all of them are shown, as of `step`; by default each has its own time, `timestamp_s`. Down to
        -0.001 s, as time stamps are rounded, that counts as 0.

        `group` frames run at once, by default as many as the runtime likes; they are read before the first result
        comes. An error of a frame, as of reading it, comes after the results of those before it; one of the network
        names the frames. Raises `ConfigError` for a group below 1 and for times that there are not.
        """
        group = self.runtime.frames if group is None else group
        if group < 1:
            raise ConfigError(f"group {group}: expected the number of frames to run at once, 1 or more")

        def when(frame: Frame) -> Seconds:
            return _own_time(frame) if seconds == "own" else seconds

        if seconds != "own":
            check_seconds(seconds, "seconds")
        self.runtime.prepare(streams)
        ready = mapped(lambda frame: (frame, self._scaled(frame.image, f"frame {frame.index}"), when(frame)), frames)
        for some in batched(ready, group):
            with _of_frames([frame for frame, _, _ in some]):
                images, times = [image for _, image, _ in some], [time for _, _, time in some]
                maps, states = self._steps(images, state, streams, height, times)
            for number, (frame, _, _) in enumerate(some):
                own = {stream: found[number] for stream, found in maps.items()}
                state = None if states is None else states[number]
                result = FrameResult(
                    frame.index,
                    frame.timestamp_s,
                    own.get("fused"),
                    own.get("attention"),
                    own.get("experts"),
                    frame.image,
                )
                yield result, state

    @property
    def frame_size(self) -> tuple[int, int]:
        """(width, height) to which frames are best scaled before they come in."""
        return 2 * self.config.erp_height, self.config.erp_height

    def step(
        self,
        image: NDArray[np.uint8],
        state: Floats | None,
        streams: Sequence[Stream],
        height: int | None = None,
        *,
        seconds: Seconds,
    ) -> tuple[dict[Stream, Floats], Floats | None]:
        """One frame: (H, 2H, 3) uint8 RGB and the state after the last one -> maps by stream, and the new state.

        `seconds` is the time since the start of the video, with any model; None for a photo. `ConfigError` below 0.
        """
        check_seconds(seconds, "seconds")
        maps, states = self._steps([self._scaled(image, "an image")], state, streams, height, [seconds])
        return {stream: found[0] for stream, found in maps.items()}, None if states is None else states[0]

    def refuse_useless(self, seconds: Seconds, name: str) -> None:
        """Raise `ConfigError` for a time of a still that there is not, or that would change nothing with this model."""
        check_seconds(seconds, name)
        if seconds is not None and not self.network.depends_on_time:
            raise ConfigError(
                f"{name} {seconds:g}: the maps of {self.bundle.folder.name!r} do not depend on the time"
                f"{' without a front' if self.network.prior else ''}; leave it out, or use lite with a front"
            )

    def _steps(
        self,
        images: Sequence[NDArray[np.uint8]],
        state: Floats | None,
        streams: Sequence[Stream],
        height: int | None,
        seconds: Sequence[Seconds],
    ) -> tuple[dict[Stream, Floats], Floats | None]:
        """Consecutive frames of the network's size: maps (T, h, 2h) by stream, and the states after each."""
        _check_request(streams, height)
        rows = self.config.erp_height if height is None else height
        times = np.array([PHOTO if time is None else time for time in seconds], np.float32)
        maps, states = self.runtime.run(np.stack(images), self._checked(state), streams, rows, times)
        return maps, states

    def _checked(self, state: Floats | None) -> Floats | None:
        """The state as every runtime takes it; `ShapeError` for another model's."""
        if state is None:
            return None
        expected = self.network.state_shape[1:]
        if np.shape(state) != expected:
            raise ShapeError(
                f"state of shape {np.shape(state)}: expected {expected}; start a new video with state=None"
            )
        return np.require(state, np.float32, ("C", "W"))

    def _scaled(self, image: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 of any size -> (erp_height, 2 erp_height, 3)."""
        check_erp_image(image, name)
        return scaled(image, self.frame_size)


@contextmanager
def _of_frames(frames: Sequence[Frame]) -> Iterator[None]:
    """Say at which frames the network failed, as for want of memory."""
    try:
        yield
    except (PredictionError, RuntimeError, MemoryError) as error:
        first, last = frames[0], frames[-1]
        reason = textwrap.shorten(str(error), 300, placeholder=" …") or type(error).__name__
        is_memory = isinstance(error, MemoryError) or "memory" in reason.lower() or "allocate" in reason.lower()
        remedy = "; try another --device, a smaller --face-size, or close other programs" if is_memory else ""
        raise PredictionError(
            f"frames {first.index} to {last.index} (from {first.timestamp_s:.3f} s): the network failed: "
            f"{reason}{remedy}"
        ) from error


def check_seconds(seconds: Seconds, name: str) -> None:
    """Raise `ConfigError` unless `seconds` is None or a time since the start of a video: finite, 0 or more."""
    if seconds is not None and not 0 <= seconds < math.inf:
        raise ConfigError(f"{name} {seconds}: expected seconds since the start of the video, 0 or more; None: a photo")


def _own_time(frame: Frame) -> float:
    """When the frame is shown; a reader's rounding may put the first of a video a little before its start."""
    time = 0.0 if -MOST_ROUNDING_S <= frame.timestamp_s < 0 else frame.timestamp_s
    check_seconds(time, f"frame {frame.index}: timestamp_s")
    return time


def _check_request(streams: Sequence[Stream], height: int | None) -> None:
    for stream in streams:
        if stream not in STREAMS:
            raise ConfigError(f"stream {stream!r}{suggest_name(str(stream), STREAMS)}")
    if height is not None and height < 1:
        raise ConfigError(f"height {height}: expected the number of rows of the maps, 1 or more")


def check_erp_image(image: NDArray[np.uint8], name: str = "an image") -> None:
    """Raise `ShapeError` unless `image` is (H, W, 3) uint8 with W = 2H within 2 % and H >= 16."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        found = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ShapeError(f"{name} of {found}: expected an (H, W, 3) uint8 array, RGB")
    height, width = image.shape[:2]
    if height < MIN_VIEW_HEIGHT:
        raise ShapeError(f"{name} of {width}x{height} pixels: expected at least {MIN_VIEW_HEIGHT} rows")
    if abs(width / height - 2) > 2 * ASPECT_TOLERANCE:
        raise ShapeError(
            f"{name} of {width}x{height} pixels: expected an equirectangular one, twice as wide as high; cut out one "
            "view of a stereo image first"
        )


def load_model(
    name: str | Path | Bundle = "lite",
    *,
    device: str = "auto",
    runtime: str = "auto",
    precision: Precision = "float32",
    face_size: int | None = None,
    procedure: Procedure = "corrected",
    direction: Direction = "head_eye",
    front_deg: float | None = 0.0,
) -> Predictor:
    """Load a model with its preprocessing.

    Args:
        name: "lite", "paper", or a weight folder written by `atsal weights import` or by training, also an open one.
        device: "auto" (CUDA where there is one), "cpu", "cuda", "cuda:1", ….
        runtime: "auto" (OpenVINO for `lite` on a CPU where it is installed, else PyTorch), "torch", "openvino", "onnx".
        precision: "float32", or "half": float16 on CUDA, bfloat16 in OpenVINO on processors that have it.
        face_size: pixels of a cube face's side, in place of the model's own; 160 or 256 for "paper".
        procedure: "corrected", or "published": the released test procedure, for comparison with old results.
        direction: of lite: "head_eye", a density of gaze, or "head", one of the middle of the viewport.
        front_deg: of lite: longitude of the front, around which the maker composed, in degrees, + to the right; None
            where there is none, as for viewers who start anywhere.

    Raises:
        ConfigError: an unknown name, device or runtime, or a runtime that cannot do what is asked for.
        MissingDependencyError: a runtime that is not installed.
        WeightsError: weights that are missing, damaged or of another network.

    """
    chosen = choose_device(device)
    bundle = name if isinstance(name, Bundle) else find_bundle(name)
    network = build_network(bundle, face_size=face_size, procedure=procedure, direction=direction, front_deg=front_deg)
    return Predictor(make_runtime(runtime, network, chosen, precision), bundle)
