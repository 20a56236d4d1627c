"""The sources of a prediction: images, videos and folders of frames, each with a stem that its results keep."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from atsal.errors import ConfigError, InputError, MediaError
from atsal.jobs.checksums import cached_sha256
from atsal.prediction.options import STILL_AT, ReadOptions
from atsal.prediction.prefetch import take
from atsal.remote.path import RemotePath
from atsal.video.image_reader import probe_image_header, read_image
from atsal.video.media_files import classify, folder_remarks, list_frames, list_media, natural_key
from atsal.video.probe import probe_video
from atsal.video.reader import Frame, read_frames, read_image_sequence
from atsal.video.writer import MAX_RATE

DEFAULT_SEQUENCE_RATE = 30.0  # frames per second of a folder of frames
LOWEST_RATE = 0.001  # frames per second; the nominal rate only sets how long the last frame stands
_ROUNDING_S = 1e-9  # of sums of times: 0.1 + 0.2 s is not 0.3 s
Size = tuple[int, int]
SourceKind = Literal["image", "video", "sequence"]


@dataclass(frozen=True)
class Source:
    """One image, one video, or one folder of frames that is taken as a clip."""

    path: Path
    kind: SourceKind
    name: str | None = None  # of its results; None: the stem of the path

    @property
    def stem(self) -> str:
        """The name of its results."""
        if self.name is not None or self.kind != "sequence":
            return self.name or result_name(self.path)
        return self.path.resolve().name if self.path.name in ("", "..") else self.path.name

    def look(self) -> "Source":
        """Return itself, as `UnseenSource.look` returns what is there."""
        return self

    def identity(self) -> dict[str, object]:
        """Return what identifies this source by its content, as JSON values; of a folder, by all of its frames.

        A remote file is not read for that if its server states what identifies the version.
        """
        files = self.files()
        identity = {
            "path": str(self.path),
            "kind": self.kind,
            "files": len(files),
            "bytes": sum(file.stat().st_size for file in files),
        }
        versions = [_remote_version(file) or cached_sha256(file) for file in files]
        if self.kind == "sequence":
            return identity | {"sha256": _joint_sha256(files, versions)}
        version = _remote_version(self.path)
        return identity | ({"sha256": versions[0]} if version is None else {"sha256": None, "version": version})

    @property
    def modified_ns(self) -> int:
        """When its newest file was changed, by which earlier versions identified a source."""
        return max((file.stat().st_mtime_ns for file in self.files()), default=0)

    def is_still(self, reading: ReadOptions) -> bool:
        """Return whether its results are those of one picture: an image, or one frame of a clip."""
        return self.kind == "image" or reading.max_frames == 1

    def frame_rate(self, reading: ReadOptions) -> float:
        """Return the nominal frames per second that `frames` yields."""
        if self.kind != "video":
            return max(LOWEST_RATE, _sequence_rate(reading) / reading.stride)
        own = probe_video(self.path, reading.stereo).frame_rate
        return max(LOWEST_RATE, own / reading.stride if reading.fps is None else min(own, reading.fps))

    def output_rate(self, reading: ReadOptions) -> float:
        """Return the frame rate of a video that is written; raise `MediaError` where it is too high."""
        rate = self.frame_rate(reading)
        if rate > MAX_RATE:
            raise MediaError(
                f"{self.path}: its time stamps give {rate:g} frames a second; a video that is written has at most "
                f"{MAX_RATE}. Give --fps, or write --format npy"
            )
        return rate

    def shown_at(self, still_at_s: float | None) -> float | Literal["own"] | None:
        """Return the time of its frames, for `Predictor.run`: `still_at_s`, None for photos, or "own"."""
        has_times = self.kind == "video" or (self.kind == "sequence" and still_at_s is None)
        return "own" if has_times else still_at_s

    def check_still_time(self, still_at_s: float | None) -> None:
        """Raise `ConfigError` where a time for stills is given to a video, whose frames have times."""
        if self.kind == "video" and still_at_s is not None:
            raise ConfigError(
                f"{STILL_AT} {still_at_s:g}: {self.path} is a video, whose frames have times; leave it out"
            )

    def view_size(self, reading: ReadOptions) -> Size:
        """Return the (width, height) of the view that `frames` yields when no size is asked for."""
        if self.kind == "video":
            return probe_video(self.path, reading.stereo).eye_size
        height, width = next(self.frames(reading, None)).image.shape[:2]
        return width, height

    def notes(self, reading: ReadOptions) -> tuple[str, ...]:
        """Return notes for people: how its views are read, and what may make its maps wrong."""
        if self.kind == "video":
            return probe_video(self.path, reading.stereo).notes
        # The first image that is read: others may be broken.
        first = self.files()[self._frame_numbers(reading)[0] if self.kind == "sequence" else 0]
        return probe_image_header(first, stereo=reading.stereo).notes

    def expected_frames(self, reading: ReadOptions) -> int | None:
        """Return how many frames `frames` should yield; None where that is unknown."""
        count = self._frames_in_span(replace(reading, max_frames=None))
        return count if reading.max_frames is None or count is None else min(count, reading.max_frames)

    def _frames_in_span(self, reading: ReadOptions) -> int | None:
        if self.kind == "image":
            return 1
        if self.kind == "sequence":
            return len(self._frame_numbers(reading))
        info = probe_video(self.path, reading.stereo)
        if info.frame_count is not None and reading == ReadOptions(stereo=reading.stereo, stride=reading.stride):
            return -(-info.frame_count // reading.stride)
        if info.duration_s is None:
            return None
        length = max(0.0, info.duration_s - reading.start_s)
        length = length if reading.duration_s is None else min(length, reading.duration_s)
        return max(1, round(length * self.frame_rate(reading)))

    def frames(self, reading: ReadOptions, size: Size | None) -> Iterator[Frame]:
        """Read the frames, scaled to `size` (width, height) where given. An image keeps its own size."""
        if self.kind == "image":
            return iter([Frame(0, 0.0, read_image(self.path, stereo=reading.stereo))])
        frames = self._sequence_frames(reading, size) if self.kind == "sequence" else self._video_frames(reading, size)
        return frames if reading.max_frames is None else take(frames, reading.max_frames)

    def _video_frames(self, reading: ReadOptions, size: Size | None) -> Iterator[Frame]:
        return read_frames(
            self.path,
            size=size,
            stereo=reading.stereo,
            stride=reading.stride,
            fps=reading.fps,
            start_s=reading.start_s,
            duration_s=reading.duration_s,
        )

    def _sequence_frames(self, reading: ReadOptions, size: Size | None) -> Iterator[Frame]:
        numbers, rate = self._frame_numbers(reading), _sequence_rate(reading)
        if not numbers:
            raise MediaError(
                f"{self.path}: no frame in the span from {reading.start_s:g} s; it holds {len(self.files())} images, "
                f"{rate:g} a second. Start earlier, or ask for a longer span."
            )
        return read_image_sequence(self.path, fps=rate, size=size, stereo=reading.stereo, numbers=numbers)

    def _frame_numbers(self, reading: ReadOptions) -> range:
        """Return the numbers of a folder's images that are in the span and on the stride."""
        if reading.stride < 1:
            raise ConfigError(f"stride is {reading.stride}; expected 1 or more")
        rate = _sequence_rate(reading)
        end_s = float("inf") if reading.duration_s is None else reading.start_s + reading.duration_s
        first_s, last_s = reading.start_s - _ROUNDING_S, end_s - _ROUNDING_S
        inside = [number for number in range(len(self.files())) if first_s <= number / rate < last_s]
        return range(inside[0], inside[-1] + 1, reading.stride) if inside else range(0)

    def files(self) -> list[Path]:
        """Return the files that are read."""
        return list_frames(self.path) if self.kind == "sequence" else [self.path]


def result_name(path: Path) -> str:
    """Return the stem of a file as the name of its results, which would leave the folder for a file "...mp4"."""
    return path.stem if path.stem.strip(".") else f"_{path.stem}"


def _remote_version(path: Path) -> str | None:
    """Return what a server says to identify the version of a file; None for a local file, or where it says nothing."""
    return path.version if isinstance(path, RemotePath) else None


def _joint_sha256(files: list[Path], checksums: list[str]) -> str:
    lines = (f"{file.name} {checksum}\n" for file, checksum in zip(files, checksums, strict=True))
    return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()


def _sequence_rate(reading: ReadOptions) -> float:
    return DEFAULT_SEQUENCE_RATE if reading.fps is None else reading.fps


def find_sources(inputs: Iterable[Path], *, as_frames: bool = False) -> tuple[list[Source], dict[Path, InputError]]:
    """Return the sources in files and folders, in order and each once, and an error for each path without one.

    A folder stands for the images and videos in it, or with `as_frames` for one clip. A remote path with `*`, `?` or
    `[…]` stands for the files that match: no shell expands it.
    """
    sources: dict[Path, Source] = {}
    problems: dict[Path, InputError] = {}
    for path in inputs:
        try:
            is_clip = as_frames and path.is_dir()
            files = [path] if is_clip else _files_at(path)
        except InputError as error:
            problems[path] = error
            continue
        for file in files:
            try:
                source = Source(file, "sequence" if is_clip else classify(file))  # refuses a loop of links first
                sources.setdefault(file.resolve(), source)
            except InputError as error:
                problems[file] = error
    return list(sources.values()), problems


def _files_at(path: Path) -> list[Path]:
    if isinstance(path, RemotePath) and path.is_pattern and not path.exists():
        found = sorted(path.matches(), key=lambda file: natural_key(file.url))
        if not found:
            raise MediaError(f"{path}: no file matches; check the pattern")
        return list(found)
    return list_media(path) if path.is_dir() else [path]


def find_remarks(inputs: Iterable[Path], *, as_frames: bool = False) -> list[str]:
    """Return a sentence on each file in the folders that is skipped, and on gaps between frames."""
    remarks = []
    for path in inputs:
        if path.is_dir():
            with suppress(InputError):  # `find_sources` reports it
                remarks += [f"{path}: {remark}" for remark in folder_remarks(path, as_frames=as_frames)]
    return remarks


class SourceFiles:
    """The files and folders that a run reads, known by any name or link. No result may replace them."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._known: set[tuple[int, int]] = set()
        for source in sources:
            with suppress(InputError):  # a folder without frames fails when its turn comes
                self._known.update(_file_id(path) for path in (source.path, *source.files()) if path.exists())

    def __contains__(self, path: Path) -> bool:
        return path.exists() and _file_id(path) in self._known


def _file_id(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
