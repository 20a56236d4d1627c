"""The folder of a training run: what it was asked, where it ran, what it read, how it went, and its weights.

config.yaml         the whole configuration, defaults and absolute paths included
environment.json    versions, git state, machine, command, of each time it was started
data.json           the data: sets, items, checksums
start/              the weight folder it began with
log.jsonl           a line an epoch, and one now and then within
tensorboard/        the same as curves, and pictures
taught/             the teachers' maps of panoramas, where there are any
checkpoints/        last.safetensors and best.safetensors, with all that a run goes on from
model/              at the end: a weight folder for `--model` and for the next stage
"""

import dataclasses
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from atsal.aside import locked, reported, write_aside, write_json
from atsal.config import dump_yaml
from atsal.errors import ConfigError, DataError, OutputError
from atsal.training.config import TrainConfig, read_train_config
from atsal.untrusted.json_text import read_object
from atsal.untrusted.reading import Blame
from atsal.version import versions

CONFIG, ENVIRONMENT, DATA, LOG = "config.yaml", "environment.json", "data.json", "log.jsonl"
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

    @property
    def exists(self) -> bool:
        """Whether a run was begun here."""
        return (self.folder / CONFIG).is_file()

    def config(self) -> TrainConfig:
        """The configuration of the run that was begun here."""
        return read_train_config(self.folder / CONFIG)

    def begin(self, config: TrainConfig) -> None:
        """Make the folder, or check that the one there is of this configuration; `ConfigError` tells what differs."""
        if self.exists:
            differences = list(_differences(plain(self.config()), plain(config)))
            if differences:
                raise ConfigError(
                    f"{self.folder}: holds a run of another configuration: {'; '.join(differences)}. Go on with "
                    f"its own (`atsal train {self.folder}`), or give another folder"
                )
            return
        if self.folder.exists() and not (self.folder.is_dir() and all(map(_is_leftover, self.folder.iterdir()))):
            raise OutputError(f"{self.folder}: is there and no training run; give a new folder")
        with reported(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            with write_aside(self.folder / CONFIG) as part:
                part.write_text(dump_yaml(plain(config)), encoding="utf-8")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Only one run writes here at a time; what a killed one left half-written is removed."""
        with locked(self.folder / CONFIG):
            self.last.parent.mkdir(exist_ok=True)
            for left in (*self.folder.glob(".*"), *self.last.parent.glob(".*")):
                if _is_leftover(left):
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
            yield

    def remove(self, *, keep: bool) -> None:
        """Take away what the run wrote; `keep`: not the folder itself."""
        for path in list(self.folder.iterdir()):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not keep:
            self.folder.rmdir()

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
        differences = list(_differences(_read_json(path), found))
        if differences:
            raise DataError(
                f"{self.folder}: the data are not those that the run began with: {'; '.join(differences[:5])}. Put "
                "them back, or begin a new run"
            )

    def log(self, line: dict[str, Any]) -> None:
        """Add a line to the log."""
        path = self.folder / LOG
        with reported(path), path.open("a", encoding="utf-8") as file:
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
        with reported(path):
            if path.is_file():
                os.truncate(path, min(length, path.stat().st_size))
            else:
                path.touch()


def _is_leftover(path: Path) -> bool:
    """Whether it is what a killed run had half-written."""
    return path.name.startswith(".") and path.suffix in (".part", ".partial", ".old")


def _read_json(path: Path) -> dict[str, Any]:
    return read_object(path, Blame(DataError, path, "delete it, and it is written anew"))


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


def _differences(old: Any, new: Any, where: str = "") -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from _differences(old.get(key), new.get(key), f"{where}.{key}" if where else str(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (a, b) in enumerate(zip(old, new, strict=True)):
            yield from _differences(a, b, f"{where}.{number}")
    elif old != new:
        yield f"{where} was {_short(old)}, is {_short(new)}"


def _short(value: Any) -> str:
    text = "not set" if value is None else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
