"""The folder of a training run.

run.json            marks the folder as a training run
config.yaml         the whole configuration, with defaults and absolute paths
environment.json    versions, git state, machine and command of each start
data.json           sets, items, checksums
start/              the weight folder it began with
log.jsonl           a line for each epoch and every 20 steps
tensorboard/        the same as curves, and pictures
taught/             the teachers' maps, if the run has teachers
checkpoints/        last.safetensors and best.safetensors, from which a run is resumed
model/              written at the end: a weight folder for `--model` and for the next stage
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from atsal.config import dump_yaml
from atsal.errors import ConfigError, DataError, TrainingError
from atsal.jobs.atomic_write import atomic_file, output_errors, write_json
from atsal.jobs.output_folder import FolderKind, OutputFolder, find_differences, list_differences
from atsal.models.weight_folder import DESCRIPTION, WEIGHT_FOLDER
from atsal.remote.urls import without_secrets
from atsal.training.config import TrainConfig, read_train_config, to_plain
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import read_object
from atsal.version import versions

CONFIG, ENVIRONMENT, DATA, LOG = "config.yaml", "environment.json", "data.json", "log.jsonl"
TRAINING_RUN = FolderKind(
    description="a training run",
    format="atsal training run",
    record="run.json",
    writes=(
        *(CONFIG, ENVIRONMENT, DATA, LOG),
        *(f"{folder}/{name}" for folder in ("start", "model") for name in WEIGHT_FOLDER.writes),
        "tensorboard/events.out.tfevents.*",
        "taught/*/*.safetensors",
        "checkpoints/last.safetensors",
        "checkpoints/best.safetensors",
    ),
    folders=("", "checkpoints", "taught/*"),
)
_PACKAGES = ("atsal", "torch", "numpy", "av", "safetensors", "pillow", "tensorboard")


class RunFolder:
    """The paths and records of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start = folder / "start"
        self.model = folder / "model"
        self.teacher_maps = folder / "taught"
        self.tensorboard = folder / "tensorboard"
        self.last = folder / "checkpoints" / "last.safetensors"
        self.best = folder / "checkpoints" / "best.safetensors"
        self._output = OutputFolder(folder, TRAINING_RUN)

    @property
    def exists(self) -> bool:
        """Whether the folder holds a run. A configuration alone is none."""
        return (self.folder / CONFIG).is_file() and (self._output.record.is_file() or self._is_of_version_0())

    def _is_of_version_0(self) -> bool:
        """Return whether an earlier version, which wrote no record, set up a run here."""
        return (self.folder / ENVIRONMENT).is_file() and (self.start / DESCRIPTION).is_file()

    def config(self) -> TrainConfig:
        """Return the configuration of the run."""
        return read_train_config(self.folder / CONFIG)

    @contextmanager
    def locked(self, config: TrainConfig | None) -> Iterator[None]:
        """Begin a run, or resume the one in the folder, and lock the folder meanwhile.

        A new run that fails before its first checkpoint leaves nothing. Raise `ConfigError` if the run in the folder
        has another configuration, `OutputError` if the folder holds anything else.
        """
        if self.exists and not self._output.record.is_file():
            self._output.write_record({})
        with self._output.claim() as is_new:
            try:
                if is_new and config is not None:
                    with output_errors(self.folder), atomic_file(self.folder / CONFIG) as part:
                        part.write_text(dump_yaml(to_plain(config)), encoding="utf-8")
                elif config is not None:
                    self._refuse_another(config)
                with output_errors(self.last.parent):
                    self.last.parent.mkdir(exist_ok=True)
                yield
            except BaseException:
                if is_new and not self.last.is_file():
                    self._output.remove_results()
                raise

    def _refuse_another(self, config: TrainConfig) -> None:
        found = find_differences(to_plain(self.config()), to_plain(config))
        if found:
            raise ConfigError(
                f"{self.folder}: holds a run of another configuration: {list_differences(found)}. Resume it with its "
                "own "
                f"(`atsal train {self.folder}`), or give another folder"
            )

    def is_finished_without_checkpoints(self) -> bool:
        """Return whether the run is finished and its checkpoints were deleted.

        Raise `TrainingError` if the checkpoints of an unfinished run are gone.
        """
        if self.last.is_file():
            return False
        if (self.model / DESCRIPTION).is_file():
            return True
        if self.log_bytes:
            raise TrainingError(
                f"{self.last}: is missing, but the run's {LOG} holds finished steps; put the checkpoint back, or begin "
                "a new run in another folder"
            )
        return False

    def record_environment(self, **values: Any) -> None:
        """Add this start of the run to `environment.json`, with additional values."""
        path = self.folder / ENVIRONMENT
        history = _read_json(path).get("starts", []) if path.is_file() else []
        write_json(path, {"starts": [*history, _environment() | values]})

    def record_data(self, found: dict[str, Any]) -> None:
        """Record the data of a new run. Raise `DataError` if those of a resumed run have changed."""
        path = self.folder / DATA
        found = json.loads(json.dumps(found))
        if not path.is_file():
            write_json(path, found)
            return
        changed = find_differences(_read_json(path), found)
        if changed:
            raise DataError(
                f"{self.folder}: the data have changed since the run began: {list_differences(changed)}. Put the old "
                "data back, or "
                "begin a new run"
            )

    def log(self, line: dict[str, Any]) -> None:
        """Add a line to the log."""
        path = self.folder / LOG
        with output_errors(path), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()

    @property
    def log_bytes(self) -> int:
        """The length of the log in bytes."""
        path = self.folder / LOG
        return path.stat().st_size if path.is_file() else 0

    def truncate_log(self, length: int) -> None:
        """Remove what was logged after a checkpoint; the resumed run logs it again."""
        path = self.folder / LOG
        with output_errors(path):
            if path.is_file():
                os.truncate(path, min(length, path.stat().st_size))
            else:
                path.touch()


def _read_json(path: Path) -> dict[str, Any]:
    return read_object(path, ErrorFactory(DataError, path, "delete it; the run writes it again"))


def _environment() -> dict[str, Any]:
    """Return versions, machine, command and git state of this process."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [*map(without_secrets, sys.argv)],
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": versions(_PACKAGES),
        "git": _git_state(),
    }


def _git_state() -> dict[str, Any] | None:
    """Return the commit of the package's checkout and whether files in it have changed; None outside a checkout."""
    root = Path(__file__).parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()  # noqa: S603

    try:
        return {"commit": git("rev-parse", "HEAD"), "changed": bool(git("status", "--porcelain", "--", str(root)))}
    except (OSError, subprocess.SubprocessError):
        return None
