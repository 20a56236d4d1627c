"""YAML that others wrote, read as plain data: mappings by name, lists, texts, numbers, true, false, null; nothing else.

What a file could fill memory with, run, or be misread by is left out of the language: anchors and aliases, tags, merged
mappings, keys that stand twice, dates, and numbers written in any but the decimal way (to YAML 1.1, `010` is 8 and
`1:30` is 90; here both are texts). `1e-4` is a number, as in YAML 1.2.
"""

import functools
import math
import re
from typing import Any

from atsal.errors import MissingDependencyError, installing
from atsal.untrusted.reading import MIB, Blame
from atsal.untrusted.text import printable, reason, shown

LIMIT = MIB // 2  # PyYAML reads some 50 KB a second
_DEEPEST = 32
_DIGITS = 19  # of 2 ** 63
_TAG = "tag:yaml.org,2002:"
FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|[0-9][0-9_]*[eE][-+]?[0-9]+|\.(?:inf|Inf|INF))$|\.(?:nan|NaN|NAN)$"
)
_SCALARS: dict[str, tuple[re.Pattern[str], str]] = {  # kind -> how it is written, and how it begins
    "bool": (re.compile(r"(?:yes|no|true|false|on|off)$", re.IGNORECASE), "yYnNtTfFoO"),
    "null": (re.compile(r"(?:~|null|Null|NULL)?$"), "~nN"),
    "int": (re.compile(r"[-+]?(?:0|[1-9][0-9_]*)$"), "-+0123456789"),
    "float": (FLOAT, "-+0123456789."),
}


def parse_yaml(text: str, blame: Blame) -> Any:
    """The plain values of a YAML text; raises the error of `blame`, and `MissingDependencyError` without PyYAML."""
    if len(text) > LIMIT:
        raise blame(f"is longer than the {LIMIT / MIB:g} MiB that such a text may have")
    loader = _loader()
    import yaml  # noqa: PLC0415 - an extra

    try:
        return yaml.load(text, loader)  # noqa: S506 - a safe loader, and less
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "" if mark is None else f" (line {mark.line + 1})"
        raise blame(f"is no YAML of plain values{line}: {printable(str(error.problem)[:200])}") from error
    except Exception as error:  # whatever the parser stumbles over
        raise blame(f"is no YAML of plain values ({reason(error)})") from error


@functools.cache
def _loader() -> Any:
    """The class of the loader."""
    try:
        import yaml  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingDependencyError(
            f"reading YAML needs PyYAML: {installing('evaluation')} (for training: {installing('train')})"
        ) from error

    class Loader(yaml.SafeLoader):
        """A safe loader of plain data."""

        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as in the base class
        _depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            """Compose a node, but no alias, no anchor, no tag, and nothing too deep."""
            event: Any = super().peek_event()  # type: ignore[no-untyped-call]
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
                raise _problem("anchors (&) and aliases (*) are not taken: write the values out", event)
            if event.tag not in (None, "!"):
                raise _problem(f"tags (!) are not taken: found {shown(event.tag)}", event)
            self._depth += 1
            if self._depth > _DEEPEST:
                raise _problem(f"nested deeper than {_DEEPEST}", event)
            node = super().compose_node(parent, index)
            self._depth -= 1
            return node

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            """Keys are texts, each once."""
            seen: set[str] = set()
            for key, _ in node.value:
                if key.tag != f"{_TAG}str":
                    raise _problem("a key that is no name; put it in quotes if it is meant", key)
                if key.value in seen:
                    raise _problem(f"the key {shown(key.value)} stands twice", key)
                seen.add(key.value)
            return super().construct_mapping(node, deep=deep)

        def construct_scalar(self, node: Any) -> Any:
            """No file system and no terminal takes a zero byte, or half of a character."""
            value = super().construct_scalar(node)
            if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
                raise _problem("a text with a zero byte, or half of a character", node)
            return value

    def integer(loader: Any, node: Any) -> int:
        text = loader.construct_scalar(node).replace("_", "")
        if len(text.lstrip("+-")) > _DIGITS:
            raise _problem(f"an integer of {len(text)} digits", node)
        return int(text)

    def number(loader: Any, node: Any) -> float:
        found: float = loader.construct_yaml_float(node)
        if not math.isfinite(found):
            raise _problem(f"found {shown(node.value)}, expected a finite number", node)
        return found

    def _problem(what: str, at: Any) -> Exception:
        return yaml.MarkedYAMLError(None, None, what, at.start_mark)

    for kind, (pattern, first) in _SCALARS.items():
        Loader.add_implicit_resolver(f"{_TAG}{kind}", pattern, [*first, ""] if kind == "null" else list(first))
    Loader.add_constructor(f"{_TAG}int", integer)
    Loader.add_constructor(f"{_TAG}float", number)
    return Loader
