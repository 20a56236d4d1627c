"""What there is to predict: inputs on the command line become items, each with a stem that its results keep."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from atsal.errors import ConfigError, InputError, MediaError
from atsal.jobs.checksums import cached_sha256
from atsal.video.folders import folder_remarks, list_frames, list_media
from atsal.video.image_reader import glance, read_image
from atsal.video.media_files import classify, read_image_sequence
from atsal.video.probe import probe_video
from atsal.video.reader import Frame, read_frames
from atsal.video.stereo import StereoChoice
from atsal.video.writer import HIGHEST_RATE

DEFAULT_SEQUENCE_RATE = 30.0  # frames/s of a folder of frames
LOWEST_RATE = 0.001  # frames/s; as a nominal rate it only says how long the last frame stands
Size = tuple[int, int]
Kind = Literal["image", "video", "sequence"]


@dataclass(frozen=True)
class Reading:
    """Which frames of a source to read, and how."""

    stereo: StereoChoice = "auto"
    stride: int = 1
    fps: float | None = None
    start_s: float = 0.0
    duration_s: float | None = None


@dataclass(frozen=True)
class Item:
    """One image, one video, or one folder of frames taken as a clip."""

    path: Path
    kind: Kind

    @property
    def stem(self) -> str:
        """The name its results carry."""
        if self.kind != "sequence":
            return self.path.stem
        return self.path.resolve().name if self.path.name in ("", "..") else self.path.name

    def identity(self) -> dict[str, object]:
        """Tell this source from another of the same name by its content, over all files of a folder of frames."""
        files = self.files()
        checksums = [cached_sha256(file) for file in files]
        return {
            "path": str(self.path),
            "kind": self.kind,
            "files": len(files),
            "bytes": sum(file.stat().st_size for file in files),
            "sha256": checksums[0] if self.kind != "sequence" else _joint_sha256(files, checksums),
        }

    @property
    def modified_ns(self) -> int:
        """When its newest file was changed: by this, earlier versions told sources of one name."""
        return max((file.stat().st_mtime_ns for file in self.files()), default=0)

    def frame_rate(self, reading: Reading) -> float:
        """Nominal frames per second of what `frames` delivers."""
        if self.kind != "video":
            return max(LOWEST_RATE, _sequence_rate(reading) / reading.stride)
        own = probe_video(self.path, reading.stereo).frame_rate
        return max(LOWEST_RATE, own / reading.stride if reading.fps is None else min(own, reading.fps))

    def written_rate(self, reading: Reading) -> float:
        """`frame_rate` for a video that is written; `MediaError` where none could be."""
        rate = self.frame_rate(reading)
        if rate > HIGHEST_RATE:
            raise MediaError(
                f"{self.path}: its time stamps give {rate:g} frames a second; a video that is written has "
                f"{HIGHEST_RATE} at most. Give --fps, or write --format npy"
            )
        return rate

    def shown_at(self, still_at_s: float | None) -> float | Literal["own"] | None:
        """When its pictures are shown, for `Predictor.run`: `still_at_s`, None for photos, or each at its own time."""
        is_timed = self.kind == "video" or (self.kind == "sequence" and still_at_s is None)
        return "own" if is_timed else still_at_s

    def view_size(self, reading: Reading) -> Size:
        """(width, height) of the view that `frames` delivers when no size is asked for."""
        if self.kind == "video":
            return probe_video(self.path, reading.stereo).eye_size
        height, width = next(self.frames(reading, None)).image.shape[:2]
        return width, height

    def notes(self, reading: Reading) -> tuple[str, ...]:
        """How its pictures are taken, and what they state of themselves that may make its maps wrong; for people."""
        if self.kind == "video":
            return probe_video(self.path, reading.stereo).view.notes
        return glance(self._first(reading), stereo=reading.stereo).cautions

    def expected_frames(self, reading: Reading) -> int | None:
        """How many frames `frames` should deliver, where that is known."""
        if self.kind == "image":
            return 1
        if self.kind == "sequence":
            return len(self._chosen(reading))
        info = probe_video(self.path, reading.stereo)
        if info.frame_count is not None and reading == Reading(stereo=reading.stereo, stride=reading.stride):
            return -(-info.frame_count // reading.stride)
        if info.duration_s is None:
            return None
        length = max(0.0, info.duration_s - reading.start_s)
        length = length if reading.duration_s is None else min(length, reading.duration_s)
        return max(1, round(length * self.frame_rate(reading)))

    def frames(self, reading: Reading, size: Size | None) -> Iterator[Frame]:
        """Read the frames, scaled to `size` (width, height) where given; a still is read at its own size."""
        if self.kind == "image":
            return iter([Frame(0, 0.0, read_image(self.path, stereo=reading.stereo))])
        if self.kind == "sequence":
            return self._sequence_frames(reading, size)
        return read_frames(
            self.path,
            size=size,
            stereo=reading.stereo,
            stride=reading.stride,
            fps=reading.fps,
            start_s=reading.start_s,
            duration_s=reading.duration_s,
        )

    def _sequence_frames(self, reading: Reading, size: Size | None) -> Iterator[Frame]:
        chosen = self._chosen(reading)
        if not chosen:
            raise MediaError(
                f"{self.path}: no frame in the span from {reading.start_s:g} s; it holds {len(self.files())} images, "
                f"{_sequence_rate(reading):g} a second. Start earlier, or ask for a longer span."
            )
        rate = _sequence_rate(reading)
        return read_image_sequence(self.path, fps=rate, size=size, stereo=reading.stereo, numbers=chosen)

    def _chosen(self, reading: Reading) -> range:
        """Numbers of the images within the span that the stride keeps."""
        if reading.stride < 1:
            raise ConfigError(f"stride is {reading.stride}; expected 1 or more")
        rate = _sequence_rate(reading)
        end = float("inf") if reading.duration_s is None else reading.start_s + reading.duration_s
        within = [number for number in range(len(self.files())) if reading.start_s <= number / rate < end]
        return range(within[0], within[-1] + 1, reading.stride) if within else range(0)

    def files(self) -> list[Path]:
        """The files that are read."""
        return list_frames(self.path) if self.kind == "sequence" else [self.path]

    def _first(self, reading: Reading) -> Path:
        """The image, or the first of those that are read: others may be broken."""
        return self.files()[self._chosen(reading)[0] if self.kind == "sequence" else 0]


def _joint_sha256(files: list[Path], checksums: list[str]) -> str:
    lines = (f"{file.name} {checksum}\n" for file, checksum in zip(files, checksums, strict=True))
    return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()


class InputFiles:
    """The files and folders that a run reads, known by any name or link: no result may replace them."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._known: set[tuple[int, int]] = set()
        for item in items:
            with suppress(InputError):  # a folder that holds no frames fails by itself, when its turn comes
                self._known.update(_file_id(path) for path in (item.path, *item.files()) if path.exists())

    def __contains__(self, path: Path) -> bool:
        return path.exists() and _file_id(path) in self._known


def _file_id(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _sequence_rate(reading: Reading) -> float:
    return DEFAULT_SEQUENCE_RATE if reading.fps is None else reading.fps


def find_items(inputs: Iterable[Path], *, as_frames: bool = False) -> tuple[list[Item], list[InputError]]:
    """Turn files and folders into items, in order and each once; and say what is wrong with those that are none.

    A folder stands for the images and videos in it, or with `as_frames` for one clip.
    """
    items: dict[Path, Item] = {}
    problems: list[InputError] = []
    for path in inputs:
        try:
            whole = as_frames and path.is_dir()
            files = list_media(path) if path.is_dir() and not whole else [path]
        except InputError as error:
            problems.append(error)
            continue
        for file in files:
            try:
                item = Item(file, "sequence" if whole else classify(file))
                items.setdefault(file.resolve(), item)
            except InputError as error:
                problems.append(error)
    return list(items.values()), problems


def find_remarks(inputs: Iterable[Path], *, as_frames: bool = False) -> list[str]:
    """A sentence on each thing in the folders among the inputs that no item stands for, and on gaps between frames."""
    remarks = []
    for path in inputs:
        if path.is_dir():
            with suppress(InputError):  # `find_items` tells it
                remarks += [f"{path}: {remark}" for remark in folder_remarks(path, as_frames=as_frames)]
    return remarks
