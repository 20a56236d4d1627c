"""A result of `atsal predict --format npy`, found by its manifest: the source, the streams, and the maps."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atsal.errors import DataError
from atsal.prediction.run_record import EarlierRun
from atsal.prediction.saved_maps import SavedMaps
from atsal.prediction.sources import Source, SourceKind
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import read_object
from atsal.untrusted.text import error_reason
from atsal.video.media_files import classify
from atsal.video.stereo_layout import StereoChoice
from atsal.viewing.frame_maps import FrameMaps


@dataclass(frozen=True)
class SavedResult:
    """A finished run. `streams` are those whose maps it wrote."""

    manifest: Path
    source: Source
    stereo: StereoChoice
    streams: tuple[str, ...]
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


def open_result(manifest: Path, media: Path | None = None) -> SavedResult:
    """Open a result. The source is `media`, or else where the manifest says, or else a file of its name beside it.

    Raises `DataError` for another kind of file, for a source that is not there, and for a source that has changed.
    """
    make_error = ErrorFactory(DataError, manifest, "expected the manifest of a finished `atsal predict --format npy`")
    try:
        run = EarlierRun.from_json(manifest, read_object(manifest, make_error))
        recorded, options, model = (run.settings[name] for name in ("source", "options", "model"))
        path, kind, sha256 = Path(str(recorded["path"])), recorded["kind"], recorded["sha256"]
        streams = tuple(str(name) for name in options["streams"])
        stereo, model_name = options["reading"]["stereo"], str(model["folder"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise make_error(f"lacks {error_reason(error)}") from error
    source = _find_source(manifest, path, kind, media)
    if source.identity()["sha256"] != sha256:
        raise DataError(
            f"{manifest}: has the maps of {path.name}, but {source.path} is another file or has changed; predict it "
            "again, or name the right file with --media"
        )
    return SavedResult(manifest, source, stereo, streams, len(run.frames), model_name, run.settings, run.problem)


def _find_source(manifest: Path, recorded: Path, kind: Any, media: Path | None) -> Source:
    candidates = [media] if media is not None else [recorded, manifest.parent / recorded.name]
    for path in candidates:
        if path.exists():
            known: SourceKind = "sequence" if kind == "sequence" else classify(path)
            return Source(path, known)
    raise DataError(
        f"{manifest}: has the maps of {recorded.name}, which is not at {candidates[0]}; name the file with --media"
    )
