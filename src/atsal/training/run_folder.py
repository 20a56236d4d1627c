"""The folder of a training run: what it was asked, where it ran, what it read, how it went, and its weights.

run.json            says that the folder is a training run's
config.yaml         the whole configuration, defaults and absolute paths included
environment.json    versions, git state, machine, command, of each time it was started
data.json           the data: sets, items, checksums
start/              the weight folder it began with
log.jsonl           a line an epoch, and one now and then within
tensorboard/        the same as curves, and pictures
taught/             the teachers' maps, where there are any
checkpoints/        last.safetensors and best.safetensors, with all that a run goes on from
model/              at the end: a weight folder for `--model` and for the next stage
"""

import dataclasses
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
from atsal.training.config import TrainConfig, read_train_config
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
    """Paths and records of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start = folder / "start"
        self.model = folder / "model"
        self.taught = folder / "taught"
        self.tensorboard = folder / "tensorboard"
        self.last = folder / "checkpoints" / "last.safetensors"
        self.best = folder / "checkpoints" / "best.safetensors"
        self._output = OutputFolder(folder, TRAINING_RUN)

    @property
    def exists(self) -> bool:
        """Whether a run was begun here; the configuration alone does not make one."""
        return (self.folder / CONFIG).is_file() and (self._output.record.is_file() or self._is_of_version_0())

    def _is_of_version_0(self) -> bool:
        """Earlier versions wrote no record; only what they had set up whole is known for a run."""
        return (self.folder / ENVIRONMENT).is_file() and (self.start / DESCRIPTION).is_file()

    def config(self) -> TrainConfig:
        """The configuration of the run that was begun here."""
        return read_train_config(self.folder / CONFIG)

    @contextmanager
    def held(self, config: TrainConfig | None) -> Iterator[None]:
        """Begin a run here, or go on with the one that is here, and let no other process write to it meanwhile.

        A run that was begun now and fails before its first checkpoint leaves nothing. Raises `ConfigError` where the
        run here is of another configuration, `OutputError` where the folder holds anything else.
        """
        if self.exists and not self._output.record.is_file():
            self._output.write_record({})
        with self._output.claim() as is_new:
            try:
                if is_new and config is not None:
                    with output_errors(self.folder), atomic_file(self.folder / CONFIG) as part:
                        part.write_text(dump_yaml(plain(config)), encoding="utf-8")
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
        found = find_differences(plain(self.config()), plain(config))
        if found:
            raise ConfigError(
                f"{self.folder}: holds a run of another configuration: {list_differences(found)}. Go on with its own "
                f"(`atsal train {self.folder}`), or give another folder"
            )

    def finished_without_checkpoints(self) -> bool:
        """Whether the run is done and only its weights were kept.

        Raises `TrainingError` for a run whose checkpoints are gone before its end: nothing of it could go on.
        """
        if self.last.is_file():
            return False
        if (self.model / DESCRIPTION).is_file():
            return True
        if self.log_bytes:
            raise TrainingError(
                f"{self.last}: is not there, and the run's {LOG} says that it was trained; put the checkpoint back, or "
                "begin a new run in another folder"
            )
        return False

    def note_environment(self, facts: dict[str, Any]) -> None:
        """Add this start of the run to its history."""
        path = self.folder / ENVIRONMENT
        history = _read_json(path).get("starts", []) if path.is_file() else []
        write_json(path, {"starts": [*history, environment() | facts]})

    def note_data(self, found: dict[str, Any]) -> None:
        """Note the data of a new run; of one that goes on, check that they are the same. Raises `DataError`."""
        path = self.folder / DATA
        found = json.loads(json.dumps(found))
        if not path.is_file():
            write_json(path, found)
            return
        changed = find_differences(_read_json(path), found)
        if changed:
            raise DataError(
                f"{self.folder}: the data are not those that the run began with: {list_differences(changed)}. Put them "
                "back, or begin a new run"
            )

    def log(self, line: dict[str, Any]) -> None:
        """Add a line to the log."""
        path = self.folder / LOG
        with output_errors(path), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()

    @property
    def log_bytes(self) -> int:
        """The length of the log."""
        path = self.folder / LOG
        return path.stat().st_size if path.is_file() else 0

    def cut_log(self, length: int) -> None:
        """Forget what was logged after a checkpoint: it comes again."""
        path = self.folder / LOG
        with output_errors(path):
            if path.is_file():
                os.truncate(path, min(length, path.stat().st_size))
            else:
                path.touch()


def _read_json(path: Path) -> dict[str, Any]:
    return read_object(path, ErrorFactory(DataError, path, "delete it, and it is written anew"))


def plain(config: TrainConfig) -> dict[str, Any]:
    """A configuration as plain values: lists, numbers, texts; what is not set is left out."""

    def simple(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: simple(v) for k, v in value.items() if v is not None}
        return [simple(v) for v in value] if isinstance(value, list | tuple) else value

    found: dict[str, Any] = simple(dataclasses.asdict(config))
    return found


def environment() -> dict[str, Any]:
    """Versions, machine, command and git state of this process."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": versions(_PACKAGES),
        "git": _git_state(),
    }


def _git_state() -> dict[str, Any] | None:
    """Commit of the package's own checkout, and whether files in it were changed; None outside of one."""
    root = Path(__file__).parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()  # noqa: S603

    try:
        return {"commit": git("rev-parse", "HEAD"), "changed": bool(git("status", "--porcelain", "--", str(root)))}
    except (OSError, subprocess.SubprocessError):
        return None
