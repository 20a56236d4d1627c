"""The kinds of jobs of `atsal serve`: the commands, with the options that a job can have to itself."""

import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.served_checks import check_direct, check_encode, check_predict, check_reading, check_tiles
from atsal.cli.served_options import ServedOption, served_options
from atsal.cli.served_run import run_command
from atsal.errors import ConfigError
from atsal.jobs.atomic_write import remove_leftovers
from atsal.serving.folders import OTHER_RESULT, RESULT
from atsal.serving.kinds import End, Kinds, Means, OptionError, Parts, ShowProgress, Work
from atsal.untrusted.text import short_repr
from atsal.video.isolation import isolated_reading
from atsal.video.media_files import IMAGE_SUFFIXES

if TYPE_CHECKING:
    from atsal.prediction.tasks import Cut, Job, PredictChunk

_ANY_SOURCE = "source.mp4"


@dataclass(frozen=True)
class CommandKind:
    """A command that is run as a job; `arguments` returns those that name what it reads and writes."""

    name: str
    arguments: Callable[[Work], list[str]]
    check_values: Callable[[dict[str, Any]], None]  # raises `ConfigError` for options that do not go together
    example: Mapping[str, Any]  # options
    kept: str | None = None  # a pattern of results of an earlier try, with which the command goes on

    @property
    def about(self) -> str:
        """The first line of the command's help."""
        return self._command.get_short_help_str(200)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the options."""
        properties = {name: option.schema() for name, option in self._options.items()}
        return {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            "examples": [dict(self.example)],
        }

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise `OptionError` for an option that is unknown or has a wrong value, and what `check_values` raises."""
        for name, value in options.items():
            if name not in self._options:
                known = ", ".join(self._options)
                raise OptionError(name, f"{self.name} has no option {short_repr(name)}; those of a job are {known}")
            self._options[name].check(value)
        arguments = self.arguments(Work("", self.name, options, _ANY_SOURCE))
        try:
            parsed = self._command.make_context(self.name, [*arguments, *self._given(options)])
        except click.UsageError as error:
            raise ConfigError(error.format_message()) from error
        self.check_values(dict(parsed.params))

    def run(self, work: Work, means: Means, progress: ShowProgress) -> End | Parts:
        """Run the command; the lines of its errors are the reason if it fails. The chunks of a long video are parts."""
        _remove_results(self.kept)
        arguments = [*self.arguments(work), *self._fixed(means.device), *self._given(work.options)]
        shared: list[Parts] = []
        share = (lambda cut, job: shared.append(_parts(cut, job))) if work.may_divide else None
        with self._isolation(means.memory_bytes):
            end = run_command([self.name, *arguments], progress, share)
        return shared[0] if shared else end

    def run_part(self, task: "PredictChunk", means: Means, progress: ShowProgress) -> None:
        """Predict a chunk; its errors come again when the command does what is missing."""
        from atsal.prediction.tasks import RunTask  # noqa: PLC0415

        with self._isolation(means.memory_bytes):
            RunTask()(task, lambda done: progress(done, None))

    def _given(self, options: Mapping[str, Any]) -> list[str]:
        return [text for name, value in options.items() for text in self._options[name].arguments(value)]

    def _fixed(self, device: str) -> list[str]:
        """Return the options that the service sets for every job."""
        names = {name for parameter in self._command.params for name in parameter.opts}
        fixed = {"--device": f"--device={device}", "--quiet": "--quiet"}
        return [text for name, text in fixed.items() if name in names]

    def _isolation(self, memory_bytes: float | None) -> AbstractContextManager[None]:
        """Let the command read files in processes of their own, if it can."""
        if not any("--isolate" in parameter.opts for parameter in self._command.params):
            return nullcontext()
        return isolated_reading(memory_bytes)

    @property
    def _options(self) -> dict[str, ServedOption]:
        return _options_of(self.name)

    @property
    def _command(self) -> click.Command:
        return _command_named(self.name)


def _parts(cut: "Cut", job: "Job") -> Parts:
    tasks = cut.tasks(job)
    done = cut.finished_frames
    return Parts(tuple(tasks), done, done + sum(len(task.chunk.own_frames) for task in tasks))


@cache  # not in the kind, which is pickled
def _options_of(name: str) -> dict[str, ServedOption]:
    return served_options(_command_named(name))


def _command_named(name: str) -> click.Command:
    from atsal.cli import main  # noqa: PLC0415 - which has `atsal serve`, which has the kinds

    return main.commands[name]


def _remove_results(kept: str | None) -> None:
    """Remove what an earlier try left in the working folder, but what the command goes on with."""
    folder = Path(RESULT)
    remove_leftovers(folder)
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        if kept is None or not path.match(kept):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def command_kinds() -> Kinds:
    """Return the kinds by name."""
    return {kind.name: kind for kind in _KINDS}


def _predict(work: Work) -> list[str]:
    return [work.file, f"--output={RESULT}"]


def _compare(work: Work) -> list[str]:
    is_still = Path(work.file).suffix.lower() in IMAGE_SUFFIXES or work.options.get("max-frames") == 1
    return [work.file, f"--output={RESULT}/comparison.{'png' if is_still else 'mp4'}"]


def _direct(work: Work) -> list[str]:
    return [work.file, f"--output={RESULT}/film.mp4"]


def _view(work: Work) -> list[str]:
    """Show maps or the plan of a film, if the job is about such results, and otherwise the source."""
    manifest, plan = Path(OTHER_RESULT, f"{Path(work.file).stem}.json"), Path(OTHER_RESULT, "film.plan.json")
    shown = [str(manifest), f"--media={work.file}"] if manifest.exists() else [work.file]
    return [*shown, *([f"--plan={plan}"] if plan.exists() else []), f"--export={RESULT}", "--no-browser"]


def _writes(name: str) -> Callable[[Work], list[str]]:
    return partial(_arguments, name)


def _arguments(name: str, work: Work) -> list[str]:
    return [work.file, f"--output={RESULT}/{name}"]


_KINDS = (
    CommandKind("predict", _predict, check_predict, {"format": ["npy", "overlay"], "fps": 2}, kept="*"),
    CommandKind("compare", _compare, check_reading, {"duration": 10}),
    CommandKind("regions", _writes("regions.json"), check_reading, {"max-regions": 4}),
    CommandKind("direct", _direct, check_direct, {"aspect": "16:9", "resolution": 720}, kept="film.plan.json"),
    CommandKind("encode", _writes("encoded.mp4"), check_encode, {"codec": "x265", "bitrate": 4000}),
    CommandKind("tiles", _writes("tiles.json"), check_tiles, {"grid": "8x5", "segment": 1}),
    CommandKind("view", _view, check_reading, {"fps": 2}),
)
