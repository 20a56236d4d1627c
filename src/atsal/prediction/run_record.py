"""The record of a run: its settings, the manifest when it is finished, and a journal until then."""

import dataclasses
import json
import time
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from safetensors import safe_open
from safetensors.numpy import save

from atsal.errors import OutputError
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.jobs.output_folder import find_differences
from atsal.prediction.formats import FORMATS
from atsal.prediction.frame_result import Floats, FrameResult
from atsal.prediction.frame_table import FrameTable, table_entries
from atsal.prediction.options import Options
from atsal.prediction.predictor import Predictor
from atsal.prediction.results import ResultPath, result_paths
from atsal.prediction.sources import Source
from atsal.prediction.streams import STREAMS
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import parse_json, read_json

Settings = dict[str, Any]
SAVE_EVERY_S = 10.0
_LONGEST_S = 1e9  # 30 years: sums and products of times stay far from infinity
_OPTION_NAMES = {
    "streams": "stream",
    "formats": "format",
    "start_s": "start",
    "duration_s": "duration",
    "height": "size",
    "front_deg": "front",
    "still_at_s": "still-at",
    "max_frames": "max-frames",
    "overlay": "format",  # where only one of the runs drew overlays
}
# Earlier versions had only these values and did not record them; they recorded settings of a model that are gone.
_EARLIER_OPTIONS = {"direction": "head_eye", "front_deg": 0.0}
_EARLIER_OVERLAY = {"colormap": "inferno", "opacity": 0.75, "legend": False}
_EARLIER_CONFIG = ("width", "smoothing_deg")


def describe_run(predictor: Predictor, source: Source, options: Options) -> Settings:
    """Return all that the results depend on, as JSON values."""
    chosen = dataclasses.asdict(options)
    del chosen["overwrite"]
    chosen["still_at_s"] = options.still_at_s if source.kind != "video" else None
    chosen["overlay"] = chosen["overlay"] if options.draws_overlay else None
    chosen |= {"direction": predictor.network.direction, "front_deg": predictor.network.front_deg}
    model = {
        "folder": predictor.bundle.folder.name,
        "sha256": predictor.bundle.checksum,
        "config": predictor.config.to_dict(),
        "procedure": predictor.network.procedure,
        "precision": predictor.session.precision,
    }
    return dict(json.loads(json.dumps({"source": source.identity(), "model": model, "options": chosen})))


def changed_settings(before: Settings, now: Settings, source: Source) -> list[str]:
    """Return the settings that differ, in words of the command line. The same source may have moved."""
    before, now = _complete(before), dict(now)
    recorded = before.get("source")
    if isinstance(recorded, dict):
        now["source"] = now["source"] | {"path": recorded.get("path")}
        if "sha256" not in recorded:  # an earlier version identified a source by its date
            now["source"] = now["source"] | {"sha256": None, "modified_ns": source.modified_ns}
    return list(dict.fromkeys(_option_name(difference.name) for difference in find_differences(before, now)))


def _complete(settings: Settings) -> Settings:
    """Return the settings of an earlier version as this version would have recorded them."""
    model, options = settings["model"], settings["options"]
    if isinstance(options, dict):
        formats = options.get("formats")
        overlays = isinstance(formats, list) and any(FORMATS[n].shows_source for n in formats if n in FORMATS)
        options = _EARLIER_OPTIONS | {"overlay": _EARLIER_OVERLAY if overlays else None} | options
    if isinstance(model, dict) and isinstance(model.get("config"), dict):
        config = {name: value for name, value in model["config"].items() if name not in _EARLIER_CONFIG}
        model = model | {"config": config}
    return settings | {"model": model, "options": options}


def _option_name(name: str) -> str:
    """Return the user's name of a setting: "stream" for "options.streams.0", "model" for all of "model.config"."""
    first, *parts = [part for part in name.split(".") if not part.isdigit()]
    word = parts[-1] if first == "options" and parts else first
    return _OPTION_NAMES.get(word, word)


@dataclasses.dataclass(frozen=True)
class EarlierRun:
    """What an earlier run recorded of the results of one source."""

    path: Path  # of the manifest or journal
    settings: Settings
    frames: FrameTable
    problem: str | None = None

    @classmethod
    def from_json(cls, path: Path, document: Any) -> "EarlierRun":
        """Check a record; raise ValueError, KeyError or TypeError where it is none."""
        settings, frames = document["settings"], document["frames"]
        if not isinstance(settings, dict) or not {"source", "model", "options"} <= settings.keys():
            raise TypeError("the settings")
        if not isinstance(frames, list):
            raise TypeError("the list of frames")
        for frame in frames:
            if type(frame["index"]) is not int or not all(isinstance(name, str) for name in frame["files"]):
                raise TypeError("a frame's index or files")
            if type(frame["timestamp_s"]) not in (int, float) or not abs(frame["timestamp_s"]) <= _LONGEST_S:
                raise ValueError(f"a frame's time as a number of seconds, at most {_LONGEST_S:g}")
        problem = document.get("problem")
        if not isinstance(problem, str | None):
            raise TypeError("a problem as text")
        return cls(path, settings, FrameTable(frames), problem)

    def result_paths(self, folder: Path, stem: str) -> list[ResultPath]:
        """Return where its results are."""
        try:
            options = self.settings["options"]
            is_still = self.settings["source"]["kind"] == "image" or options["reading"].get("max_frames") == 1
            streams = [stream for stream in STREAMS if stream in options["streams"]]
            formats = [form for form in FORMATS if form in options["formats"]]
        except (KeyError, TypeError, AttributeError):
            return []
        by_format = result_paths(folder, stem, is_still, streams, formats)
        return [path for by_stream in by_format.values() for path in by_stream.values()]

    def is_complete(self, folder: Path, stem: str) -> bool:
        """Return whether all of its results are still there."""
        single = (path.path for path in self.result_paths(folder, stem) if not path.frame_suffix)
        return all(path.is_file() for path in chain(single, (folder / name for name in self.frames.files())))


def read_manifest(path: Path) -> EarlierRun | None:
    """Read the manifest of a finished run; None where there is none. Raise `OutputError` for another kind of file."""
    if not path.exists():
        return None
    try:
        return EarlierRun.from_json(path, read_json(path, ErrorFactory(OutputError, path, "move it")))
    except (OutputError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(
            f"{path}: a manifest goes here, but this file is no manifest of atsal; move it, or choose another output "
            "folder"
        ) from error


def frame_entry(result: FrameResult, names: list[str]) -> dict[str, Any]:
    """Return what the table of frames says of a result."""
    peaks = {stream: float(saliency.max()) for stream, saliency in result.maps.items()}
    time_s = round(result.timestamp_s, 6)
    return {"index": result.frame_index, "timestamp_s": time_s, "files": names, "peaks": peaks}


class Journal:
    """The settings, the table of frames and the state of the network, in one file that is replaced as a whole.

    It is written before the first result. So it also shows that the results are atsal's own.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path = path
        self.settings = settings
        self.frames = FrameTable()
        self._last: tuple[int, Floats | None] = (0, None)  # size of the table and the state then, set at once
        self._saved_at = time.monotonic()

    @property
    def state(self) -> Floats | None:
        """The network's state after the last frame."""
        return self._last[1]

    def read(self) -> EarlierRun | None:
        """Read the journal of an earlier run; None where there is none, or a damaged one."""
        return self._read()[0]

    def resume(self, source: Source, folder: Path) -> None:
        """Go on after an earlier run with the same settings, if all of its maps are still in `folder`."""
        earlier, state = self._read()
        if earlier is None or changed_settings(earlier.settings, self.settings, source):
            return
        if all((folder / name).is_file() for name in earlier.frames.files()):
            self.frames, self._last = earlier.frames, (earlier.frames.size, state)

    def _read(self) -> tuple[EarlierRun | None, Floats | None]:
        if not self.path.is_file():
            return None, None
        try:
            with safe_open(self.path, framework="np") as file:
                make_error = ErrorFactory(OutputError, self.path, "delete it")
                document = parse_json(file.metadata()["journal"], make_error)
                if "frames" in file.keys():  # noqa: SIM118 - no mapping; earlier versions had them in the document
                    document["frames"] = parse_json(table_entries(file.get_tensor("frames").tobytes()), make_error)
                state = file.get_tensor("state") if "state" in file.keys() else None  # noqa: SIM118
                return EarlierRun.from_json(self.path, document), state
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OutputError, safetensors.SafetensorError):
            return None, None

    def add(self, result: FrameResult, names: list[str], state: Floats | None, group: int) -> None:
        """Add a frame whose files are all written, and the state after it, of a network that takes `group` at once.

        A run goes on after whole groups: in PyTorch, the last digits of a map depend on the other frames of its group.
        """
        self.frames.add(frame_entry(result, names))
        if len(self.frames) % group == 0:
            self._last = (self.frames.size, state)

    def save_if_due(self) -> None:
        """Save if the last time is long enough ago."""
        if time.monotonic() - self._saved_at >= SAVE_EVERY_S:
            self.save()

    def save(self) -> None:
        """Write the file."""
        size, state = self._last
        tensors = {"frames": np.frombuffer(self.frames.text(size), np.uint8)}
        if state is not None:
            tensors["state"] = np.ascontiguousarray(state)
        content = save(tensors, {"journal": json.dumps({"settings": self.settings})})
        with output_errors(self.path), atomic_file(self.path) as part:
            part.write_bytes(content)
        self._saved_at = time.monotonic()

    def remove(self) -> None:
        """Remove the file: the run is finished."""
        self.path.unlink(missing_ok=True)
