"""Frozen dataclasses from plain mappings (YAML, JSON): unknown keys and wrong types are refused, by name."""

import copy
import difflib
import re
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from atsal.errors import ConfigError, MissingDependencyError, installing

T = TypeVar("T")
_LISTED = 20  # names in a message
_EXPONENT = re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$")


def from_mapping(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """Build the dataclass `cls`, nested ones included; `where` names the source in messages.

    Lists become tuples, whole numbers become floats where floats are declared. Raises `ConfigError`.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where}: found {type(values).__name__}, expected a mapping of settings")
    declared = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    for key in values:
        if key not in declared:
            raise ConfigError(f"{where}: unknown setting {key!r}{nearest(str(key), declared)}")
    for name, field in declared.items():
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"{where}: setting {name!r} is missing")
    types_ = typing.get_type_hints(cls)
    converted = {key: _convert(types_[key], value, f"{where}: {key}") for key, value in values.items()}
    try:
        return cls(**converted)
    except ConfigError as error:  # of the class's own checks, which know no file
        raise ConfigError(f"{where}: {error}") from error


def read_yaml(cls: type[T], path: Path) -> T:
    """Read a YAML file into the dataclass `cls`."""
    return from_mapping(cls, load_yaml(path), str(path))


def load_yaml(path: Path) -> Any:
    """The plain values of a YAML file; `1e-4` is a number, as in YAML 1.2. Raises `ConfigError`."""
    try:
        return _parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise ConfigError(f"{path}: is no YAML ({error}); texts that hold a colon need quotes") from error


def dump_yaml(values: Any) -> str:
    """Plain values as YAML, in their order."""
    import yaml  # noqa: PLC0415 - an extra

    class Dumper(yaml.SafeDumper):
        """Puts texts like "1e5" in quotes, which the loader takes for numbers."""

    Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("+-0123456789"))
    return str(yaml.dump(values, Dumper=Dumper, sort_keys=False, allow_unicode=True))


def with_overrides(values: Any, overrides: Iterable[str]) -> Any:
    """Plain values with some replaced: `epochs=3`, `optimisers.0.learning_rate=1e-3`, `train.0.exclude=[a, b]`.

    The value is YAML. A part of a key that is not there is added; whether it may be is for `from_mapping` to say.
    Raises `ConfigError` for what is no `key=value`, and for an index that a list does not have.
    """
    if not isinstance(values, dict):
        return values
    values = copy.deepcopy(values)
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise ConfigError(f"{override!r}: expected key=value, as in epochs=3")
        try:
            value = _parse(text)
        except ValueError as error:
            raise ConfigError(f"{override!r}: the value is no YAML ({error})") from error
        *parents, last = key.split(".")
        place: Any = values
        for part in parents:
            place = _inside(place, part, override)
        if isinstance(place, list):
            _inside(place, last, override)
            place[int(last)] = value
        elif isinstance(place, dict):
            place[last] = value
        else:
            raise ConfigError(f"{override!r}: {last} stands below {place!r}, which has no parts")
    return values


def _inside(place: Any, part: str, override: str) -> Any:
    """What lies below a mapping or a list; a mapping gets it if it lacks it."""
    if isinstance(place, list):
        if not part.isdecimal() or int(part) >= len(place):
            raise ConfigError(f"{override!r}: found {part!r} where a list of {len(place)} is; expected a number from 0")
        return place[int(part)]
    if not isinstance(place, dict):
        raise ConfigError(f"{override!r}: {part} stands below {place!r}, which has no parts")
    if place.get(part) is None:
        place[part] = {}
    return place[part]


def _parse(text: str) -> Any:
    """The values of a YAML text; `ValueError` for what is none."""
    try:
        import yaml  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingDependencyError(
            f"reading YAML needs PyYAML: {installing('evaluation')} (for training: {installing('train')})"
        ) from error

    class Loader(yaml.SafeLoader):
        """Knows numbers like 1e-4, which PyYAML takes for texts."""

    Loader.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("+-0123456789"))
    try:
        return yaml.load(text, Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def nearest(name: str, known: typing.Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest known one, or all of them."""
    known = list(known)
    if not known:
        return "; there are none"
    close = difflib.get_close_matches(name, known, n=1)
    some = ", ".join(known[:_LISTED]) + (f", … ({len(known)})" if len(known) > _LISTED else "")
    return f"; did you mean {close[0]!r}?" if close else f"; expected one of {some}"


def _convert(declared: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(declared), typing.get_args(declared)
    allowed: tuple[Any, ...] = (declared,)
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in arguments:
            return None
        allowed = tuple(kind for kind in arguments if kind is not type(None))
        if len(allowed) == 1:
            return _convert(allowed[0], value, where)
    if is_dataclass(declared) and isinstance(declared, type):
        return from_mapping(declared, value, where)
    if origin is tuple:
        return _convert_list(arguments, value, where)
    return _checked(allowed, value, where)


def _checked(allowed: tuple[Any, ...], value: Any, where: str) -> Any:
    """A plain value of one of the types, or one of the values of a `Literal`."""
    if typing.get_origin(allowed[0]) is typing.Literal:
        known = typing.get_args(allowed[0])
        if value not in known:
            raise ConfigError(f"{where}: found {value!r}{nearest(str(value), map(str, known))}")
        return value
    if float in allowed and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not any(isinstance(value, kind) and (kind is bool or not isinstance(value, bool)) for kind in allowed):
        expected = " or ".join(getattr(kind, "__name__", str(kind)) for kind in allowed)
        raise ConfigError(f"{where}: found {value!r} ({type(value).__name__}), expected {expected}")
    return value


def _convert_list(arguments: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: found {value!r} ({type(value).__name__}), expected a list")
    if arguments[-1] is not Ellipsis and len(value) != len(arguments):
        raise ConfigError(f"{where}: found {len(value)} values, expected {len(arguments)}")
    return tuple(_convert(arguments[0], item, f"{where}[{number}]") for number, item in enumerate(value))
