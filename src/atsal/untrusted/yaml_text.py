"""Strict YAML: mappings with text keys, lists, text, decimal numbers, true, false and null; nothing else.

YAML features that could fill memory, run code or be misread are errors or plain text: anchors and aliases, tags, merge
keys, duplicate keys, dates, and numbers that are not decimal (in YAML 1.1, `010` is 8 and `1:30` is 90; here both are
text). `1e-4` is a number, as in YAML 1.2.
"""

import functools
import math
import re
from typing import Any

from atsal.errors import MissingDependencyError, install_hint
from atsal.untrusted.files import MIB, ErrorFactory
from atsal.untrusted.text import error_reason, escape_controls, short_repr

MAX_BYTES = MIB // 2  # PyYAML reads about 50 KB a second
_MAX_DEPTH = 32
_MAX_DIGITS = 19  # of 2 ** 63
_TAG = "tag:yaml.org,2002:"
FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|[0-9][0-9_]*[eE][-+]?[0-9]+|\.(?:inf|Inf|INF))$|\.(?:nan|NaN|NAN)$"
)
_SCALARS: dict[str, tuple[re.Pattern[str], str]] = {  # type -> pattern, and the characters it can start with
    "bool": (re.compile(r"(?:yes|no|true|false|on|off)$", re.IGNORECASE), "yYnNtTfFoO"),
    "null": (re.compile(r"(?:~|null|Null|NULL)?$"), "~nN"),
    "int": (re.compile(r"[-+]?(?:0|[1-9][0-9_]*)$"), "-+0123456789"),
    "float": (FLOAT, "-+0123456789."),
}


def parse_yaml(text: str, make_error: ErrorFactory) -> Any:
    """Return the plain values of a YAML text.

    Raises the error of `make_error` if the text is invalid, and `MissingDependencyError` without PyYAML.
    """
    if len(text) > MAX_BYTES:
        raise make_error(f"is longer than the limit of {MAX_BYTES / MIB:g} MiB for YAML")
    loader = _make_loader()
    import yaml  # noqa: PLC0415 - an extra

    try:
        return yaml.load(text, loader)  # noqa: S506 - stricter than the safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "" if mark is None else f" (line {mark.line + 1})"
        raise make_error(f"is not valid YAML{line}: {escape_controls(str(error.problem)[:200])}") from error
    except Exception as error:  # the parser raises errors of many types
        raise make_error(f"is not valid YAML ({error_reason(error)})") from error


@functools.cache
def _make_loader() -> Any:
    """Return the loader class; PyYAML is imported here."""
    try:
        import yaml  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingDependencyError(
            f"reading YAML needs PyYAML: {install_hint('evaluation')} (for training: {install_hint('train')})"
        ) from error

    class Loader(yaml.SafeLoader):
        """A safe loader that refuses everything but plain data."""

        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as in the base class
        _depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            """Refuse aliases, anchors, tags and deep nesting."""
            event: Any = super().peek_event()  # type: ignore[no-untyped-call]
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
                raise _problem("anchors (&) and aliases (*) are not supported: write the values out", event)
            if event.tag not in (None, "!"):
                raise _problem(f"tags (!) are not supported: found {short_repr(event.tag)}", event)
            self._depth += 1
            if self._depth > _MAX_DEPTH:
                raise _problem(f"nested deeper than {_MAX_DEPTH}", event)
            node = super().compose_node(parent, index)
            self._depth -= 1
            return node

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            """Refuse keys that are not text, and duplicate keys."""
            seen: set[str] = set()
            for key, _ in node.value:
                if key.tag != f"{_TAG}str":
                    raise _problem("a key is not text; put it in quotes if it is meant", key)
                if key.value in seen:
                    raise _problem(f"duplicate key {short_repr(key.value)}", key)
                seen.add(key.value)
            return super().construct_mapping(node, deep=deep)

        def construct_scalar(self, node: Any) -> Any:
            """Refuse null bytes and lone surrogates, which no file system and no terminal accepts."""
            value = super().construct_scalar(node)
            if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
                raise _problem("a text with a null byte or a lone surrogate", node)
            return value

    def construct_integer(loader: Any, node: Any) -> int:
        text = loader.construct_scalar(node).replace("_", "")
        if len(text.lstrip("+-")) > _MAX_DIGITS:
            raise _problem(f"an integer of {len(text)} digits", node)
        return int(text)

    def construct_float(loader: Any, node: Any) -> float:
        found: float = loader.construct_yaml_float(node)
        if not math.isfinite(found):
            raise _problem(f"found {short_repr(node.value)}, expected a finite number", node)
        return found

    def _problem(what: str, at: Any) -> Exception:
        return yaml.MarkedYAMLError(None, None, what, at.start_mark)

    for kind, (pattern, first) in _SCALARS.items():
        Loader.add_implicit_resolver(f"{_TAG}{kind}", pattern, [*first, ""] if kind == "null" else list(first))
    Loader.add_constructor(f"{_TAG}int", construct_integer)
    Loader.add_constructor(f"{_TAG}float", construct_float)
    return Loader
