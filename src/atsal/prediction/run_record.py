"""What is remembered of a run: the settings that made its results, a manifest when finished, a journal till then."""

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from safetensors import safe_open
from safetensors.numpy import save

from atsal.errors import OutputError
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.jobs.output_folder import find_differences
from atsal.prediction.items import Item
from atsal.prediction.predictor import FrameResult, Predictor
from atsal.prediction.results import FORMATS, Options, Place, places
from atsal.prediction.runtimes.base import Floats
from atsal.prediction.streams import STREAMS
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import parse_json, read_json

SNAPSHOT_EVERY_S = 10.0
Settings = dict[str, Any]
_OPTION_NAMES = {
    "streams": "stream",
    "formats": "format",
    "start_s": "start",
    "duration_s": "duration",
    "height": "size",
    "front_deg": "front",
    "still_at_s": "still-at",
}
_BEFORE = {"direction": "head_eye", "front_deg": 0.0}  # earlier versions had no others and did not record them,
_GONE = ("width", "smoothing_deg")  # and recorded these settings of a model


def describe(predictor: Predictor, item: Item, options: Options) -> Settings:
    """Everything the results depend on, as JSON values."""
    chosen = dataclasses.asdict(options)
    del chosen["overwrite"]
    chosen["still_at_s"] = options.still_at_s if item.kind != "video" else None
    chosen |= {"direction": predictor.network.direction, "front_deg": predictor.network.front_deg}
    model = {
        "folder": predictor.bundle.folder.name,
        "sha256": predictor.bundle.checksum,
        "config": predictor.config.to_dict(),
        "procedure": predictor.network.procedure,
        "precision": predictor.runtime.precision,
    }
    document = {"source": item.identity(), "model": model, "options": chosen}
    return dict(json.loads(json.dumps(document)))


def changed(previous: Settings, settings: Settings, item: Item) -> list[str]:
    """In what two runs on `item` differ, in words of the command line; the same source may have moved."""
    before, now = _completed(previous), dict(settings)
    source = before.get("source")
    if isinstance(source, dict):
        now["source"] = now["source"] | {"path": source.get("path")}
        if "sha256" not in source:  # of an earlier version, which went by the date
            now["source"] = now["source"] | {"sha256": None, "modified_ns": item.modified_ns}
    return list(dict.fromkeys(_word(difference.name) for difference in find_differences(before, now)))


def _completed(settings: Settings) -> Settings:
    """The settings of a run of an earlier version, as this one would have recorded them."""
    model, options = settings["model"], settings["options"]
    if isinstance(options, dict):
        options = _BEFORE | options
    if isinstance(model, dict) and isinstance(model.get("config"), dict):
        model = model | {"config": {name: value for name, value in model["config"].items() if name not in _GONE}}
    return settings | {"model": model, "options": options}


def _word(name: str) -> str:
    """What people call a setting: "options.streams.0" is the stream, and all of "model.config" the model."""
    first, *parts = [part for part in name.split(".") if not part.isdigit()]
    word = parts[-1] if first == "options" and parts else first
    return _OPTION_NAMES.get(word, word)


@dataclasses.dataclass(frozen=True)
class Record:
    """An earlier run of the same name."""

    path: Path  # of its manifest or journal
    settings: Settings
    frames: list[dict[str, Any]]
    problem: str | None = None

    @classmethod
    def from_json(cls, path: Path, document: Any) -> "Record":
        """Check what was read; raises ValueError, KeyError or TypeError where it is no such record."""
        settings, frames = document["settings"], document["frames"]
        if not isinstance(settings, dict) or not {"source", "model", "options"} <= settings.keys():
            raise TypeError("the settings")
        for frame in frames:
            if not isinstance(frame["index"], int) or not all(isinstance(name, str) for name in frame["files"]):
                raise TypeError("a frame's index or files")
        return cls(path, settings, frames, document.get("problem"))

    def places(self, folder: Path, stem: str) -> list[Place]:
        """Where its results are."""
        try:
            kind = self.settings["source"]["kind"]
            streams = [stream for stream in STREAMS if stream in self.settings["options"]["streams"]]
            formats = [form for form in FORMATS if form in self.settings["options"]["formats"]]
        except (KeyError, TypeError):
            return []
        return [place for where in places(folder, stem, kind, streams, formats).values() for place in where.values()]

    def files(self) -> list[str]:
        """The names of the files of its frames, as seen from the output folder."""
        return [name for frame in self.frames for name in frame["files"]]

    def is_complete(self, folder: Path, stem: str) -> bool:
        """Whether all its results are still there."""
        single = (place.path for place in self.places(folder, stem) if not place.frame_ending)
        return all(path.is_file() for path in (*single, *(folder / name for name in self.files())))


def read_manifest(path: Path) -> Record | None:
    """Read the manifest of a finished run; None where there is no file, `OutputError` where it is something else."""
    if not path.exists():
        return None
    try:
        return Record.from_json(path, read_json(path, ErrorFactory(OutputError, path, "move it")))
    except (OutputError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(
            f"{path}: a file of this name is in the way, and it is no manifest of atsal; move it, or choose another "
            "output folder"
        ) from error


class Journal:
    """What an unfinished item has done: its frame table and the network's state, in one file replaced as a whole.

    It is written before the first result, and so also marks the results as this program's own.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path = path
        self.settings = settings
        self.frames: list[dict[str, Any]] = []
        self._last: tuple[int, Floats | None] = (0, None)  # frames done and the state after them, set in one step
        self._saved_at = time.monotonic()

    @property
    def state(self) -> Floats | None:
        """The network's state after the last frame."""
        return self._last[1]

    def read(self) -> Record | None:
        """Read an earlier run's; None where there is none, or a damaged one."""
        return self._read()[0]

    def take_up(self, item: Item, folder: Path) -> None:
        """Go on after an earlier run with the same settings, if its maps are all still in `folder`."""
        record, state = self._read()
        if record is None or changed(record.settings, self.settings, item):
            return
        if all((folder / name).is_file() for name in record.files()):
            self.frames, self._last = record.frames, (len(record.frames), state)

    def _read(self) -> tuple[Record | None, Floats | None]:
        if not self.path.is_file():
            return None, None
        try:
            with safe_open(self.path, framework="np") as file:
                told = parse_json(file.metadata()["journal"], ErrorFactory(OutputError, self.path, "delete it"))
                record = Record.from_json(self.path, told)
                has_state = "state" in file.keys()  # noqa: SIM118 - no mapping
                return record, file.get_tensor("state") if has_state else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OutputError, safetensors.SafetensorError):
            return None, None

    def add(self, result: FrameResult, names: list[str], state: Floats | None) -> None:
        """Note a frame whose files are all written."""
        peaks = {stream: float(result.map(stream).max()) for stream in STREAMS if result.has(stream)}
        time_s = round(result.timestamp_s, 6)
        self.frames.append({"index": result.frame_index, "timestamp_s": time_s, "files": names, "peaks": peaks})
        self._last = (len(self.frames), state)

    def save_now_and_then(self) -> None:
        """Save if the last time is long enough ago."""
        if time.monotonic() - self._saved_at >= SNAPSHOT_EVERY_S:
            self.save()

    def save(self) -> None:
        """Write the file aside and rename it."""
        count, state = self._last
        tensors = {} if state is None else {"state": np.ascontiguousarray(state)}
        content = save(tensors, {"journal": json.dumps({"settings": self.settings, "frames": self.frames[:count]})})
        with output_errors(self.path), atomic_file(self.path) as part:
            part.write_bytes(content)
        self._saved_at = time.monotonic()

    def remove(self) -> None:
        """Forget it: the item is finished."""
        self.path.unlink(missing_ok=True)
