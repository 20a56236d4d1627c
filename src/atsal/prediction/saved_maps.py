"""Maps that `atsal predict --format npy` wrote, read by the manifest beside them."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.jobs.checksums import cached_sha256
from atsal.prediction.run_record import EarlierRun
from atsal.prediction.streams import FUSED, STREAMS, file_stem
from atsal.untrusted.arrays import open_npy
from atsal.untrusted.files import ErrorFactory, is_inside
from atsal.untrusted.json_text import read_object
from atsal.untrusted.text import error_reason, short_repr
from atsal.video.probe import probe_video
from atsal.video.stereo_layout import StereoChoice

Map = NDArray[np.floating[Any]]
_MOST_ROWS = 4096  # of a map: several of them fit into memory
_LEAST, _MOST = 1e-30, 1e30  # of the greatest value of a map: sums and ratios stay far from infinity
_MOST_LATE_STEPS = 1.5  # by which the last map may be before the end of the video


class SavedMaps:
    """The maps of one stream, in order of time; `manifest` is the JSON file beside them.

    Raises `DataError` for another file and for a manifest without such maps.
    """

    def __init__(self, manifest: Path, stream: str = FUSED.name) -> None:
        remedy = "expected the manifest of a finished `atsal predict --format npy`"
        self._make_error = ErrorFactory(DataError, manifest, remedy)
        self.manifest = manifest
        try:
            self._run = EarlierRun.from_json(manifest, read_object(manifest, self._make_error))
            source, options = self._run.settings["source"], self._run.settings["options"]
            self.front_deg = _as_front(options.get("front_deg", 0.0))  # earlier versions had this front
            self.source_name = Path(str(source["path"])).name
            self._sha256 = source.get("sha256")
            self._stereo = as_stereo(options.get("reading", {}).get("stereo", "auto"))
            streams = as_streams(options["streams"])
            self.times_s = [float(frame["timestamp_s"]) for frame in self._run.frames]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._make_error(f"lacks {error_reason(error)}") from error
        for before_s, after_s in pairwise(self.times_s):
            if after_s <= before_s:
                raise self._make_error(f"has a frame at {after_s:g} s after one at {before_s:g} s")
        if stream not in streams:
            raise self._make_error(f"has maps of {', '.join(streams)}, not of {stream}")
        self._stem = file_stem(manifest.stem, stream, len(streams))

    def __iter__(self) -> Iterator[tuple[int, float, Map]]:
        """Yield frame index, time in seconds and map (h, 2h), of one size; `DataError` for one that is damaged."""
        shape = None
        for frame, time_s in zip(self._run.frames, self.times_s, strict=True):
            saliency = self._read(frame["files"])
            if shape not in (None, saliency.shape):
                raise self._make_error(f"has maps of {shape} and of {saliency.shape} values")
            shape = saliency.shape
            yield frame["index"], time_s, saliency

    def check_video(self, video: Path, stereo: StereoChoice = "auto") -> None:
        """Raise `DataError` unless the maps are those of this file and layout, from its first frame to its last."""
        if self._sha256 != cached_sha256(video):
            raise self._make_error(f"has the maps of {self.source_name}, which is another file than {video}")
        self._check_layout(video, stereo)
        end_s = probe_video(video).duration_s or 0.0
        step_s = max((later - earlier for earlier, later in pairwise(self.times_s)), default=end_s)
        if not self.times_s or self.times_s[0] > step_s or end_s > self.times_s[-1] + _MOST_LATE_STEPS * step_s + 0.1:
            found = f"{self.times_s[0]:.2f} to {self.times_s[-1]:.2f} s" if self.times_s else "no frame"
            raise self._make_error(f"has maps of {found} of {video}, which lasts {end_s:.2f} s; predict all of it")

    def _check_layout(self, video: Path, stereo: StereoChoice) -> None:
        if stereo == self._stereo:
            return
        own, other = (probe_video(video, choice).stereo for choice in (self._stereo, stereo))
        if own != other:
            raise self._make_error(f"has maps of {video} as {own}, not as {other}; choose that layout with --stereo")

    def _read(self, files: list[str]) -> Map:
        names = [
            name for name in files if name.endswith(".npy") and Path(name).parts[0].removesuffix(".npy") == self._stem
        ]
        if len(names) != 1 or not is_inside(names[0]):
            raise self._make_error(f"lists no .npy map among {short_repr(files)}")
        path = self.manifest.parent / names[0]
        values = open_npy(path, ErrorFactory(DataError, path, "write the maps again"))
        if values.dtype.kind != "f":
            raise DataError(
                f"{path}: holds {values.dtype}; expected a map of floating-point numbers; write the maps again"
            )
        if values.ndim != 2 or values.shape[1] != 2 * len(values) or len(values) > _MOST_ROWS:
            raise DataError(
                f"{path}: has the shape {values.shape}; expected a map (h, 2h), h at most {_MOST_ROWS}; write the maps "
                "again"
            )
        least, most = float(values.min(initial=0)), float(values.max(initial=0))
        if not (least >= 0 and most <= _MOST):  # neither is true of a NaN
            raise DataError(f"{path}: expected a map of numbers from 0 to {_MOST:g}; write the maps again")
        if most < _LEAST:
            raise DataError(f"{path}: is zero everywhere; expected a map with some attention; write the maps again")
        return values


def as_stereo(value: object) -> StereoChoice:
    """Return the layout that was asked for; `ValueError` for anything else."""
    found = next((choice for choice in get_args(StereoChoice) if choice == value), None)
    if found is None:
        raise ValueError("reading.stereo as the name of a layout")
    return cast("StereoChoice", found)


def as_streams(value: object) -> tuple[str, ...]:
    """Return the names of the streams of a run; `ValueError` for anything else."""
    if not isinstance(value, list) or not value or any(name not in tuple(STREAMS) for name in value):
        raise ValueError("options.streams as names of streams")
    return tuple(dict.fromkeys(value))


def _as_front(value: object) -> float | None:
    """Return the yaw of the front in degrees, None for no front; `ValueError` for anything else."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not -360 <= value <= 360:
        raise ValueError("front_deg as a number of degrees")
    return float(value)
