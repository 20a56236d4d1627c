"""The results of a source: their names, and how they are written.

A still gives `OUT/x.npy`: an image `x.jpg`, or `x.mp4` of which one frame is asked for. A video `x.mp4` gives a folder
`OUT/x/` with one file for each frame, or `OUT/x.mp4`. Where several streams are written, streams other than the fused
one add their name: `OUT/x.attention.npy`, `OUT/x.attention/`.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from atsal.jobs.atomic_write import name_start, output_errors
from atsal.prediction.formats import FORMATS, Format, VideoOutput
from atsal.prediction.frame_result import FrameResult
from atsal.prediction.options import Options
from atsal.prediction.overlay import Overlay
from atsal.prediction.sources import Source
from atsal.prediction.streams import file_stem
from atsal.video.render import PeakTracker, Picture
from atsal.video.writer import VideoWriter

FRAME_DIGITS = 6
Pictures = dict[str, Picture]  # by stream


@dataclass(frozen=True)
class ResultPath:
    """Where the maps of one stream go in one format: a file, or a folder with one file for each frame."""

    path: Path
    frame_suffix: str = ""  # of the files in the folder; "" where `path` is the one file

    def of_frame(self, frame_index: int) -> Path:
        """Return the file of a frame."""
        return self.path / f"{frame_index:0{FRAME_DIGITS}d}{self.frame_suffix}" if self.frame_suffix else self.path

    def existing(self) -> list[Path]:
        """Return the files that exist, judged by their names alone."""
        if not self.frame_suffix:
            return [self.path] if self.path.is_file() else []
        name = re.compile(rf"\d{{{FRAME_DIGITS},}}{re.escape(self.frame_suffix)}")
        return [file for file in self.path.iterdir() if name.fullmatch(file.name)] if self.path.is_dir() else []

    def leftovers(self) -> list[Path]:
        """Return the unfinished files of a run that was killed."""
        folder = self.path if self.frame_suffix else self.path.parent
        name = r"\d+.*" if self.frame_suffix else re.escape(name_start(self.path.name))
        part = re.compile(rf"\.{name}\.[0-9a-f]{{8}}\.atsal-part")
        return [file for file in folder.iterdir() if part.fullmatch(file.name)] if folder.is_dir() else []


def result_paths(
    folder: Path, stem: str, is_still: bool, streams: Sequence[str], formats: Iterable[str]
) -> dict[str, dict[str, ResultPath]]:
    """Return where the results go, by format and stream."""
    chosen = [FORMATS[name] for name in formats]
    if is_still:  # a format for videos writes a still as well, unless another format writes the same file
        plain = {form.suffix for form in chosen if form.video is None}
        chosen = [form for form in chosen if form.video is None or form.suffix not in plain]
    stems = {stream: file_stem(stem, stream, len(streams)) for stream in streams}
    return {
        form.name: {stream: _result_path(folder / name, is_still, form) for stream, name in stems.items()}
        for form in chosen
    }


def _result_path(base: Path, is_still: bool, form: Format) -> ResultPath:
    if is_still:
        return ResultPath(base.with_name(base.name + form.suffix))
    return ResultPath(base.with_name(base.name + form.video.suffix)) if form.video else ResultPath(base, form.suffix)


class ResultWriter(ABC):
    """Takes the results of a source, one at a time. As a context manager it finishes the files, or removes them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        return None

    def draw(self, result: FrameResult) -> Pictures:  # noqa: ARG002 - most draw nothing
        """Draw what `write` needs. It is called in order, ahead of `write`, in another thread."""
        return {}

    def warm_up(self, result: FrameResult) -> None:  # noqa: B027 - most remember nothing
        """Take in a result before the first that is drawn and written."""

    @abstractmethod
    def write(self, result: FrameResult, pictures: Pictures) -> list[Path]:
        """Write one result. Return the files that belong to this frame alone."""


class FileWriter(ResultWriter):
    """One file for each frame, or the one file of an image."""

    def __init__(self, form: Format, paths: dict[str, ResultPath], look: Overlay) -> None:
        self._form = form
        self._paths = paths
        self._look = look
        self._made: set[Path] = set()

    def write(self, result: FrameResult, pictures: Pictures) -> list[Path]:  # noqa: ARG002 - nothing is drawn ahead
        """Write the map of each stream."""
        files = {stream: path.of_frame(result.frame_index) for stream, path in self._paths.items()}
        for stream, file in files.items():
            if file.parent not in self._made:  # only once: a folder that disappears later took maps with it
                with output_errors(file.parent):
                    file.parent.mkdir(parents=True, exist_ok=True)
                self._made.add(file.parent)
            self._form.write(file, result, result.map(stream), self._look)
        return list(files.values())


class MapVideoWriter(ResultWriter):
    """One video for each stream."""

    def __init__(
        self,
        video: VideoOutput,
        paths: dict[str, ResultPath],
        source: Source,
        options: Options,
        *,
        sound: bool,
        tagged: bool,
    ) -> None:
        self._draw = video.draw
        self._look = options.overlay
        self._paths = paths
        self._frame_rate = source.output_rate(options.reading)
        self._sound = source.path if sound and source.kind == "video" else None
        self._is_tagged = tagged
        self._duration_s = options.reading.duration_s
        self._writers: dict[str, VideoWriter] = {}
        self._peaks = {stream: PeakTracker() for stream in paths}
        self._stack = ExitStack()

    def warm_up(self, result: FrameResult) -> None:
        """Follow the peaks."""
        self._update_peaks(result)

    def draw(self, result: FrameResult) -> Pictures:
        """Draw the frame of each video."""
        peaks = self._update_peaks(result)
        return {stream: self._draw(result, result.map(stream), peak, self._look) for stream, peak in peaks.items()}

    def _update_peaks(self, result: FrameResult) -> dict[str, float]:
        return {stream: tracker.update(result.map(stream)) for stream, tracker in self._peaks.items()}

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
            spherical=self._is_tagged,
        )
        return self._stack.enter_context(writer)

    def __exit__(self, *exception: object) -> None:
        self._stack.__exit__(*exception)  # type: ignore[arg-type]


def make_writers(source: Source, folder: Path, options: Options, *, is_part: bool = False) -> list[ResultWriter]:
    """Make one writer for each format. Videos of a part have neither sound nor 360° tags; joining adds them."""
    writers: list[ResultWriter] = []
    is_still = source.is_still(options.reading)
    by_format = result_paths(folder, source.stem, is_still, options.streams, options.formats)
    for name, paths in by_format.items():
        form = FORMATS[name]
        if form.video is None or is_still:
            writers.append(FileWriter(form, paths, options.overlay))
        else:
            sound = form.shows_source and not is_part
            writers.append(MapVideoWriter(form.video, paths, source, options, sound=sound, tagged=not is_part))
    return writers
