"""The kinds of jobs of `atsal serve`: the commands, with the options that a job can have to itself."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import click

from atsal.cli.console import LISTENER
from atsal.cli.exit_code import ExitCode
from atsal.cli.progress import SHOW_FRAMES
from atsal.cli.served_options import ServedOption, served_options
from atsal.serving.folders import RESULT
from atsal.serving.kinds import End, Kinds, OptionError, ShowProgress, Work
from atsal.untrusted.text import plural

_MOST_LINES = 20  # of a reason


@dataclass(frozen=True)
class CommandKind:
    """A command that is run as a job; `outputs` are its arguments for what it writes."""

    name: str
    outputs: tuple[str, ...]

    @property
    def about(self) -> str:
        """The first line of the command's help."""
        return self._command.get_short_help_str(200)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the options."""
        properties = {name: option.schema() for name, option in self._options.items()}
        return {"type": "object", "properties": properties, "additionalProperties": False}

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise `OptionError` for an option that is unknown or has a wrong value."""
        for name, value in options.items():
            if name not in self._options:
                known = ", ".join(self._options)
                raise OptionError(name, f"{self.name} has no option {name}; those of a job are {known}")
            self._options[name].check(value)

    def run(self, work: Work, device: str, progress: ShowProgress) -> End:
        """Run the command; the lines of its errors are the reason if it fails."""
        arguments = [self.name, work.file, *self.outputs, *self._fixed(device)]
        for name, value in work.options.items():
            arguments += self._options[name].arguments(value)
        return _run(arguments, progress)

    def _fixed(self, device: str) -> list[str]:
        """Return the options that the service sets for every job."""
        names = {name for parameter in self._command.params for name in parameter.opts}
        return ["--isolate"] * ("--isolate" in names) + [f"--device={device}"] * ("--device" in names)

    @property
    def _options(self) -> dict[str, ServedOption]:
        return _options_of(self.name)

    @property
    def _command(self) -> click.Command:
        return _command_named(self.name)


@cache  # not in the kind, which is pickled
def _options_of(name: str) -> dict[str, ServedOption]:
    return served_options(_command_named(name))


def _command_named(name: str) -> click.Command:
    from atsal.cli import main  # noqa: PLC0415 - which has `atsal serve`, which has the kinds

    return main.commands[name]


def command_kinds() -> Kinds:
    """Return the kinds by name."""
    kinds = (CommandKind("predict", ("--output", RESULT)),)
    return {kind.name: kind for kind in kinds}


def _run(arguments: Sequence[str], progress: ShowProgress) -> End:
    from atsal.cli import main  # noqa: PLC0415

    errors: list[str] = []

    def listen(level: int, line: str) -> None:
        if level >= logging.ERROR:
            errors.append(line)

    code: object
    try:
        with main.make_context("atsal", list(arguments)) as context:
            context.meta[LISTENER], context.meta[SHOW_FRAMES] = listen, progress
            main.invoke(context)
        code = ExitCode.DONE
    except click.exceptions.Exit as end:
        code = end.exit_code
    except SystemExit as end:
        code = end.code or ExitCode.DONE
    except click.ClickException as error:
        code, errors = ExitCode.USAGE, [error.format_message()]
    return End(code in (ExitCode.DONE, ExitCode.PARTLY), _reason(errors))


def _reason(lines: Sequence[str]) -> str:
    more = len(lines) - _MOST_LINES
    return "\n".join([*lines[:_MOST_LINES], *([f"… and {plural(more, 'line')}"] if more > 0 else [])])
