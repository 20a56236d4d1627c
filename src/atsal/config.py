"""Frozen dataclasses from plain mappings (YAML, JSON): unknown keys and wrong types are refused, by name."""

import copy
import difflib
import math
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from atsal.errors import ConfigError
from atsal.untrusted.reading import Blame, read_bytes
from atsal.untrusted.text import printable, shown
from atsal.untrusted.yaml_text import FLOAT, LIMIT, parse_yaml

T = TypeVar("T")
_LISTED = 20  # names in a message
_LONGEST_NAME = 100  # characters of an unknown name that are compared with the known ones
_DEEPEST = 16  # parts of a key
_LARGEST = 2**53  # whole numbers beyond it are no counts, and float64 does not hold them all


def from_mapping(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """Build the dataclass `cls`, nested ones included; `where` names the source in messages.

    Lists become tuples, whole numbers become floats where floats are declared. Raises `ConfigError`.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where}: found {shown(values)}, expected a mapping of settings")
    declared = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    for key in values:
        if key not in declared:
            raise ConfigError(f"{where}: unknown setting {shown(key)}{nearest(key, declared)}")
    for name, field in declared.items():
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"{where}: setting {name!r} is missing")
    types_ = typing.get_type_hints(cls)
    converted = {key: _convert(types_[key], value, f"{where}: {key}") for key, value in values.items()}
    try:
        return cls(**converted)
    except ConfigError as error:  # of the class's own checks, which know no file
        raise ConfigError(f"{where}: {error}") from error


def check_range(owner: object, **limits: tuple[float, float]) -> None:
    """`ConfigError` for a field of `owner` that is no number of a range, ends included; None is not looked at."""
    for name, (low, high) in limits.items():
        value = getattr(owner, name)
        if value is not None and not low <= value <= high:  # NaN is in no range
            raise ConfigError(f"{name} {shown(value)}: expected {low:g} to {high:g}")


def read_yaml(cls: type[T], path: Path) -> T:
    """Read a YAML file into the dataclass `cls`."""
    return from_mapping(cls, load_yaml(path), str(path))


def load_yaml(path: Path) -> Any:
    """The plain values of a YAML file; `1e-4` is a number, as in YAML 1.2. Raises `ConfigError`."""
    blame = Blame(ConfigError, path, "expected settings as YAML; texts that hold a colon need quotes")
    content = read_bytes(path, blame, LIMIT)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise blame(f"is no text in UTF-8 (byte {error.start})") from error
    return parse_yaml(text, blame)


def dump_yaml(values: Any) -> str:
    """Plain values as YAML, in their order."""
    import yaml  # noqa: PLC0415 - an extra

    class Dumper(yaml.SafeDumper):
        """Writes what the loader takes: texts that look like a number in quotes, and no aliases."""

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature of PyYAML
            """Each value is written out."""
            return True

    Dumper.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+0123456789."))
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
            raise ConfigError(f"{shown(override)}: expected key=value, as in epochs=3")
        if key.count(".") > _DEEPEST:
            raise ConfigError(f"{shown(override)}: no setting stands so deep")
        value = parse_yaml(text, Blame(ConfigError, shown(override), "expected key=value"))
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
            raise ConfigError(f"{shown(override)}: {printable(last)} stands below {shown(place)}, which has no parts")
    return values


def _inside(place: Any, part: str, override: str) -> Any:
    """What lies below a mapping or a list; a mapping gets it if it lacks it."""
    if isinstance(place, list):
        if not part.isdecimal() or len(part) > 9 or int(part) >= len(place):
            raise ConfigError(
                f"{shown(override)}: found {shown(part)} where a list of {len(place)} is; expected a number from 0"
            )
        return place[int(part)]
    if not isinstance(place, dict):
        raise ConfigError(f"{shown(override)}: {printable(part)} stands below {shown(place)}, which has no parts")
    if place.get(part) is None:
        place[part] = {}
    return place[part]


def nearest(name: object, known: typing.Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest known one, or all of them."""
    known = list(known)
    if not known:
        return "; there are none"
    close = difflib.get_close_matches(name[:_LONGEST_NAME], known, n=1) if isinstance(name, str) else []
    some = printable(", ".join(known[:_LISTED])) + (f", … ({len(known)})" if len(known) > _LISTED else "")
    return f"; did you mean {shown(close[0])}?" if close else f"; expected one of {some}"


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
            raise ConfigError(f"{where}: found {shown(value)}{nearest(value, map(str, known))}")
        return value
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise ConfigError(f"{where}: found {shown(value)}, expected a number that is not larger than {_LARGEST}")
    if float in allowed and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where}: found {value}, expected a finite number")
    if isinstance(value, str) and "\0" in value:
        raise ConfigError(f"{where}: found {shown(value)}, expected a text without zero bytes")
    if not any(isinstance(value, kind) and (kind is bool or not isinstance(value, bool)) for kind in allowed):
        expected = " or ".join(getattr(kind, "__name__", str(kind)) for kind in allowed)
        raise ConfigError(f"{where}: found {shown(value)} ({type(value).__name__}), expected {expected}")
    return value


def _convert_list(arguments: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: found {shown(value)} ({type(value).__name__}), expected a list")
    if arguments[-1] is not Ellipsis and len(value) != len(arguments):
        raise ConfigError(f"{where}: found {len(value)} values, expected {len(arguments)}")
    return tuple(_convert(arguments[0], item, f"{where}[{number}]") for number, item in enumerate(value))
