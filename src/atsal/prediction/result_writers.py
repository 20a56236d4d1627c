"""Write the results of a source: one file for each frame, or one video for each stream."""

from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from atsal.jobs.atomic_write import reported
from atsal.prediction.formats import FORMATS, Format, VideoOutput
from atsal.prediction.frame_result import FrameResult
from atsal.prediction.options import Options
from atsal.prediction.result_paths import ResultPath, result_paths
from atsal.prediction.sources import Source
from atsal.video.render import PeakTracker, Picture
from atsal.video.writer import VideoWriter

Pictures = dict[str, Picture]  # by stream


class ResultWriter(ABC):
    """Takes the results of a source, one at a time. As a context manager it finishes the files, or removes them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        return None

    def draw(self, result: FrameResult) -> Pictures:  # noqa: ARG002 - most draw nothing
        """Draw what `write` needs. It is called in order, ahead of `write`, in another thread."""
        return {}

    @abstractmethod
    def write(self, result: FrameResult, pictures: Pictures) -> list[Path]:
        """Write one result. Return the files that belong to this frame alone."""


class FileWriter(ResultWriter):
    """One file for each frame, or the one file of an image."""

    def __init__(self, form: Format, paths: dict[str, ResultPath]) -> None:
        self._form = form
        self._paths = paths
        self._made: set[Path] = set()

    def write(self, result: FrameResult, pictures: Pictures) -> list[Path]:  # noqa: ARG002 - nothing is drawn ahead
        """Write the map of each stream."""
        files = {stream: path.of_frame(result.frame_index) for stream, path in self._paths.items()}
        for stream, file in files.items():
            if file.parent not in self._made:  # only once: a folder that disappears later took maps with it
                with reported(file.parent):
                    file.parent.mkdir(parents=True, exist_ok=True)
                self._made.add(file.parent)
            self._form.write(file, result, result.map(stream))
        return list(files.values())


class MapVideoWriter(ResultWriter):
    """One video for each stream."""

    def __init__(
        self, video: VideoOutput, paths: dict[str, ResultPath], source: Source, options: Options, *, sound: bool
    ) -> None:
        self._draw = video.draw
        self._paths = paths
        self._frame_rate = source.output_rate(options.reading)
        self._sound = source.path if sound and source.kind == "video" else None
        self._duration_s = options.reading.duration_s
        self._writers: dict[str, VideoWriter] = {}
        self._peaks = {stream: PeakTracker() for stream in paths}
        self._stack = ExitStack()

    def draw(self, result: FrameResult) -> Pictures:
        """Draw the frame of each video."""
        maps = {stream: result.map(stream) for stream in self._paths}
        return {stream: self._draw(result, m, self._peaks[stream].update(m)) for stream, m in maps.items()}

    def write(self, result: FrameResult, pictures: Pictures) -> list[Path]:
        """Append one frame to each video."""
        for stream, path in self._paths.items():
            if stream not in self._writers:
                self._writers[stream] = self._open(path.path, pictures[stream], result.timestamp_s)
            self._writers[stream].write(pictures[stream], result.timestamp_s)
        return []

    def _open(self, path: Path, picture: Picture, start_s: float) -> VideoWriter:
        writer = VideoWriter(
            path,
            (picture.shape[1], picture.shape[0]),
            self._frame_rate,
            audio_from=self._sound,
            audio_start_s=start_s,
            audio_duration_s=self._duration_s,
        )
        return self._stack.enter_context(writer)

    def __exit__(self, *exception: object) -> None:
        self._stack.__exit__(*exception)  # type: ignore[arg-type]


def make_writers(source: Source, folder: Path, options: Options) -> list[ResultWriter]:
    """Make one writer for each format."""
    writers: list[ResultWriter] = []
    by_format = result_paths(folder, source.stem, source.kind, options.streams, options.formats)
    for name, paths in by_format.items():
        form = FORMATS[name]
        if form.video is None or source.kind == "image":
            writers.append(FileWriter(form, paths))
        else:
            writers.append(MapVideoWriter(form.video, paths, source, options, sound=form.shows_source))
    return writers
