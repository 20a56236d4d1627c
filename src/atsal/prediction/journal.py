"""The journal of an unfinished run, from which the next run goes on."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from safetensors import safe_open
from safetensors.numpy import save

from atsal.errors import OutputError
from atsal.jobs.atomic_write import reported, write_aside
from atsal.prediction.frame_result import Floats, FrameResult
from atsal.prediction.run_record import EarlierRun, Settings, changed_settings
from atsal.prediction.sources import Source
from atsal.untrusted.json_text import parse_json
from atsal.untrusted.reading import Blame

SAVE_EVERY_S = 10.0


class Journal:
    """The settings, the table of frames and the state of the network, in one file that is replaced as a whole.

    It is written before the first result. So it also shows that the results are atsal's own.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path = path
        self.settings = settings
        self.frames: list[dict[str, Any]] = []
        self._last: tuple[int, Floats | None] = (0, None)  # number of frames and the state after them, set at once
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
        if all((folder / name).is_file() for name in earlier.frame_files()):
            self.frames, self._last = earlier.frames, (len(earlier.frames), state)

    def _read(self) -> tuple[EarlierRun | None, Floats | None]:
        if not self.path.is_file():
            return None, None
        try:
            with safe_open(self.path, framework="np") as file:
                document = parse_json(file.metadata()["journal"], Blame(OutputError, self.path, "delete it"))
                has_state = "state" in file.keys()  # noqa: SIM118 - no mapping
                state = file.get_tensor("state") if has_state else None
                return EarlierRun.from_json(self.path, document), state
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OutputError, safetensors.SafetensorError):
            return None, None

    def add(self, result: FrameResult, names: list[str], state: Floats | None) -> None:
        """Add a frame whose files are all written."""
        peaks = {stream: float(saliency.max()) for stream, saliency in result.maps.items()}
        time_s = round(result.timestamp_s, 6)
        self.frames.append({"index": result.frame_index, "timestamp_s": time_s, "files": names, "peaks": peaks})
        self._last = (len(self.frames), state)

    def save_if_due(self) -> None:
        """Save if the last time is long enough ago."""
        if time.monotonic() - self._saved_at >= SAVE_EVERY_S:
            self.save()

    def save(self) -> None:
        """Write the file."""
        count, state = self._last
        tensors = {} if state is None else {"state": np.ascontiguousarray(state)}
        content = save(tensors, {"journal": json.dumps({"settings": self.settings, "frames": self.frames[:count]})})
        with reported(self.path), write_aside(self.path) as part:
            part.write_bytes(content)
        self._saved_at = time.monotonic()

    def remove(self) -> None:
        """Remove the file: the run is finished."""
        self.path.unlink(missing_ok=True)
