"""Where predictions go: map files, map videos and overlays, each under the input's stem.

An image `x.jpg` gives `OUT/x.npy`; a video `x.mp4` gives a folder `OUT/x/` with a file a frame, or `OUT/x.mp4`. With
`--stream all` the fused maps have these names and the others carry theirs: `OUT/x.attention.npy`, `OUT/x.attention/`.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from atsal.errors import ConfigError
from atsal.jobs.atomic_write import name_start, output_errors
from atsal.prediction.items import Item, Kind, Reading
from atsal.prediction.predictor import FrameResult, Seconds, check_seconds
from atsal.prediction.streams import Stream
from atsal.video.render import PeakTracker, Picture, grey, overlay
from atsal.video.writer import VideoWriter, write_map_npy, write_map_png, write_rgb_png

Pictures = dict[Stream, Picture]  # by stream
Format = Literal["npy", "png", "png16", "video", "overlay"]
FORMATS: tuple[Format, ...] = ("npy", "png", "png16", "video", "overlay")
FRAME_DIGITS = 6
STILL_AT = "still_at_s (--still-at)"  # as messages call it, for both kinds of users


@dataclass(frozen=True)
class Options:
    """What to predict and how to write it."""

    streams: tuple[Stream, ...] = ("fused",)
    formats: tuple[Format, ...] = ("overlay",)
    reading: Reading = field(default_factory=Reading)
    height: int | None = None  # rows of the maps; None: the model's own
    overwrite: bool = False
    # When pictures are shown, since the start of the video they are of: stills (None: photos), and all frames of a
    # folder (None: by their rate).
    still_at_s: Seconds = None

    def __post_init__(self) -> None:
        """Drop repeated formats, and refuse two whose files would have the same name, and times that there are not."""
        object.__setattr__(self, "formats", tuple(dict.fromkeys(self.formats)))
        if {"png", "png16"} <= set(self.formats):
            raise ConfigError("formats png and png16 would write files of the same name: choose one of them")
        check_seconds(self.still_at_s, "still_at_s")


@dataclass(frozen=True)
class Place:
    """Where the maps of one stream go in one format: a file, or a folder with a file a frame."""

    path: Path
    frame_ending: str = ""  # of the files in the folder; "" where `path` is the one file

    def file(self, frame_index: int) -> Path:
        """Give the file of a frame."""
        return self.path / f"{frame_index:0{FRAME_DIGITS}d}{self.frame_ending}" if self.frame_ending else self.path

    def found(self) -> list[Path]:
        """List the files that are there, by name alone."""
        if not self.frame_ending:
            return [self.path] if self.path.is_file() else []
        name = re.compile(rf"\d{{{FRAME_DIGITS},}}{re.escape(self.frame_ending)}")
        return [file for file in self.path.iterdir() if name.fullmatch(file.name)] if self.path.is_dir() else []

    def leftovers(self) -> list[Path]:
        """List the unfinished files of a run that was killed."""
        folder = self.path if self.frame_ending else self.path.parent
        name = r"\d+.*" if self.frame_ending else re.escape(name_start(self.path.name))
        part = re.compile(rf"\.{name}\.[0-9a-f]{{8}}\.atsal-part")
        return [file for file in folder.iterdir() if part.fullmatch(file.name)] if folder.is_dir() else []


def places(
    folder: Path, stem: str, kind: Kind, streams: Sequence[Stream], formats: Sequence[Format]
) -> dict[Format, dict[Stream, Place]]:
    """Say where everything goes. A stream is named unless it is the only one or the fused one.

    Stills have no video, so "video" gives them a PNG.
    """
    if kind == "image" and "video" in formats:
        others = [form for form in formats if form != "video"]
        formats = others if {"png", "png16"} & set(others) else [*others, "png"]
    names = {s: stem if len(streams) == 1 or s == "fused" else f"{stem}.{s}" for s in streams}
    return {form: {stream: _place(folder / name, kind, form) for stream, name in names.items()} for form in formats}


def _place(base: Path, kind: Kind, form: Format) -> Place:
    ending = ".npy" if form == "npy" else ".overlay.png" if form == "overlay" else ".png"
    if kind == "image":
        return Place(base.with_name(base.name + ending))
    if form in ("video", "overlay"):
        return Place(base.with_name(base.name + (".mp4" if form == "video" else ".overlay.mp4")))
    return Place(base, ending)


class Sink(ABC):
    """Takes an item's results, one at a time; as a context manager it ends them, or undoes a half-written file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        return None

    def draw(self, result: FrameResult) -> Pictures:  # noqa: ARG002 - most draw nothing
        """Draw what `write` needs of a frame; called in order, and ahead of it in another thread."""
        return {}

    @abstractmethod
    def write(self, result: FrameResult, drawn: Pictures) -> list[Path]:
        """Write one frame's result; gives the files that belong to this frame alone."""


class MapFiles(Sink):
    """One file a frame, or the one file of a still."""

    def __init__(self, where: dict[Stream, Place], form: Format) -> None:
        self._where = where
        self._form = form
        self._made: set[Path] = set()

    def write(self, result: FrameResult, drawn: Pictures) -> list[Path]:  # noqa: ARG002 - nothing is drawn
        """Write each stream's map; whole files only."""
        paths = {stream: place.file(result.frame_index) for stream, place in self._where.items()}
        for stream, path in paths.items():
            if path.parent not in self._made:  # once: a folder that goes missing later took maps with it
                with output_errors(path.parent):
                    path.parent.mkdir(parents=True, exist_ok=True)
                self._made.add(path.parent)
            self._write_one(path, result, stream)
        return list(paths.values())

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
        where: dict[Stream, Place],
        form: Format,
        *,
        frame_rate: float,
        sound: Path | None,
        duration_s: float | None = None,
    ) -> None:
        self._where = where
        self._overlaid = form == "overlay"
        self._frame_rate = frame_rate
        self._sound = sound if self._overlaid else None
        self._duration_s = duration_s
        self._writers: dict[Stream, VideoWriter] = {}
        self._peaks = {stream: PeakTracker() for stream in where}
        self._stack = ExitStack()

    def draw(self, result: FrameResult) -> Pictures:
        """Draw the frame of each video."""
        drawn: Pictures = {}
        for stream in self._where:
            saliency = result.map(stream)
            peak = self._peaks[stream].update(saliency)
            if self._overlaid:
                drawn[stream] = overlay(result.image, saliency, peak)
            else:
                drawn[stream] = grey(saliency, peak, (even(saliency.shape[1]), even(saliency.shape[0])))
        return drawn

    def write(self, result: FrameResult, drawn: Pictures) -> list[Path]:
        """Append one frame to each video."""
        for stream, place in self._where.items():
            picture = drawn[stream]
            if stream not in self._writers:
                self._writers[stream] = self._open(place.path, (picture.shape[1], picture.shape[0]), result.timestamp_s)
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


def make_sinks(item: Item, folder: Path, options: Options) -> list[Sink]:
    """Make one sink a format."""
    sinks: list[Sink] = []
    for form, where in places(folder, item.stem, item.kind, options.streams, options.formats).items():
        if item.kind == "image" or form in ("npy", "png", "png16"):
            sinks.append(MapFiles(where, form))
            continue
        reading, rate = options.reading, item.written_rate(options.reading)
        sound = item.path if item.kind == "video" else None
        sinks.append(MapVideos(where, form, frame_rate=rate, sound=sound, duration_s=reading.duration_s))
    return sinks


def even(pixels: int) -> int:
    """Give the next even number: H.264 in 4:2:0 takes no odd sides."""
    return max(2, pixels + pixels % 2)
