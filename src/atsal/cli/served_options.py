"""The options of a command that a job may have: as a JSON schema, checked by click's own types, and as arguments."""

import re
from dataclasses import dataclass
from typing import Any

import click

from atsal.cli.catalogue_columns import OF_THE_RUN, column_name
from atsal.cli.parameters import MODELS, NameOf
from atsal.serving.kinds import OptionError
from atsal.untrusted.text import short_repr

# They need a folder as source or a file that a job cannot name, or are about the screen of this machine.
_NOT_OF_JOBS = frozenset({"as_frames", "item", "live", "no_browser"})
_MODEL, _MODEL_HELP = NameOf(*MODELS), "Name of a model."  # by name only: a folder of weights is a path
_CLAUSE = re.compile(r"(?<=[;.])\s+")  # after each clause of a help
_OPTION = re.compile(r"--([a-z-]+)")


@dataclass(frozen=True)
class ServedOption:
    """An option of a command."""

    name: str  # without dashes
    option: click.Option
    command: click.Command

    @property
    def type(self) -> click.ParamType[Any]:
        """Its type in click."""
        return _MODEL if self.name == "model" else self.option.type

    @property
    def description(self) -> str:
        """Its help, without the clauses about what a job does not have, and without dashes before names."""
        if self.name == "model":
            return _MODEL_HELP
        known = {column_name(option) for option in _options_of_jobs(self.command)}
        clauses = [clause for clause in _CLAUSE.split(self.option.help or "") if _is_about(clause, known)]
        text = " ".join(clauses).rstrip(";")
        return _OPTION.sub(r"\1", text + "." * (bool(text) and text[-1] not in ".])"))

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of its values."""
        found: dict[str, Any] = {"type": "boolean"} if self.option.is_flag else _schema_of(self.type)
        if self.option.multiple:
            found = {"type": "array", "items": found}
        default = self.option.to_info_dict()["default"]
        if not (default is None or default == () or default is False or callable(default)):
            found["default"] = list(default) if isinstance(default, tuple) else default
        return found | {"description": self.description}

    def check(self, value: Any) -> None:
        """Raise `OptionError` for a value that the command would refuse."""
        if self.option.is_flag:
            if not isinstance(value, bool):
                raise self._error(f"{short_repr(value)} is neither true nor false")
            return
        context = click.Context(self.command)
        try:
            texts = self._texts(value)
            for text in texts:
                self.type.convert(text, self.option, context)
            self.option.process_value(context, texts if self.option.multiple else texts[0])
        except click.BadParameter as error:
            raise self._error(error.message) from error

    def arguments(self, value: Any) -> list[str]:
        """Return the arguments of the command for a value that was checked."""
        if self.option.is_flag:
            return [f"--{self.name}"] if value else []
        return [f"--{self.name}={text}" for text in self._texts(value)]

    def _texts(self, value: Any) -> list[str]:
        values = value if self.option.multiple and isinstance(value, list) else [value]
        for one in values:
            if isinstance(one, bool) or not isinstance(one, str | int | float):
                expected = "a list of texts or numbers" if self.option.multiple else "a text or a number"
                raise self._error(f"{short_repr(value)} is not {expected}")
        return [str(one) for one in values]

    def _error(self, message: str) -> OptionError:
        return OptionError(self.name, f"{self.name}: {message}")


def served_options(command: click.Command) -> dict[str, ServedOption]:
    """Return the options of a command that a job may have, by name: none that names files, none of the run."""
    found = (ServedOption(column_name(option), option, command) for option in _options_of_jobs(command))
    return {option.name: option for option in found if option.description}  # others are about what no job has


def _options_of_jobs(command: click.Command) -> list[click.Option]:
    return [option for option in command.params if isinstance(option, click.Option) and _is_of_a_job(option)]


def _is_of_a_job(option: click.Option) -> bool:
    return (
        option.expose_value and option.name not in OF_THE_RUN | _NOT_OF_JOBS and not isinstance(option.type, click.Path)
    )


def _is_about(clause: str, known: set[str]) -> bool:
    """Whether a clause of a help says something of a job with these options; lists need not be said to be lists."""
    return set(_OPTION.findall(clause)) <= known and "given several times" not in clause


def _schema_of(kind: click.ParamType[Any]) -> dict[str, Any]:
    if isinstance(kind, click.Choice):
        return {"type": "string", "enum": list(map(str, kind.choices))}
    if isinstance(kind, click.IntRange | click.FloatRange):
        return {"type": "integer" if isinstance(kind, click.IntRange) else "number", **_bounds(kind)}
    return {"type": {"integer": "integer", "float": "number"}.get(kind.name, "string")}


def _bounds(kind: click.IntRange | click.FloatRange) -> dict[str, Any]:
    names = (
        ("exclusiveMinimum" if kind.min_open else "minimum", kind.min),
        ("exclusiveMaximum" if kind.max_open else "maximum", kind.max),
    )
    return {name: bound for name, bound in names if bound is not None}
