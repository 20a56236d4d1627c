"""Check a pickle without building anything: what it would build, how deep, and how large.

A pickle is a program for a stack machine. Even if it may only build plain data, a few bytes can ask for nesting that
overflows the C stack (in hashing, in freeing), for parts shared so often that visiting them all never ends, or for all
memory. `scan_pickle` runs the program on stand-ins that only know their depth and their size.
"""

import pickletools
from collections.abc import Sequence
from mmap import mmap
from typing import NamedTuple

from atsal.untrusted.files import MIB

MAX_DEPTH = 64
_MAX_MEMORY = 1280 * MIB  # of all that is built, estimated
_STEP_BYTES, _CONTAINER_BYTES = 40, 160  # memory of one step and of one container
_FREE_VISITS, _VISITS_PER_BYTE = 1_000_000, 16  # of parts, each as often as it is shared and nested
_MAX_MEMO_GAP = 1000  # the memo has room for every number up to its highest one
_MAX_KEY_INTEGER_BYTES = 8  # longer integers can be made to share one hash, so they cannot be keys

_OPCODES = {ord(opcode.code): opcode.name for opcode in pickletools.opcodes}
_PLAIN = {"NONE": 0, "NEWTRUE": 0, "NEWFALSE": 0, "BINFLOAT": 8, "BININT1": 1, "BININT2": 2, "BININT": 4}
_PLAIN_LENGTHS = [_PLAIN.get(_OPCODES.get(code, ""), -1) for code in range(256)]  # bytes of the value that follows
_SIZE_WIDTHS = {  # opcode -> bytes of the size that stands before the value
    **{"SHORT_BINSTRING": 1, "BINSTRING": 4, "SHORT_BINUNICODE": 1, "BINUNICODE": 4, "BINUNICODE8": 8},
    **{"SHORT_BINBYTES": 1, "BINBYTES": 4, "BINBYTES8": 8, "BYTEARRAY8": 8, "LONG1": 1, "LONG4": 4},
}
_TO_MARK = -1
_BUILDS = {  # opcode -> values it takes, step between keys among them, whether it makes a new value
    **dict.fromkeys(("EMPTY_LIST", "EMPTY_DICT", "EMPTY_SET", "EMPTY_TUPLE"), (0, 0, True)),
    **{"TUPLE1": (1, 0, True), "TUPLE2": (2, 0, True), "TUPLE3": (3, 0, True)},
    **dict.fromkeys(("TUPLE", "LIST", "OBJ"), (_TO_MARK, 0, True)),
    **{"REDUCE": (2, 0, True), "NEWOBJ": (2, 0, True), "NEWOBJ_EX": (3, 0, True)},
    **{"DICT": (_TO_MARK, 2, True), "FROZENSET": (_TO_MARK, 1, True)},
    **{"APPEND": (1, 0, False), "BUILD": (1, 0, False), "APPENDS": (_TO_MARK, 0, False)},
    **{"SETITEM": (2, 2, False), "SETITEMS": (_TO_MARK, 2, False), "ADDITEMS": (_TO_MARK, 1, False)},
}


class PickleScan(NamedTuple):
    """What a pickle says."""

    end: int  # offset of the first byte after it
    names: frozenset[str]  # "module.name" of each Python object it imports, up to protocol 3


class _Value:
    """A stand-in for a value that would be built."""

    __slots__ = ("depth", "is_contained", "size")

    def __init__(self) -> None:
        self.depth = 0
        self.size = 1  # parts, shared ones counted as often as they occur
        self.is_contained = False  # in another value, so that a change of it would change that one too


_LEAF = _Value()  # a number, a text, a class or a function


def scan_pickle(content: bytes | mmap, start: int = 0) -> PickleScan:
    """Check the pickle that starts at an offset of `content`.

    Raises `ValueError` for a pickle that is damaged or cut off, nests deeper than 64, contains itself, would take more
    than 1.25 GiB, shares its parts too often, has keys other than texts and numbers, or uses an opcode that plain data
    does not need.
    """
    return _Machine(content, start).run()


class _Machine:
    """The stack machine."""

    def __init__(self, content: bytes | mmap, start: int) -> None:
        self._content = content
        self._start = self._at = start
        self._end = len(content)
        self._stack: list[_Value] = []
        self._marks: list[int] = []
        self._memo: list[_Value | None] = []
        self._memo_count = 0
        self._names: set[str] = set()
        self._visits = 0
        self._memory_left = _MAX_MEMORY

    def run(self) -> PickleScan:
        """Run to the end of the program."""
        content, plain = self._content, _PLAIN_LENGTHS  # local, because this loop runs for each number of large files
        try:
            while True:
                code = content[self._at]
                self._at += 1
                self._memory_left -= _STEP_BYTES
                if self._memory_left < 0:
                    raise ValueError("asks for more than fits into memory")
                length = plain[code]
                if length >= 0:
                    self._at += length
                    self._stack.append(_LEAF)
                    continue
                name = _OPCODES.get(code, f"{code:#04x}")
                if name == "STOP":
                    self._take(1)
                    return PickleScan(self._at, frozenset(self._names))
                if name in _BUILDS:
                    self._build(*_BUILDS[name])
                elif name in _SIZE_WIDTHS:
                    self._sized_value(name)
                else:
                    self._run_other(name)
        except IndexError:
            raise ValueError(f"ends early, or takes a value that is not there, before byte {self._at}") from None

    def _run_other(self, name: str) -> None:
        match name:
            case "MARK":
                self._marks.append(len(self._stack))
            case "PUT" | "BINPUT" | "LONG_BINPUT" | "MEMOIZE":
                self._memoize(self._memo_count if name == "MEMOIZE" else self._memo_number(name))
            case "GET" | "BINGET" | "LONG_BINGET":
                self._recall(self._memo_number(name))
            case "INT" | "LONG" | "FLOAT" | "STRING" | "UNICODE" | "PERSID":
                line = self._line()
                is_long = name in ("INT", "LONG") and len(line) > 2 * _MAX_KEY_INTEGER_BYTES
                self._stack.append(_Value() if is_long else _LEAF)
            case "GLOBAL" | "INST":
                self._import(is_called=name == "INST")
            case "POP" if self._marks and self._marks[-1] == len(self._stack):
                self._marks.pop()
            case "POP" | "POP_MARK":
                self._take(1 if name == "POP" else _TO_MARK)
            case "DUP":
                self._stack.append(self._stack[-1])
            case "STACK_GLOBAL" | "BINPERSID":
                self._take(2 if name == "STACK_GLOBAL" else 1)
                self._stack.append(_LEAF)
            case "PROTO" | "FRAME":
                self._bytes(1 if name == "PROTO" else 8)
            case _:
                raise ValueError(f"byte {self._at - 1}: opcode {name} is not one that plain data needs")

    def _import(self, *, is_called: bool) -> None:
        self._names.add(b".".join([self._line(), self._line()]).decode("utf-8", "replace"))
        if is_called:
            self._build(_TO_MARK, 0, True)
        else:
            self._stack.append(_LEAF)

    def _bytes(self, count: int) -> bytes:
        first, self._at = self._at, self._at + count
        if self._at > self._end:
            raise ValueError("ends within a value")
        return bytes(self._content[first : self._at])

    def _number(self, width: int) -> int:
        return int.from_bytes(self._bytes(width), "little")

    def _line(self) -> bytes:
        end = self._content.find(b"\n", self._at)
        if end < 0:
            raise ValueError("ends within a line")
        line = self._bytes(end - self._at)
        self._at += 1
        self._memory_left -= len(line)
        return line

    def _sized_value(self, name: str) -> None:
        length = self._number(_SIZE_WIDTHS[name])
        if length > self._end - self._at:
            raise ValueError("ends within a value")
        self._at += length
        self._memory_left -= length
        is_long = name in ("LONG1", "LONG4") and length > _MAX_KEY_INTEGER_BYTES
        self._stack.append(_Value() if is_long else _LEAF)

    def _take(self, count: int) -> list[_Value]:
        """Take the topmost values off the stack, or those since the last mark."""
        first = self._marks.pop() if count == _TO_MARK else len(self._stack) - count
        if first < 0:
            raise IndexError
        values = self._stack[first:]
        del self._stack[first:]
        return values

    def _build(self, count: int, key_step: int, is_new: bool) -> None:
        """Make a container of values from the stack, or put them into the one below them."""
        parts = self._take(count)
        if key_step and any(key is not _LEAF for key in parts[::key_step]):
            raise ValueError("has keys that are neither texts nor numbers")
        if is_new:
            self._memory_left -= _CONTAINER_BYTES
            self._stack.append(_Value())
        self._put(self._stack[-1], parts)
        if self._visits > _FREE_VISITS + _VISITS_PER_BYTE * (self._at - self._start):
            raise ValueError("shares its parts so often that visiting them would not end")

    def _put(self, container: _Value, parts: Sequence[_Value]) -> None:
        if container is _LEAF:  # a class or a function, which no unpickler lets a pickle change
            return
        if container.is_contained:
            raise ValueError("changes a value after it was put into another one, or contains itself")
        size, depth = 0, 0
        for part in parts:
            size += part.size
            if part is not _LEAF:
                part.is_contained = True
                depth = max(depth, part.depth)
        if container.is_contained:
            raise ValueError("contains itself")
        container.size += size
        container.depth = max(container.depth, depth + 1)
        self._visits += size
        if container.depth > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH}")

    def _memoize(self, number: int) -> None:
        if not 0 <= number <= len(self._memo) + _MAX_MEMO_GAP:
            raise ValueError(f"uses number {number} of the memo after {self._memo_count} entries")
        self._memo += [None] * (number + 1 - len(self._memo))
        self._memo_count += self._memo[number] is None
        self._memo[number] = self._stack[-1]

    def _recall(self, number: int) -> None:
        found = self._memo[number] if number >= 0 else None
        if found is None:
            raise ValueError(f"recalls number {number} of the memo, which is empty")
        self._stack.append(found)

    def _memo_number(self, name: str) -> int:
        if name in ("PUT", "GET"):
            return int(self._line())
        return self._number(1 if name in ("BINPUT", "BINGET") else 4)
