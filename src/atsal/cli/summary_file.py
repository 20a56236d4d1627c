"""`--summary`: a JSON file that says how each input of a run ended, for programs (docs/command-line.md)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from atsal.cli.exit_code import ExitCode, exit_code_for, exit_code_of_stop
from atsal.errors import ConfigError
from atsal.jobs.atomic_write import create_folder, write_json
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import read_object
from atsal.untrusted.text import describe_failure
from atsal.version import __version__

if TYPE_CHECKING:
    from atsal.prediction.job import Outcome

_FORMAT = "atsal-summary"
Status = Literal["done", "skipped", "failed", "stopped", "not started"]


@dataclass
class InputSummary:
    """How one input ended."""

    input: str
    status: Status = "not started"
    reason: str | None = None  # why it failed
    seconds: float = 0.0
    frames: int = 0  # that have results, those of earlier runs included
    manifest: str | None = None
    outputs: list[str] = field(default_factory=list)  # files, and folders with one file for each frame


class Summary:
    """How the inputs of a run ended. The file, if there is one, is written again after each input."""

    def __init__(self, path: Path | None, inputs: Sequence[Path]) -> None:
        self._path = path
        self._inputs = {input_path: InputSummary(str(input_path)) for input_path in inputs}
        self._started = datetime.now(UTC).astimezone()
        if path is not None and path.exists():
            _refuse_other_file(path)

    @property
    def counts(self) -> Counter[Status]:
        """The number of inputs of each status."""
        return Counter(entry.status for entry in self._inputs.values())

    @property
    def failed(self) -> int:
        """The number of inputs that failed."""
        return self.counts["failed"]

    @property
    def manifests(self) -> list[Path]:
        """The manifests of all results, also of those that are incomplete."""
        return [Path(entry.manifest) for entry in self._inputs.values() if entry.manifest is not None]

    def set_failed(self, path: Path, error: Exception, seconds: float = 0.0) -> None:
        """Record why an input failed."""
        entry = self._inputs[path]
        entry.status, entry.reason, entry.seconds = "failed", describe_failure(error), round(seconds, 3)

    def set_outcome(self, path: Path, outcome: "Outcome") -> None:
        """Record the results of an input. One that breaks half way has failed, and has results."""
        entry = self._inputs[path]
        entry.status = "failed" if outcome.problem else "skipped" if outcome.skipped else "done"
        entry.reason, entry.seconds, entry.frames = outcome.problem, round(outcome.seconds, 3), outcome.frames
        entry.manifest, entry.outputs = str(outcome.manifest), [str(result) for result in outcome.results]

    def set_stopped(self, path: Path) -> None:
        """Record that the run ended within this input."""
        self._inputs[path].status = "stopped"

    @contextmanager
    def write_at_end(self) -> Iterator[None]:
        """Write the file at the start, and at the end with the exit code, also after an error or Ctrl-C."""
        self.write()  # a file that cannot be written is an error before the work, not after it
        try:
            yield
        except KeyboardInterrupt as stop:
            self.write(exit_code_of_stop(stop))
            raise
        except Exception as error:
            self.write(ExitCode.FAILED, describe_failure(error))
            raise
        self.write(exit_code_for(done=len(self.manifests), failed=self.failed))

    def write(self, exit_code: ExitCode | None = None, error: str | None = None) -> None:
        """Write the file, if there is one; without an exit code for a run that goes on."""
        if self._path is None:
            return
        now = datetime.now(UTC).astimezone()
        document: dict[str, Any] = {
            "format": _FORMAT,
            "atsal": __version__,
            "started": self._started.isoformat(timespec="seconds"),
            "seconds": round((now - self._started).total_seconds(), 3),
            "exit_code": exit_code,
            "error": error,
            "counts": self.counts,
            "inputs": [asdict(entry) for entry in self._inputs.values()],
        }
        with create_folder(self._path.parent):
            write_json(self._path, document)


def _refuse_other_file(path: Path) -> None:
    """A summary replaces the one of an earlier run, but no other file."""
    make_error = ErrorFactory(ConfigError, path, "give another name for --summary")
    if path.is_dir() or read_object(path, make_error).get("format") != _FORMAT:
        raise ConfigError(f"{path}: exists and is no summary of atsal; give another name for --summary")
