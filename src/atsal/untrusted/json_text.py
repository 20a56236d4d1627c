"""JSON that others wrote, read strictly: no value that JSON does not have, none that Python or a file cannot take."""

import json
import math
import re
from pathlib import Path
from typing import Any, NoReturn

from atsal.errors import AtsalError
from atsal.untrusted.reading import MIB, Blame, read_bytes
from atsal.untrusted.text import reason, shown

LIMIT = 256 * MIB
_MEMORY = 1536 * MIB  # of the values, estimated before they are made
_DEEPEST = 64
_DIGITS = 19  # of 2 ** 63
_ODD_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_ZERO = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def read_json(path: Path, blame: Blame, *, finite: bool = True) -> Any:
    """The values of a JSON file; raises the error of `blame`. As `parse_json`."""
    return parse_json(read_bytes(path, blame, LIMIT), blame, finite=finite)


def read_object(path: Path, blame: Blame) -> dict[str, Any]:
    """As `read_json`, of a file that must hold an object."""
    found = read_json(path, blame)
    if not isinstance(found, dict):
        raise blame(f"holds a {type(found).__name__}, expected an object")
    return found


def parse_json(content: bytes | str, blame: Blame, *, finite: bool = True) -> Any:
    """The values of a JSON text, in UTF-8 or another encoding of Unicode; raises the error of `blame`.

    Refused are also: a key that stands twice, nesting deeper than 64, integers of more than 19 digits, texts with a
    zero byte or half a character; where `finite`, NaN, Infinity and numbers too large for float64.
    """
    try:
        text = content if isinstance(content, str) else _decoded(content)
        _check_memory(text)
        found = _decoder(finite).decode(text)
        _check_depth(found)
        if _ODD_ESCAPE.search(text):
            _check_texts(found)
    except AtsalError:
        raise
    except Exception as error:  # whatever the parser stumbles over
        raise blame(f"cannot be read as JSON ({reason(error)})") from error
    return found


def _decoder(finite: bool) -> json.JSONDecoder:
    if not finite:
        return json.JSONDecoder(object_pairs_hook=_unique, parse_int=_integer)
    return json.JSONDecoder(
        object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_int=_integer, parse_float=_finite
    )


def _decoded(content: bytes) -> str:
    text = content.decode(json.detect_encoding(content))
    return text.removeprefix("\ufeff")


def _check_memory(text: str) -> None:
    """Of the values, a few bytes of text may make a hundred."""
    containers = text.count("[") + text.count("{")
    if 2 * len(text) + 100 * containers + 60 * text.count(",") > _MEMORY:
        raise ValueError("holds more values than fit into memory")


def _check_depth(found: Any) -> None:
    level = [found]
    for _ in range(_DEEPEST):
        level = [child for value in level for child in _children(value) if isinstance(child, dict | list)]
        if not level:
            return
    raise ValueError(f"nested deeper than {_DEEPEST}")


def _children(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _check_texts(found: Any) -> None:
    """No file takes half of a character; but names of files that are no UTF-8 are written with such halves."""
    text = json.dumps(found, ensure_ascii=False)
    text.encode(errors="surrogateescape")
    if _ZERO.search(text):
        raise ValueError("a text holds a zero byte")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {shown(twice)} stands twice")
    return found


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > _DIGITS:
        raise ValueError(f"an integer of {len(text)} digits")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {shown(text)} is too large")
    return number


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number in JSON")
