"""Where predictions go: map files, map videos and overlays, each under the input's stem.

An image `x.jpg` gives `OUT/x.npy`; a video `x.mp4` gives a folder `OUT/x/` with a file a frame, or `OUT/x.mp4`. With
`--stream all` the fused maps have these names and the others carry theirs: `OUT/x.attention.npy`, `OUT/x.attention/`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, Self

from atsal.prediction.predictor import FrameResult, Stream
from atsal.prediction.render import PeakTracker, grey, overlay
from atsal.video.writer import VideoWriter, write_map_npy, write_map_png, write_rgb_png

Format = Literal["npy", "png", "png16", "video", "overlay"]
FORMATS: tuple[Format, ...] = ("npy", "png", "png16", "video", "overlay")
FRAME_DIGITS = 6


def result_path(folder: Path, stem: str, stream: Stream, streams: Sequence[Stream], ending: str) -> Path:
    """`folder/stem[.stream][ending]`: the stream is named unless it is the only one or the fused one."""
    named = f".{stream}" if len(streams) > 1 and stream != "fused" else ""
    return folder / f"{stem}{named}{ending}"


class Sink(ABC):
    """Takes the results of one item, one at a time; as a context manager it ends them, or undoes a half-written file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        return None

    def folders(self) -> list[Path]:
        """Folders that are this item's alone."""
        return []

    @abstractmethod
    def files(self) -> list[Path]:
        """Files outside those folders."""

    @abstractmethod
    def write(self, result: FrameResult) -> list[str]:
        """Write one frame's result; the names of files that belong to this frame alone, below the output folder."""


class MapFiles(Sink):
    """One file a frame, or the one file of a still."""

    def __init__(self, folder: Path, stem: str, streams: Sequence[Stream], form: Format, *, still: bool) -> None:
        self._folder = folder
        self._stem = stem
        self._streams = streams
        self._form = form
        self._still = still

    def folders(self) -> list[Path]:
        """Folders that hold this item's frames (none for a still)."""
        return [] if self._still else [result_path(self._folder, self._stem, s, self._streams, "") for s in self._streams]

    def files(self) -> list[Path]:
        """The files of a still (none for a clip)."""
        return [self._path(stream, 0) for stream in self._streams] if self._still else []

    def write(self, result: FrameResult) -> list[str]:
        """Write each stream's map; whole files only."""
        paths = {stream: self._path(stream, result.frame_index) for stream in self._streams}
        for stream, path in paths.items():
            self._write_one(path, result, stream)
        return [path.relative_to(self._folder).as_posix() for path in paths.values()]

    def _path(self, stream: Stream, frame_index: int) -> Path:
        ending = ".npy" if self._form == "npy" else ".overlay.png" if self._form == "overlay" else ".png"
        if self._still:
            return result_path(self._folder, self._stem, stream, self._streams, ending)
        folder = result_path(self._folder, self._stem, stream, self._streams, "")
        return folder / f"{frame_index:0{FRAME_DIGITS}d}{ending}"

    def _write_one(self, path: Path, result: FrameResult, stream: Stream) -> None:
        saliency = result.map(stream)
        if self._form == "npy":
            write_map_npy(path, saliency)
        elif self._form == "overlay":
            write_rgb_png(path, overlay(result.image, saliency, float(saliency.max())))
        else:
            write_map_png(path, saliency, bits=16 if self._form == "png16" else 8)


class MapVideos(Sink):
    """One video a stream: grey maps, or colours over the source's frames with its sound."""

    def __init__(
        self,
        folder: Path,
        stem: str,
        streams: Sequence[Stream],
        form: Format,
        *,
        frame_rate: float,
        sound: Path | None,
        duration_s: float | None = None,
    ) -> None:
        ending = ".mp4" if form == "video" else ".overlay.mp4"
        self._paths = {stream: result_path(folder, stem, stream, streams, ending) for stream in streams}
        self._overlaid = form == "overlay"
        self._frame_rate = frame_rate
        self._sound = sound if self._overlaid else None
        self._duration_s = duration_s
        self._writers: dict[Stream, VideoWriter] = {}
        self._peaks = {stream: PeakTracker() for stream in streams}
        self._stack = ExitStack()

    def files(self) -> list[Path]:
        """One video a stream."""
        return list(self._paths.values())

    def write(self, result: FrameResult) -> list[str]:
        """Append one frame to each video."""
        for stream, path in self._paths.items():
            saliency = result.map(stream)
            peak = self._peaks[stream].update(saliency)
            if self._overlaid:
                picture = overlay(result.image, saliency, peak)
            else:
                picture = grey(saliency, peak, (even(saliency.shape[1]), even(saliency.shape[0])))
            if stream not in self._writers:
                self._writers[stream] = self._open(path, (picture.shape[1], picture.shape[0]), result.timestamp_s)
            self._writers[stream].write(picture, result.timestamp_s)
        return []

    def _open(self, path: Path, size: tuple[int, int], start_s: float) -> VideoWriter:
        writer = VideoWriter(
            path,
            size,
            self._frame_rate,
            audio_from=self._sound,
            audio_start_s=start_s,
            audio_duration_s=self._duration_s,
        )
        return self._stack.enter_context(writer)

    def __exit__(self, *exception: object) -> None:
        self._stack.__exit__(*exception)  # type: ignore[arg-type]


def even(pixels: int) -> int:
    """The next even number: H.264 in 4:2:0 takes no odd sides."""
    return max(2, pixels + pixels % 2)
