"""TypeScript types of the dataclasses in `scene.py`: `python -m atsal.viewing.typescript` prints them."""

import dataclasses
import types
import typing
from collections.abc import Iterator
from typing import Any

from atsal.viewing import scene


def _with_its_fields(cls: type) -> Iterator[type]:
    """Yield the dataclasses that a dataclass holds, and itself."""
    for hint in typing.get_type_hints(cls).values():
        for part in (hint, *typing.get_args(hint)):
            if isinstance(part, type) and dataclasses.is_dataclass(part):
                yield from _with_its_fields(part)
    yield cls


_OWN = [found for found in vars(scene).values() if isinstance(found, type) and dataclasses.is_dataclass(found)]
CLASSES = tuple(dict.fromkeys(part for found in _OWN for part in _with_its_fields(found)))
_HEADER = "// Made from src/atsal/viewing/scene.py by `make viewer`. Do not edit.\n"
_SCALARS = {str: "string", int: "number", float: "number", bool: "boolean", types.NoneType: "null"}


def typescript_types() -> str:
    """Return the text of `viewer/src/scene.gen.ts`."""
    return "\n".join([_HEADER, *map(_interface, CLASSES)])


def _interface(cls: type) -> str:
    hints = typing.get_type_hints(cls)
    lines = [f"  readonly {field.name}: {_type(hints[field.name])};" for field in dataclasses.fields(cls)]
    return "\n".join([f"export interface {cls.__name__} {{", *lines, "}\n"])


def _type(hint: Any) -> str:
    arguments = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        return " | ".join(f'"{value}"' for value in arguments)
    if origin is types.UnionType:
        return " | ".join(map(_type, arguments))
    if origin is tuple and arguments[-1] is Ellipsis:
        return f"readonly {_type(arguments[0])}[]"
    if origin is tuple:
        return f"readonly [{', '.join(map(_type, arguments))}]"
    return hint.__name__ if hint in CLASSES else _SCALARS[hint]


if __name__ == "__main__":
    print(typescript_types(), end="")
