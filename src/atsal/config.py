"""Frozen dataclasses from plain mappings (YAML, JSON); unknown keys and wrong types are errors."""

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
from atsal.untrusted.files import ErrorFactory, check_readable, read_bytes
from atsal.untrusted.text import escape_controls, short_repr, shorten_list
from atsal.untrusted.yaml_text import FLOAT, MAX_BYTES, parse_yaml

T = TypeVar("T")
_MAX_NAMES = 20  # in a message
_MAX_NAME_LENGTH = 100  # characters of an unknown name that are compared with the known ones
_MAX_KEY_PARTS = 16
_MAX_INTEGER = 2**53  # float64 holds all whole numbers up to it; larger ones are not counts


def from_mapping(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """Build the dataclass `cls`, nested ones included; `where` names the source in messages.

    Lists become tuples, and whole numbers become floats where a float is declared. Raises `ConfigError`.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where}: found {short_repr(values)}, expected a mapping of settings")
    declared = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    for key in values:
        if key not in declared:
            raise ConfigError(f"{where}: unknown setting {short_repr(key)}{suggest_name(key, declared)}")
    for name, field in declared.items():
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"{where}: setting {name!r} is missing")
    hints = typing.get_type_hints(cls)
    converted = {key: _convert(hints[key], value, f"{where}: {key}") for key, value in values.items()}
    try:
        return cls(**converted)
    except ConfigError as error:  # from the checks of the class, which do not know the file
        raise ConfigError(f"{where}: {error}") from error


def check_range(owner: object, **limits: tuple[float, float]) -> None:
    """Raise `ConfigError` if a field of `owner` is outside its range (limits included); None is always valid."""
    for name, (low, high) in limits.items():
        value = getattr(owner, name)
        if value is not None and not low <= value <= high:  # true for NaN
            raise ConfigError(f"{name} {short_repr(value)}: expected {low:g} to {high:g}")


def suggest_name(name: object, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: the closest known name, or all known names."""
    known = list(known)
    if not known:
        return "; there are none"
    close = _closest(name[:_MAX_NAME_LENGTH], known) if isinstance(name, str) else []
    return (
        f"; did you mean {short_repr(close[0])}?" if close else f"; expected one of {shorten_list(known, _MAX_NAMES)}"
    )


def _closest(name: str, known: list[str]) -> list[str]:
    """Return the closest known name, the first of those that are equally close, or nothing."""
    close = difflib.get_close_matches(name, known, n=len(known))
    likeness = {other: difflib.SequenceMatcher(None, other, name).ratio() for other in close}
    return sorted(close, key=lambda other: (-likeness[other], known.index(other)))[:1]


def read_yaml(cls: type[T], path: Path) -> T:
    """Read a YAML file into the dataclass `cls`."""
    return from_mapping(cls, load_yaml(path), str(path))


def load_yaml(path: Path) -> Any:
    """Return the plain values of a YAML file; `1e-4` is a number, as in YAML 1.2. Raises `ConfigError`."""
    check_readable(path, "YAML file", ConfigError)
    make_error = ErrorFactory(ConfigError, path, "expected settings as YAML; put text with a colon in quotes")
    content = read_bytes(path, make_error, MAX_BYTES)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise make_error(f"is not text in UTF-8 (byte {error.start})") from error
    return parse_yaml(text, make_error)


def dump_yaml(values: Any) -> str:
    """Return plain values as YAML, in their order."""
    import yaml  # noqa: PLC0415 - an extra

    class Dumper(yaml.SafeDumper):
        """Writes what `parse_yaml` reads: text that looks like a number in quotes, and no aliases."""

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature of PyYAML
            """Write every value out."""
            return True

    Dumper.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+0123456789."))
    return str(yaml.dump(values, Dumper=Dumper, sort_keys=False, allow_unicode=True))


def apply_overrides(values: Any, overrides: Iterable[str]) -> Any:
    """Return the values with some replaced: `epochs=3`, `optimisers.0.learning_rate=1e-3`, `train.0.exclude=[a, b]`.

    The value is YAML. Missing parts of a key are added; `from_mapping` checks whether they are known. Raises
    `ConfigError` for an override without `key=value`, and for an index outside a list.
    """
    if not isinstance(values, dict):
        return values
    values = copy.deepcopy(values)
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise ConfigError(f"{short_repr(override)}: expected key=value, as in epochs=3")
        *parents, last = key.split(".")
        if len(parents) > _MAX_KEY_PARTS:
            raise ConfigError(f"{short_repr(override)}: expected a key of at most {_MAX_KEY_PARTS} parts")
        place: Any = values
        for part in parents:
            child = _checked_key(place, part, override)
            if isinstance(place, dict) and place.get(child) is None:
                place[child] = {}
            place = place[child]
        value = parse_yaml(text, ErrorFactory(ConfigError, short_repr(override), "expected key=value"))
        place[_checked_key(place, last, override)] = value
    return values


def _checked_key(place: Any, part: str, override: str) -> Any:
    """Return a part of a key as a key of the mapping `place`, or as an index of the list `place`."""
    if isinstance(place, dict):
        return part
    if not isinstance(place, list):
        raise ConfigError(
            f"{short_repr(override)}: {escape_controls(part)} stands below {short_repr(place)}, which has no parts"
        )
    if not part.isdecimal() or len(part) > 9 or int(part) >= len(place):
        raise ConfigError(
            f"{short_repr(override)}: found {short_repr(part)} as index of a list of {len(place)}; expected a number "
            "from 0"
        )
    return int(part)


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
    if origin in (tuple, dict):
        return (_convert_list if origin is tuple else _convert_dict)(arguments, value, where)
    if origin is typing.Literal:
        if value not in arguments:
            raise ConfigError(f"{where}: found {short_repr(value)}{suggest_name(value, map(str, arguments))}")
        return value
    return _convert_scalar(allowed, value, where)


def _convert_scalar(allowed: tuple[Any, ...], value: Any, where: str) -> Any:
    """Check that a plain value has one of the types."""
    if isinstance(value, int) and abs(value) > _MAX_INTEGER:
        raise ConfigError(f"{where}: found {short_repr(value)}, expected a number of at most {_MAX_INTEGER}")
    if float in allowed and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where}: found {value}, expected a finite number")
    if isinstance(value, str) and "\0" in value:
        raise ConfigError(f"{where}: found {short_repr(value)}, expected text without null bytes")
    if not any(isinstance(value, kind) and (kind is bool or not isinstance(value, bool)) for kind in allowed):
        expected = " or ".join(getattr(kind, "__name__", str(kind)) for kind in allowed)
        raise ConfigError(f"{where}: found {short_repr(value)} ({type(value).__name__}), expected {expected}")
    return value


def _convert_dict(arguments: tuple[Any, ...], value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: found {short_repr(value)}, expected a mapping")
    return {str(name): _convert(arguments[1], entry, f"{where}: {short_repr(name)}") for name, entry in value.items()}


def _convert_list(arguments: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: found {short_repr(value)} ({type(value).__name__}), expected a list")
    if arguments[-1] is not Ellipsis and len(value) != len(arguments):
        raise ConfigError(f"{where}: found {len(value)} values, expected {len(arguments)}")
    return tuple(_convert(arguments[0], item, f"{where}[{number}]") for number, item in enumerate(value))
