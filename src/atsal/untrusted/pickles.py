"""Pickles that others made, looked through before anything is built: what they would build, without building it.

A pickle is a program for a machine with a stack. Even where nothing but plain data may come of it, a few bytes can ask
for nesting that overflows the stack of C (in hashing, in freeing), for parts shared so often that to look at them all
takes for ever, or for all memory. `scan` runs the program on stand-ins that know how deep and how large they are.
"""

from collections.abc import Callable, Sequence
from mmap import mmap
from typing import NamedTuple

from atsal.untrusted.reading import MIB

DEEPEST = 64
_MEMORY = 1280 * MIB  # of all that is built, estimated
_OF_STEP, _OF_CONTAINER = 40, 160  # bytes of it
_FREE_WORK, _WORK_OF_BYTE = 1_000_000, 16  # parts looked at, each as often as it is shared and nested
_GAP = 1000  # in the numbers of the memo, whose room is made up to the highest one
_LONG_INTEGER = 8  # bytes; longer ones, which can be made to have one hash, are no keys

_PLAIN = {b"N": 0, b"\x88": 0, b"\x89": 0, b"G": 8, b"K": 1, b"M": 2, b"J": 4}  # a value of so many bytes
_COUNTED = {  # a value of as many bytes as those before it say
    **{b"U": 1, b"T": 4, b"X": 4, b"\x8c": 1, b"\x8d": 8},  # texts
    **{b"C": 1, b"B": 4, b"\x8e": 8, b"\x96": 8},  # bytes
    **{b"\x8a": 1, b"\x8b": 4},  # integers
}
_LINES = {b"I": 1, b"L": 1, b"F": 1, b"S": 1, b"V": 1, b"P": 1, b"c": 2}  # a value of so many lines
_INTEGERS = (b"\x8a"[0], b"\x8b"[0], b"I"[0], b"L"[0])


class Scan(NamedTuple):
    """What a pickle says."""

    end: int  # where it ends in the file
    names: frozenset[str]  # "module.name" of the objects of Python that it asks for, up to protocol 3


class _Part:
    """Stands for something to be built."""

    __slots__ = ("depth", "is_placed", "size")

    def __init__(self) -> None:
        self.depth = 0
        self.size = 1  # parts, shared ones counted as often as they occur
        self.is_placed = False  # within another, so that a change would change that one too


_LEAF = _Part()


def scan(content: bytes | mmap, start: int = 0) -> Scan:
    """Look through the pickle that starts at a byte of `content` (bytes, or a mapped file).

    Raises `ValueError` for one that ends early, is damaged, nests deeper than 64, holds itself, would take more than a
    gigabyte, shares its parts too often, has keys other than texts and numbers, or does what plain data never need.
    """
    return _Machine(content, start).run()


class _Machine:
    """The stack machine of pickles."""

    def __init__(self, content: bytes | mmap, start: int) -> None:
        self._content = content
        self._at = start
        self._end = len(content)
        self._stack: list[_Part] = []
        self._marks: list[int] = []
        self._memo: list[_Part | None] = []
        self._memos = 0
        self._names: set[str] = set()
        self._start = start
        self._work = 0
        self._room = _MEMORY

    def run(self) -> Scan:
        """Run to the end of the program."""
        content, plain = self._content, _PLAIN_BY_CODE
        try:
            while True:
                code = content[self._at]
                self._at += 1
                self._room -= _OF_STEP
                if self._room < 0:
                    raise ValueError("asks for more than fits into memory")
                length = plain[code]
                if length >= 0:
                    self._at += length
                    self._stack.append(_LEAF)
                    continue
                step = _STEPS.get(code)
                if step is None:
                    raise ValueError(f"byte {self._at - 1}: {code:#04x} is nothing that plain data need")
                if step is _Machine._stop:
                    self._pop()
                    return Scan(self._at, frozenset(self._names))
                step(self, code)
        except IndexError:
            raise ValueError(f"ends early, or takes what it did not put there, before byte {self._at}") from None

    # reading

    def _take(self, count: int) -> bytes:
        """The next bytes; those of a mapped file come as bytes too."""
        first, self._at = self._at, self._at + count
        if self._at > self._end:
            raise ValueError("ends within a value")
        return bytes(self._content[first : self._at])

    def _number(self, width: int) -> int:
        return int.from_bytes(self._take(width), "little")

    def _line(self) -> bytes:
        end = self._content.find(b"\n", self._at)
        if end < 0:
            raise ValueError("ends within a line")
        line = self._take(end - self._at)
        self._at += 1
        return line

    # the stack

    def _pop(self) -> _Part:
        return self._stack.pop()

    def _since_mark(self) -> list[_Part]:
        mark = self._marks.pop()
        found = self._stack[mark:]
        del self._stack[mark:]
        return found

    def _push_made(self, *parts: _Part) -> None:
        """A new container, tuple or object with what it is made of."""
        self._room -= _OF_CONTAINER
        made = _Part()
        self._put(made, parts)
        self._stack.append(made)

    def _put(self, whole: _Part, parts: Sequence[_Part]) -> None:
        """Put parts into a container."""
        if whole is _LEAF:  # a class or function, which no unpickler lets itself be changed
            return
        if whole.is_placed:
            raise ValueError("changes what stands within something else already, or holds itself")
        size, depth = 0, 0
        for part in parts:
            size += part.size
            if part is not _LEAF:
                part.is_placed = True
                depth = max(depth, part.depth)
        if whole.is_placed:
            raise ValueError("holds itself")
        whole.size += size
        whole.depth = max(whole.depth, depth + 1)
        self._work += size
        if whole.depth > DEEPEST:
            raise ValueError(f"nested deeper than {DEEPEST}")
        if self._work > _FREE_WORK + _WORK_OF_BYTE * (self._at - self._start):
            raise ValueError("shares its parts so often that they are too many to look at")

    # the steps

    def _counted(self, code: int) -> None:
        length = self._number(_COUNTED_BY_CODE[code])
        if length > self._end - self._at:
            raise ValueError("ends within a value")
        self._at += length
        self._room -= length
        self._stack.append(_Part() if code in _INTEGERS and length > _LONG_INTEGER else _LEAF)

    def _lines(self, code: int) -> None:
        lines = [self._line() for _ in range(_LINES_BY_CODE[code])]
        self._room -= sum(map(len, lines))
        if len(lines) == 2:
            self._names.add(b".".join(lines).decode("utf-8", "replace"))
        is_long = code in _INTEGERS and len(lines[0]) > 2 * _LONG_INTEGER
        self._stack.append(_Part() if is_long else _LEAF)

    def _named(self, _code: int) -> None:  # STACK_GLOBAL
        del self._stack[-2:]
        self._stack.append(_LEAF)

    def _instance(self, _code: int) -> None:  # INST
        self._names.add(b".".join([self._line(), self._line()]).decode("utf-8", "replace"))
        self._push_made(*self._since_mark())

    def _skip(self, code: int) -> None:  # PROTO, FRAME
        self._take(1 if code == b"\x80"[0] else 8)

    def _mark(self, _code: int) -> None:
        self._marks.append(len(self._stack))

    def _drop(self, _code: int) -> None:
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self._pop()

    def _drop_to_mark(self, _code: int) -> None:
        self._since_mark()

    def _twice(self, _code: int) -> None:
        self._stack.append(self._stack[-1])

    def _remember(self, code: int) -> None:
        if code == b"p"[0]:
            number = int(self._line())
        else:
            number = self._memos if code == b"\x94"[0] else self._number(1 if code == b"q"[0] else 4)
        if not 0 <= number <= len(self._memo) + _GAP:
            raise ValueError(f"gives the number {number} to what it remembers after {self._memos} others")
        self._memo += [None] * (number + 1 - len(self._memo))
        self._memos += self._memo[number] is None
        self._memo[number] = self._stack[-1]

    def _recall(self, code: int) -> None:
        number = int(self._line()) if code == b"g"[0] else self._number(1 if code == b"h"[0] else 4)
        found = self._memo[number] if number >= 0 else None
        if found is None:
            raise ValueError(f"recalls the number {number}, which nothing has")
        self._stack.append(found)

    def _empty(self, _code: int) -> None:
        self._push_made()

    def _tuple(self, code: int) -> None:
        count = code - b"\x85"[0] + 1
        self._push_made(*[self._pop() for _ in range(count)])

    def _tuple_to_mark(self, _code: int) -> None:  # also LIST, FROZENSET, OBJ
        self._push_made(*self._since_mark())

    def _append(self, _code: int) -> None:  # also BUILD
        part = self._pop()
        self._put(self._stack[-1], [part])

    def _appends(self, _code: int) -> None:
        parts = self._since_mark()
        self._put(self._stack[-1], parts)

    def _keys(self, _code: int) -> None:  # ADDITEMS
        parts = self._since_mark()
        _check_keys(parts)
        self._put(self._stack[-1], parts)

    def _frozen(self, _code: int) -> None:
        parts = self._since_mark()
        _check_keys(parts)
        self._push_made(*parts)

    def _item(self, _code: int) -> None:
        value, key = self._pop(), self._pop()
        _check_keys([key])
        self._put(self._stack[-1], [key, value])

    def _items(self, _code: int) -> None:
        parts = self._since_mark()
        _check_keys(parts[::2])
        self._put(self._stack[-1], parts)

    def _dict(self, _code: int) -> None:
        parts = self._since_mark()
        _check_keys(parts[::2])
        self._push_made(*parts)

    def _called(self, code: int) -> None:  # REDUCE, NEWOBJ, NEWOBJ_EX
        self._push_made(*[self._pop() for _ in range(3 if code == b"\x92"[0] else 2)])

    def _persistent(self, _code: int) -> None:
        self._pop()
        self._stack.append(_LEAF)

    def _stop(self, _code: int) -> None:
        """The end; `run` sees to it."""


def _check_keys(keys: Sequence[_Part]) -> None:
    if any(key is not _LEAF for key in keys):
        raise ValueError("has keys that are neither texts nor numbers")


_PLAIN_BY_CODE = [-1] * 256
for _code, _bytes in _PLAIN.items():
    _PLAIN_BY_CODE[_code[0]] = _bytes
_COUNTED_BY_CODE = {code[0]: width for code, width in _COUNTED.items()}
_LINES_BY_CODE = {code[0]: lines for code, lines in _LINES.items()}
_STEPS: dict[int, Callable[[_Machine, int], None]] = {
    **dict.fromkeys(_COUNTED_BY_CODE, _Machine._counted),
    **dict.fromkeys(_LINES_BY_CODE, _Machine._lines),
    **dict.fromkeys(b"\x80\x95", _Machine._skip),
    **dict.fromkeys(b"pqr\x94", _Machine._remember),
    **dict.fromkeys(b"ghj", _Machine._recall),
    **dict.fromkeys(b"]}\x8f)", _Machine._empty),
    **dict.fromkeys(b"\x85\x86\x87", _Machine._tuple),
    **dict.fromkeys(b"tlo", _Machine._tuple_to_mark),
    **dict.fromkeys(b"ab", _Machine._append),
    **dict.fromkeys(b"R\x81\x92", _Machine._called),
    **{b"\x93"[0]: _Machine._named, b"i"[0]: _Machine._instance, b"("[0]: _Machine._mark, b"0"[0]: _Machine._drop},
    **{b"1"[0]: _Machine._drop_to_mark, b"2"[0]: _Machine._twice, b"e"[0]: _Machine._appends},
    **{b"\x90"[0]: _Machine._keys, b"\x91"[0]: _Machine._frozen, b"s"[0]: _Machine._item, b"u"[0]: _Machine._items},
    **{b"d"[0]: _Machine._dict, b"Q"[0]: _Machine._persistent, b"."[0]: _Machine._stop},
}
