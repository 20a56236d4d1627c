"""A result of `atsal predict --format npy`, found by its manifest: the source, the streams, and the maps."""

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_args

from atsal.directing.scene_cuts import FrameWatch
from atsal.errors import DataError, MediaError
from atsal.models import DIRECTIONS, Direction
from atsal.prediction.options import ReadOptions
from atsal.prediction.prefetch import prefetch
from atsal.prediction.run_record import EarlierRun
from atsal.prediction.saved_maps import SavedMaps, as_stereo, as_streams
from atsal.prediction.sources import Source, SourceKind
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import read_object
from atsal.untrusted.text import error_reason, short_repr
from atsal.video.media_files import classify
from atsal.video.reader import Frame
from atsal.video.stereo_layout import StereoChoice
from atsal.viewing.frame_maps import FrameMaps

T = TypeVar("T")
_AHEAD = 8  # pictures that are read before they are wanted


@dataclass(frozen=True)
class SavedResult:
    """A finished run. `streams` are those whose maps it wrote."""

    manifest: Path
    source: Source
    stereo: StereoChoice
    streams: tuple[str, ...]
    direction: Direction
    frame_count: int
    model: str
    settings: dict[str, Any]
    problem: str | None

    def frames(self) -> Iterator[FrameMaps]:
        """Yield the maps of each frame; `DataError` for a map that is missing or damaged."""
        maps = [SavedMaps(self.manifest, stream) for stream in self.streams]
        for rows in zip(*maps, strict=True):
            index, time_s, _ = rows[0]
            yield FrameMaps(index, time_s, {stream: row[2] for stream, row in zip(self.streams, rows, strict=True)})

    def frames_with_pictures(self, size: tuple[int, int], watch: FrameWatch) -> Iterator[FrameMaps]:
        """Yield the maps of each frame of a clip with its picture, scaled to `size`, up to a damage of the source.

        `watch` sees every frame of the source from the first map to the last.
        """
        pictures: Iterator[Frame] | None = None
        picture: Frame | None = None
        for found in self.frames():
            if pictures is None:
                pictures = prefetch(watch.watch(self._read_from(found.timestamp_s, size)), _AHEAD)
                picture = next(pictures, None)
            while picture is not None and picture.index < found.frame_index:
                picture = next(pictures, None)
            yield found if picture is None else found._replace(image=picture.image)

    def _read_from(self, time_s: float, size: tuple[int, int]) -> Iterator[Frame]:
        """Read the source from a little before a time: times are rounded. End where it is damaged."""
        reading = ReadOptions(stereo=self.stereo)
        early_s = 0.25 / self.source.frame_rate(reading)
        with suppress(MediaError):  # `problem` says what is wrong
            yield from self.source.frames(replace(reading, start_s=max(0.0, time_s - early_s)), size)


class RunFacts(NamedTuple):
    """What the manifest of a run says."""

    run: EarlierRun
    source: Path  # as it was named
    kind: SourceKind
    sha256: str  # of the source
    streams: tuple[str, ...]
    direction: Direction
    stereo: StereoChoice
    model: str
    duration_s: float  # until the last map


def read_run(manifest: Path) -> RunFacts:
    """Read a manifest; raise `DataError` for another kind of file, and for a run that wrote no .npy maps."""
    make_error = ErrorFactory(DataError, manifest, "expected the manifest of a finished `atsal predict --format npy`")
    try:
        run = EarlierRun.from_json(manifest, read_object(manifest, make_error))
        source, options, model = (run.settings[name] for name in ("source", "options", "model"))
        path, kind, sha256 = Path(str(source["path"])), _one_of(get_args(SourceKind), source["kind"]), source["sha256"]
        streams = as_streams(options["streams"])
        direction = _one_of(DIRECTIONS, options.get("direction", "head_eye"))  # earlier versions predicted this one
        stereo, model_name = as_stereo(options["reading"]["stereo"]), str(model["folder"])
        formats = [str(name) for name in options["formats"]]
        duration_s = max((float(frame["timestamp_s"]) for frame in run.frames), default=0.0)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise make_error(f"lacks {error_reason(error)}") from error
    if "npy" not in formats:
        raise DataError(
            f"{manifest}: its run wrote {', '.join(formats)} and no .npy maps; predict again with --format npy"
        )
    return RunFacts(run, path, kind, sha256, streams, direction, stereo, model_name, duration_s)


def _one_of(known: Collection[T], value: Any) -> T:
    for one in known:
        if value == one:
            return one
    raise ValueError(f"a value of {', '.join(map(str, known))} in place of {short_repr(value)}")


def open_result(manifest: Path, media: Path | None = None) -> SavedResult:
    """Open a result. The source is `media`, or a file of its name in the folder `media`.

    Without `media`, it is where the manifest says, or else a file of its name beside the manifest. Raises `DataError`
    as `read_run` does, for a source that is not there, and for a source that has changed.
    """
    facts = read_run(manifest)
    source = find_source(manifest, facts, media)
    if source.identity()["sha256"] != facts.sha256:
        raise DataError(
            f"{manifest}: has the maps of {facts.source.name}, but {source.path} is another file or has changed; "
            "predict it again, or name the right file with --media"
        )
    run = facts.run
    chosen = facts.stereo, facts.streams, facts.direction
    return SavedResult(manifest, source, *chosen, len(run.frames), facts.model, run.settings, run.problem)


def find_source(manifest: Path, facts: RunFacts, media: Path | None) -> Source:
    """Return the file of the source's name, as `open_result` looks for it; raise `DataError` where there is none."""
    candidates = _candidates(manifest, facts, media)
    for path in candidates:
        if os.path.exists(path):  # noqa: PTH110 - false, too, for a name that no file can have
            return Source(path, "sequence" if facts.kind == "sequence" else classify(path))
    raise DataError(
        f"{manifest}: has the maps of {facts.source.name}, which is not at {candidates[0]}; name the file or its "
        "folder with --media"
    )


def _candidates(manifest: Path, facts: RunFacts, media: Path | None) -> list[Path]:
    name = facts.source.name
    if media is None:
        return [facts.source, manifest.parent / name]
    is_clip = facts.kind == "sequence" and not (media / name).exists()
    return [media / name] if media.is_dir() and not is_clip else [media]
