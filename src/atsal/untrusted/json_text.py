"""Strict JSON: only values that the JSON standard has, and only such as Python and file names can hold."""

import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

from atsal.errors import AtsalError
from atsal.untrusted.files import MIB, ErrorFactory, read_bytes
from atsal.untrusted.text import error_reason, short_repr

MAX_BYTES = 256 * MIB
_MAX_MEMORY = 1536 * MIB  # of the values, estimated before they are built
_MAX_DEPTH = 64
_MAX_DIGITS = 19  # of 2 ** 63
_SUSPICIOUS_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_NULL_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def read_json(path: Path, make_error: ErrorFactory, *, finite: bool = True) -> Any:
    """Return the value in a JSON file. See `parse_json`."""
    return parse_json(read_bytes(path, make_error, MAX_BYTES), make_error, finite=finite)


def read_object(path: Path, make_error: ErrorFactory) -> dict[str, Any]:
    """Return the object in a JSON file; any other value is an error."""
    found = read_json(path, make_error)
    if not isinstance(found, dict):
        raise make_error(f"holds a {type(found).__name__}, expected an object")
    return found


def parse_json(content: bytes | str, make_error: ErrorFactory, *, finite: bool = True) -> Any:
    """Return the value of a JSON text in UTF-8, UTF-16 or UTF-32; raise the error of `make_error` if it is invalid.

    Beyond the standard, these are errors: duplicate keys, nesting deeper than 64, integers of more than 19 digits,
    text with a null byte or a lone surrogate. With `finite`, so are NaN, Infinity and numbers too large for float64.
    """
    try:
        text = content if isinstance(content, str) else _decode(content)
        _check_memory(text)
        found = _decoder(finite).decode(text)
        _check_depth(found)
        if _SUSPICIOUS_ESCAPE.search(text):
            _check_strings(found)
    except AtsalError:
        raise
    except Exception as error:  # the parser raises errors of many types
        raise make_error(f"cannot be read as JSON ({error_reason(error)})") from error
    return found


def _decoder(finite: bool) -> json.JSONDecoder:
    if not finite:
        return json.JSONDecoder(object_pairs_hook=_refuse_duplicate_keys, parse_int=_parse_integer)
    return json.JSONDecoder(
        object_pairs_hook=_refuse_duplicate_keys,
        parse_constant=_refuse_constant,
        parse_int=_parse_integer,
        parse_float=_parse_finite,
    )


def _decode(content: bytes) -> str:
    try:
        return content.decode(json.detect_encoding(content)).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ValueError("it is no text in UTF-8, UTF-16 or UTF-32") from error


def _check_memory(text: str) -> None:
    """Estimate the memory of the values before building them: a few bytes of text can become a hundred."""
    containers = text.count("[") + text.count("{")
    if 2 * len(text) + 100 * containers + 60 * text.count(",") > _MAX_MEMORY:
        raise ValueError("holds more values than fit into memory")


def _check_depth(found: Any) -> None:
    level = [found]
    for _ in range(_MAX_DEPTH):
        level = [child for value in level for child in _children(value) if isinstance(child, dict | list)]
        if not level:
            return
    raise ValueError(f"nested deeper than {_MAX_DEPTH}")


def _children(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _check_strings(found: Any) -> None:
    """Refuse null bytes and lone surrogates, except those by which Python writes file names that are not UTF-8."""
    text = json.dumps(found, ensure_ascii=False)
    text.encode(errors="surrogateescape")
    if _NULL_ESCAPE.search(text):
        raise ValueError("a text holds a null byte")


def _refuse_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise ValueError(f"duplicate key {short_repr(counts.most_common(1)[0][0])}")
    return found


def _parse_integer(text: str) -> int:
    if len(text.lstrip("-")) > _MAX_DIGITS:
        raise ValueError(f"an integer of {len(text)} digits")
    return int(text)


def _parse_finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {short_repr(text)} is too large")
    return number


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number in JSON")
