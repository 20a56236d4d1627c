"""Check a pickle without building anything: what it would build, how deep, and how large.

A pickle is a program for a stack machine. Even if it may only build plain data, a few bytes can ask for nesting that
overflows the C stack (in hashing, in freeing), for parts shared so often that visiting them all never ends, or for all
memory. `scan_pickle` runs the program on stand-ins that only know their depth and their size.
"""

import pickletools
from collections.abc import Callable, Mapping, Sequence
from mmap import mmap
from typing import NamedTuple, TypeVar

from atsal.untrusted.files import MIB

T = TypeVar("T")
MAX_DEPTH = 64
_MAX_MEMORY = 1280 * MIB  # of all that is built, estimated
_STEP_BYTES, _CONTAINER_BYTES = 40, 160  # memory of one step and of one container
_FREE_VISITS, _VISITS_PER_BYTE = 1_000_000, 16  # of parts, each as often as it is shared and nested
_MAX_MEMO_GAP = 1000  # the memo has room for every number up to its highest one
_MAX_KEY_INTEGER_BYTES = 8  # longer integers can be made to share one hash, so they cannot be keys


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
        content, plain = self._content, _PLAIN_LENGTHS
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
                if code == _STOP:
                    self._stack.pop()
                    return PickleScan(self._at, frozenset(self._names))
                step = _STEPS.get(code)
                if step is None:
                    raise ValueError(f"byte {self._at - 1}: opcode {code:#04x} is not one that plain data needs")
                step(self, code)
        except IndexError:
            raise ValueError(f"ends early, or takes a value that is not there, before byte {self._at}") from None

    # reading

    def _take(self, count: int) -> bytes:
        first, self._at = self._at, self._at + count
        if self._at > self._end:
            raise ValueError("ends within a value")
        return bytes(self._content[first : self._at])

    def _take_number(self, width: int) -> int:
        return int.from_bytes(self._take(width), "little")

    def _take_line(self) -> bytes:
        end = self._content.find(b"\n", self._at)
        if end < 0:
            raise ValueError("ends within a line")
        line = self._take(end - self._at)
        self._at += 1
        return line

    # containers

    def _pop(self, count: int) -> list[_Value]:
        """Take the topmost values off the stack, or those since the last mark."""
        first = self._marks.pop() if count == _TO_MARK else len(self._stack) - count
        if first < 0:
            raise IndexError
        values = self._stack[first:]
        del self._stack[first:]
        return values

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
        if self._visits > _FREE_VISITS + _VISITS_PER_BYTE * (self._at - self._start):
            raise ValueError("shares its parts so often that visiting them would not end")

    # opcodes

    def _build(self, code: int) -> None:
        """Make a container of values from the stack, or put them into the one below them."""
        count, key_step, is_new = _BUILDS[code]
        parts = self._pop(count)
        if key_step and any(key is not _LEAF for key in parts[::key_step]):
            raise ValueError("has keys that are neither texts nor numbers")
        if is_new:
            self._memory_left -= _CONTAINER_BYTES
            self._stack.append(_Value())
        self._put(self._stack[-1], parts)

    def _sized_value(self, code: int) -> None:
        length = self._take_number(_SIZE_WIDTHS[code])
        if length > self._end - self._at:
            raise ValueError("ends within a value")
        self._at += length
        self._memory_left -= length
        self._stack.append(_Value() if code in _INTEGERS and length > _MAX_KEY_INTEGER_BYTES else _LEAF)

    def _line_value(self, code: int) -> None:
        line = self._take_line()
        self._memory_left -= len(line)
        self._stack.append(_Value() if code in _INTEGERS and len(line) > 2 * _MAX_KEY_INTEGER_BYTES else _LEAF)

    def _global(self, _code: int) -> None:
        lines = [self._take_line(), self._take_line()]
        self._memory_left -= sum(map(len, lines))
        self._names.add(b".".join(lines).decode("utf-8", "replace"))
        self._stack.append(_LEAF)

    def _instance(self, code: int) -> None:
        self._global(code)
        self._stack.pop()
        self._build(code)

    def _stack_global(self, _code: int) -> None:
        del self._stack[-2:]
        self._stack.append(_LEAF)

    def _skip(self, code: int) -> None:
        self._take(1 if code == _CODES["PROTO"] else 8)

    def _mark(self, _code: int) -> None:
        self._marks.append(len(self._stack))

    def _pop_one(self, _code: int) -> None:
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self._stack.pop()

    def _pop_to_mark(self, _code: int) -> None:
        self._pop(_TO_MARK)

    def _duplicate(self, _code: int) -> None:
        self._stack.append(self._stack[-1])

    def _persistent(self, _code: int) -> None:
        self._stack.pop()
        self._stack.append(_LEAF)

    def _memoize(self, code: int) -> None:
        number = self._memo_count if code == _CODES["MEMOIZE"] else self._take_memo_number(code)
        if not 0 <= number <= len(self._memo) + _MAX_MEMO_GAP:
            raise ValueError(f"uses number {number} of the memo after {self._memo_count} entries")
        self._memo += [None] * (number + 1 - len(self._memo))
        self._memo_count += self._memo[number] is None
        self._memo[number] = self._stack[-1]

    def _recall(self, code: int) -> None:
        number = self._take_memo_number(code)
        found = self._memo[number] if number >= 0 else None
        if found is None:
            raise ValueError(f"recalls number {number} of the memo, which is empty")
        self._stack.append(found)

    def _take_memo_number(self, code: int) -> int:
        width = _MEMO_WIDTHS[code]
        return self._take_number(width) if width else int(self._take_line())


_CODES = {opcode.name: ord(opcode.code) for opcode in pickletools.opcodes}


def _by_code(named: Mapping[str, T]) -> dict[int, T]:
    return {_CODES[name]: value for name, value in named.items()}


_STOP = _CODES["STOP"]
_TO_MARK = -1
_INTEGERS = frozenset(_CODES[name] for name in ("LONG1", "LONG4", "INT", "LONG"))
_PLAIN_LENGTHS = [-1] * 256  # opcode -> bytes of the value that follows it
for _code, _length in _by_code(
    {"NONE": 0, "NEWTRUE": 0, "NEWFALSE": 0, "BINFLOAT": 8, "BININT1": 1, "BININT2": 2, "BININT": 4}
).items():
    _PLAIN_LENGTHS[_code] = _length
_SIZE_WIDTHS = _by_code(  # opcode -> bytes of the size that stands before the value
    {
        **{"SHORT_BINSTRING": 1, "BINSTRING": 4, "SHORT_BINUNICODE": 1, "BINUNICODE": 4, "BINUNICODE8": 8},
        **{"SHORT_BINBYTES": 1, "BINBYTES": 4, "BINBYTES8": 8, "BYTEARRAY8": 8, "LONG1": 1, "LONG4": 4},
    }
)
_MEMO_WIDTHS = _by_code({"PUT": 0, "BINPUT": 1, "LONG_BINPUT": 4, "GET": 0, "BINGET": 1, "LONG_BINGET": 4})
_BUILDS = _by_code(  # opcode -> values it takes, step between keys among them, whether it makes a new value
    {
        **dict.fromkeys(("EMPTY_LIST", "EMPTY_DICT", "EMPTY_SET", "EMPTY_TUPLE"), (0, 0, True)),
        **{"TUPLE1": (1, 0, True), "TUPLE2": (2, 0, True), "TUPLE3": (3, 0, True)},
        **dict.fromkeys(("TUPLE", "LIST", "OBJ", "INST"), (_TO_MARK, 0, True)),
        **{"REDUCE": (2, 0, True), "NEWOBJ": (2, 0, True), "NEWOBJ_EX": (3, 0, True)},
        **{"DICT": (_TO_MARK, 2, True), "FROZENSET": (_TO_MARK, 1, True)},
        **{"APPEND": (1, 0, False), "BUILD": (1, 0, False), "APPENDS": (_TO_MARK, 0, False)},
        **{"SETITEM": (2, 2, False), "SETITEMS": (_TO_MARK, 2, False), "ADDITEMS": (_TO_MARK, 1, False)},
    }
)
_STEPS: dict[int, Callable[[_Machine, int], None]] = {
    **dict.fromkeys(_BUILDS, _Machine._build),
    **dict.fromkeys(_SIZE_WIDTHS, _Machine._sized_value),
    **_by_code(dict.fromkeys(("INT", "LONG", "FLOAT", "STRING", "UNICODE", "PERSID"), _Machine._line_value)),
    **_by_code(dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), _Machine._memoize)),
    **_by_code(dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine._recall)),
    **_by_code(dict.fromkeys(("PROTO", "FRAME"), _Machine._skip)),
    **_by_code({"GLOBAL": _Machine._global, "STACK_GLOBAL": _Machine._stack_global, "INST": _Machine._instance}),
    **_by_code({"MARK": _Machine._mark, "POP": _Machine._pop_one, "POP_MARK": _Machine._pop_to_mark}),
    **_by_code({"DUP": _Machine._duplicate, "BINPERSID": _Machine._persistent}),
}
