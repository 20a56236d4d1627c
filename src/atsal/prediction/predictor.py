"""A model with its preprocessing: frames in, maps out, and an explicit state for each video."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from atsal.device import choose_device
from atsal.errors import ConfigError, ShapeError
from atsal.models import Direction
from atsal.models.front_prior import PHOTO
from atsal.models.loading import build_network, find_weights
from atsal.models.two_stream import Procedure
from atsal.models.weight_folder import WeightFolder
from atsal.prediction.channels import Channels, reorder
from atsal.prediction.frame_result import (
    Floats,
    FrameResult,
    check_erp_image,
    frame_time_s,
    list_images,
    naming_frames,
)
from atsal.prediction.options import Seconds, check_seconds
from atsal.prediction.prefetch import batched, map_closing, prefetch
from atsal.prediction.runtimes import Precision, Runtime, start_session
from atsal.prediction.runtimes.session import Session
from atsal.prediction.streams import FUSED, STREAMS, check_streams
from atsal.video.pixels import scale_image
from atsal.video.reader import Frame, read_frames
from atsal.video.stereo_layout import StereoChoice

__all__ = ["FrameResult", "Predictor", "load_model"]


class Predictor:
    """A model that is ready to use; `load_model` makes it. The session may have replaced layers of the network."""

    def __init__(self, session: Session, bundle: WeightFolder) -> None:
        self.session = session
        self.network = session.network
        self.bundle = bundle
        self.config = session.config

    @property
    def runtime(self) -> Runtime:
        """What runs the network."""
        return self.session.runtime

    def __repr__(self) -> str:
        return f"Predictor({self.bundle.folder.name!r}, runtime={self.runtime.name!r}, device='{self.session.device}')"

    def predict_image(
        self,
        erp: NDArray[np.uint8] | Sequence[NDArray[np.uint8]],
        *,
        stream: str = "fused",
        height: int | None = None,
        seconds: Seconds = None,
        channels: Channels = "rgb",
    ) -> Floats:
        """Predict the saliency map of one ERP image, or of each of several.

        Args:
            erp: (H, W, 3) uint8, W = 2H within 2 %, H at least 16; or a list of such images, which may differ in size.
            stream: which map: "fused", or "attention" or "experts" alone.
            height: rows of the map; by default `config.erp_height` (160 for lite, 320 for paper).
            seconds: for a frame of a video, the time since its start. Viewers of a video keep to its front more than
                viewers of a photo, most of all in the first seconds. None: a photo.
            channels: the order of the colours: "rgb", or "bgr" as in OpenCV.

        Returns:
            (h, 2h) float32 >= 0: proportional to the density of gaze per unit of solid angle (not per ERP
            pixel). Of N images (N, h, 2h). Each image is predicted by itself: for the frames of a video use `step` or
            `run`.

        Raises:
            ShapeError: `erp` is no such image or an empty list.
            ConfigError: an unknown stream or channel order, a height below 1, a time below 0, or a time where it
                changes nothing.

        """
        self.check_time_matters(seconds, "seconds")
        images, are_several = list_images(erp)
        steps = [self.step(image, None, (stream,), height, seconds=seconds, channels=channels) for image in images]
        found = [maps[stream] for maps, _ in steps]
        return np.stack(found) if are_several else found[0]

    def predict_video(
        self,
        path: Path | str,
        *,
        streams: Sequence[str] = tuple(STREAMS),
        height: int | None = None,
        stereo: StereoChoice = "auto",
        stride: int = 1,
        fps: float | None = None,
        start_s: float = 0.0,
        duration_s: float | None = None,
    ) -> Iterator[FrameResult]:
        """Predict the maps of a video's frames, one at a time; memory does not grow with the length of the video.

        `atsal.video.read_frames` explains `stride`, `fps`, `start_s`, `duration_s`, `stereo` and the errors. The
        experts' moving average runs over the frames that are read. The call itself checks the arguments and the file.
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
        return self.predict_frames(frames, streams=streams, height=height)

    def predict_frames(
        self,
        frames: Iterable[Frame],
        *,
        streams: Sequence[str] = tuple(STREAMS),
        height: int | None = None,
        seconds: Seconds | Literal["own"] = "own",
    ) -> Iterator[FrameResult]:
        """Predict as `run` does, without the states. The frames are read ahead in a thread."""
        pairs = self.run(prefetch(frames, self.session.frames), streams=streams, height=height, seconds=seconds)
        return map_closing(lambda pair: pair[0], pairs)

    def run(
        self,
        frames: Iterable[Frame],
        *,
        streams: Sequence[str] = tuple(STREAMS),
        height: int | None = None,
        state: Floats | None = None,
        group: int | None = None,
        seconds: Seconds | Literal["own"] = "own",
    ) -> Iterator[tuple[FrameResult, Floats | None]]:
        """Predict the maps of any frames, each with the state after it. Pass a state in to go on after that frame.

        Args:
            frames: consecutive frames of one video.
            streams: the maps to return.
            height: rows of the maps; by default `config.erp_height`.
            state: the state after the frame before; None at the start of a video.
            group: how many frames run at once, by default the session's choice. They are read before the first result.
            seconds: one time for all frames, as in `step`. By default each frame has its own, `timestamp_s`. Times are
                rounded: from -0.001 s on, a time below 0 counts as 0.

        Raises:
            ConfigError: a group below 1, or a time below 0.
            PredictionError: the network failed; the message names the frames.
            InputError: what reading a frame raises. It comes after the results of the frames before it.

        """
        group = self.session.frames if group is None else group
        if group < 1:
            raise ConfigError(f"group {group}: expected the number of frames to run at once, 1 or more")
        if seconds != "own":
            check_seconds(seconds, "seconds")

        def prepare(frame: Frame) -> tuple[Frame, NDArray[np.uint8], Seconds]:
            image = self._scale(frame.image, f"frame {frame.index}")
            return frame, image, frame_time_s(frame) if seconds == "own" else seconds

        self.session.prepare(streams)
        for batch in batched(map_closing(prepare, frames), group):
            with naming_frames([frame for frame, _, _ in batch]):
                images, times = [image for _, image, _ in batch], [time for _, _, time in batch]
                maps, states = self._run_session(images, state, streams, height, times)
            for number, (frame, _, _) in enumerate(batch):
                state = None if states is None else states[number]
                own = {stream: found[number] for stream, found in maps.items()}
                yield FrameResult(frame.index, frame.timestamp_s, own, frame.image), state

    @property
    def frame_size(self) -> tuple[int, int]:
        """The (width, height) to which frames are best scaled when they are read."""
        return 2 * self.config.erp_height, self.config.erp_height

    def step(
        self,
        image: NDArray[np.uint8],
        state: Floats | None = None,
        streams: Sequence[str] = (FUSED.name,),
        height: int | None = None,
        *,
        seconds: Seconds,
        channels: Channels = "rgb",
    ) -> tuple[dict[str, Floats], Floats | None]:
        """Predict the next frame of a video, as from a camera: the frame and the state before, maps and state after.

        Over the frames of a video, the maps are those of `predict_video`. `run` does the same for an iterator of
        frames, several at once, which is faster.

        Args:
            image: (H, W, 3) uint8, W = 2H within 2 %, H at least 16.
            state: what the step before returned; None at the start of a video. The experts' moving average is in it.
            streams: the maps to return: "fused", "attention", "experts".
            height: rows of the maps; by default `config.erp_height`.
            seconds: the time since the start of the video, with any model; None for a photo.
            channels: the order of the colours: "rgb", or "bgr" as in OpenCV.

        Returns:
            The maps (h, 2h) float32 >= 0 by stream, and the state to pass to the next step. The state is None where
            only the attention stream was asked for, which has no memory.

        Raises:
            ShapeError: an image or a state of another shape.
            ConfigError: an unknown stream or channel order, a height below 1, or a time below 0.

        """
        check_seconds(seconds, "seconds")
        maps, states = self._run_session([self._scale(image, "an image", channels)], state, streams, height, [seconds])
        return {stream: found[0] for stream, found in maps.items()}, None if states is None else states[0]

    def check_time_matters(self, seconds: Seconds, name: str) -> None:
        """Raise `ConfigError` for a time of a still that is not allowed, or that changes nothing with this model."""
        check_seconds(seconds, name)
        if seconds is not None and not self.network.depends_on_time:
            raise ConfigError(
                f"{name} {seconds:g}: the maps of {self.bundle.folder.name!r} do not depend on the time"
                f"{' without a front' if self.network.prior else ''}; leave it out, or use lite with a front"
            )

    def _run_session(
        self,
        images: Sequence[NDArray[np.uint8]],
        state: Floats | None,
        streams: Sequence[str],
        height: int | None,
        seconds: Sequence[Seconds],
    ) -> tuple[dict[str, Floats], Floats | None]:
        """Run consecutive frames of the network's size: maps (T, h, 2h) by stream, and the state after each frame."""
        _check_request(streams, height)
        rows = self.config.erp_height if height is None else height
        times = np.array([PHOTO if time is None else time for time in seconds], np.float32)
        return self.session.run(np.stack(images), self._check_state(state), streams, rows, times)

    def _check_state(self, state: Floats | None) -> Floats | None:
        """Return the state as every runtime takes it; raise `ShapeError` for a state of another model."""
        if state is None:
            return None
        expected = self.network.state_shape[1:]
        if np.shape(state) != expected:
            raise ShapeError(
                f"state of shape {np.shape(state)}: expected {expected}; start a new video with state=None"
            )
        return np.require(state, np.float32, ("C", "W"))

    def _scale(self, image: NDArray[np.uint8], name: str, channels: Channels = "rgb") -> NDArray[np.uint8]:
        """(H, W, 3) uint8 of any size -> (erp_height, 2 erp_height, 3) RGB."""
        check_erp_image(image, name)
        return reorder(scale_image(image, self.frame_size), channels)


def _check_request(streams: Sequence[str], height: int | None) -> None:
    check_streams(streams)
    if height is not None and height < 1:
        raise ConfigError(f"height {height}: expected the number of rows of the maps, 1 or more")


def load_model(
    name: str | Path | WeightFolder = "lite",
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
        name: "lite", "paper", or a weight folder that `atsal weights import` or training wrote; also an open one.
        device: "auto" (CUDA where there is one), "cpu", "cuda", "cuda:1", ….
        runtime: "auto" (OpenVINO for `lite` on a CPU where it is installed, else PyTorch), "torch", "openvino", "onnx".
        precision: "float32", or "half": float16 on CUDA, bfloat16 in OpenVINO on processors that have it.
        face_size: pixels of a cube face's side, in place of the model's own; 160 or 256 for "paper".
        procedure: "corrected", or "published": the released test procedure, for comparison with old results.
        direction: of lite: "head_eye", a density of gaze, or "head", a density of the middle of the viewport.
        front_deg: of lite: the longitude in degrees, + to the right, of the front around which the video is composed;
            None where there is no front, for example for viewers who start anywhere.

    Raises:
        ConfigError: an unknown name, device or runtime, or a runtime that cannot do this.
        MissingDependencyError: a runtime that is not installed.
        WeightsError: weights that are missing, damaged or of another network.

    """
    chosen = choose_device(device)
    bundle = name if isinstance(name, WeightFolder) else find_weights(name)
    network = build_network(bundle, face_size=face_size, procedure=procedure, direction=direction, front_deg=front_deg)
    return Predictor(start_session(runtime, network, chosen, precision), bundle)
