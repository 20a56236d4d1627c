"""Pickles of plain data, read without running what they contain.

A pickle is a program: `pickle.load` runs any function that it names. Here it may only build plain containers, text,
numbers and numpy arrays of them. `_ALLOWED` lists each name that a pickle may ask for, and what it gets instead: mostly
functions of this module that check their arguments. numpy's own unpickling is never used, because a forged dtype makes
it treat bytes as addresses.

pandas frames, as Python 2 wrote them, become a `DataFrame` of columns without pandas.

`atsal.untrusted.pickles` checks the pickle before anything is built, so that a forged file can neither fill the memory
nor overflow the stack.
"""

import io
import math
import pickle
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.untrusted.files import MIB, ErrorFactory, read_bytes
from atsal.untrusted.pickles import scan_pickle
from atsal.untrusted.text import error_reason, escape_controls, short_repr

_LIMIT = 512 * MIB
_DTYPE = re.compile(r"[biufcSU][1-9]\d{0,4}|O[48]")
_BYTE_ORDERS: dict[str, Literal["<", ">", "=", "|"]] = {"<": "<", ">": ">", "=": "=", "|": "|"}


def load_pickle(path: Path, *, encoding: Literal["latin1", "bytes", "ASCII"] = "latin1") -> Any:
    """Read a pickle of dicts, lists, tuples, sets, text, numbers, None, numpy arrays and scalars, and `DataFrame`.

    `encoding` is that of the `str` of Python 2; arrays of Python 2 need "latin1" or "bytes". An ordered or default dict
    becomes a dict. Raises `DataError` for a file that cannot be read, is damaged, or asks for anything else, which the
    message names.
    """
    make_error = ErrorFactory(DataError, path, "copy or download it again")
    content = read_bytes(path, make_error, _LIMIT)
    try:
        scan_pickle(content)
        return _Unpickler(path, io.BytesIO(content), encoding=encoding).load()
    except DataError:
        raise
    except Exception as error:  # a damaged pickle can raise almost any exception
        raise make_error(f"not a pickle of plain data, or damaged ({error_reason(error)})") from error


class _Unpickler(pickle.Unpickler):
    def __init__(self, path: Path, file: Any, **options: Any) -> None:
        super().__init__(file, **options)
        self._path = path

    def find_class(self, module: str, name: str, /) -> Any:
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        remedy = "do not open it elsewhere unless you know who made it"
        if module.partition(".")[0] == "pandas":
            remedy = "another version of pandas wrote it: open it there and save its columns as a dict of arrays"
        raise DataError(
            f"{escape_controls(str(self._path))}: refused, because the pickle asks for "
            f"{escape_controls(f'{module}.{name}'[:80])}; "
            f"expected plain containers and numpy arrays: {remedy}"
        )


class _Sealed(type):
    """The type of classes that a pickle may name but not change."""

    def __setattr__(cls, name: str, value: object) -> NoReturn:
        raise TypeError(f"{cls.__name__} cannot be changed")

    __delattr__ = __setattr__  # type: ignore[assignment]


class _Function:
    """A function that a pickle may call but not change."""

    __slots__ = ("_call",)
    _call: Callable[..., Any]

    def __init__(self, call: Callable[..., Any]) -> None:
        object.__setattr__(self, "_call", call)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise TypeError("a function cannot be changed")

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)


class DataFrame(metaclass=_Sealed):
    """A pickled pandas DataFrame: `columns` maps each name to an array with one entry per row."""

    columns: Mapping[str, NDArray[Any]] = MappingProxyType({})

    def __setstate__(self, state: Any) -> None:
        manager = state.get("_data", state.get("_mgr")) if isinstance(state, dict) else None
        if not isinstance(manager, _BlockManager):
            raise ValueError("a pandas frame of an unknown version")
        self.columns = manager.columns


class _BlockManager(metaclass=_Sealed):
    """A pandas BlockManager of versions 0.14.1 to 1.2: blocks of columns of one type."""

    columns: Mapping[str, NDArray[Any]] = MappingProxyType({})

    def __setstate__(self, state: Any) -> None:
        if not (isinstance(state, tuple) and len(state) > 3 and isinstance(state[3], dict) and "0.14.1" in state[3]):
            raise ValueError("a pandas frame of an unknown version")
        content = state[3]["0.14.1"]
        labels = [str(label) for label in content["axes"][0]]
        columns: dict[str, NDArray[Any]] = {}
        for block in content["blocks"]:
            places = np.arange(len(labels))[block["mgr_locs"]]
            values = np.asarray(block["values"])
            if values.ndim != 2 or len(values) != len(places):
                raise ValueError(f"a block of shape {values.shape} for {len(places)} columns")
            columns.update({labels[place]: row for place, row in zip(places, values, strict=True)})
        self.columns = columns


class _Dtype(metaclass=_Sealed):
    """A pickled numpy dtype: a plain number, text or object."""

    def __init__(self, code: str) -> None:
        if not _DTYPE.fullmatch(code):
            raise ValueError(f"an array of type {short_repr(code)}")
        self.dtype: np.dtype[Any] = np.dtype(object) if code[0] == "O" else np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        _version, order, *structure = state
        if any(part is not None for part in structure[:3]):
            raise ValueError("an array of records")
        self.dtype = self.dtype.newbyteorder(_BYTE_ORDERS[_text(order)])


class _Array(np.ndarray[Any, Any], metaclass=_Sealed):
    """An array whose size is checked before memory is allocated."""

    def __setstate__(self, state: Any) -> None:
        _version, shape, kind, fortran, content = state
        if not isinstance(kind, _Dtype) or not all(type(n) is int and n >= 0 for n in shape):
            raise ValueError(f"an array of shape {short_repr(shape)}")
        size = math.prod(shape)
        if kind.dtype.kind == "O":
            if type(content) is not list or len(content) != size:
                raise ValueError(f"an array of {size} objects with another number of them")
        else:
            content = _bytes(content)
            if len(content) != size * kind.dtype.itemsize:
                raise ValueError(f"{len(content)} bytes for an array of {size} x {kind.dtype}")
        super().__setstate__((1, tuple(shape), kind.dtype, bool(fortran), content))  # type: ignore[arg-type]


def _text(value: Any) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)


def _bytes(value: Any) -> bytes:
    """Return bytes; the `str` of Python 2 arrives as text, in which latin1 keeps each byte."""
    return value.encode("latin1") if isinstance(value, str) else bytes(memoryview(value))


def _new_array(kind: Any, shape: Any, _code: Any) -> _Array:
    if kind is not _NDARRAY or tuple(shape) != (0,):
        raise ValueError("an array made in an unknown way")
    return _Array((0,))


def _new_scalar(kind: Any, content: Any) -> Any:
    if not isinstance(kind, _Dtype) or kind.dtype.kind == "O":
        raise ValueError("a number of an unknown type")
    return np.frombuffer(_bytes(content), kind.dtype, 1)[0]


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    if _text(encoding) not in ("latin1", "latin-1") or not isinstance(text, str):
        raise ValueError(f"bytes encoded as {short_repr(encoding)}")
    return text.encode("latin1")


def _new_dict(items: Any = (), *_rest: Any) -> dict[Any, Any]:
    """Make a dict of an ordered dict (from its items) or a default dict (from the function for its defaults)."""
    found = {} if isinstance(items, _Function | type) else dict(items)
    if not all(isinstance(key, str | bytes | int | float | None) for key in found):
        raise ValueError("keys that are neither texts nor numbers")
    return found


def _new_object(kind: Any, base: Any, _state: Any) -> Any:
    """Make an object as protocols 0 and 1 do."""
    if kind not in (DataFrame, _BlockManager) or base is not _OBJECT:
        raise ValueError("an object made in an unknown way")
    return kind()


def _refuse(*_arguments: Any) -> NoReturn:
    raise ValueError("a type called as a function")


_NDARRAY, _OBJECT, _INDEX = (_Function(_refuse) for _ in range(3))
# the labels of a pandas Index; a RangeIndex has none
_new_index = _Function(lambda _kind, attributes: np.asarray(attributes.get("data", ())).ravel())
_BUILTINS: dict[str, Any] = {
    "list": list,
    "dict": dict,
    "set": set,
    "frozenset": frozenset,
    "slice": _Function(slice),
    "bytes": _Function(lambda: b""),
    "object": _OBJECT,
}
_INDEXES = ("core.index", "indexes.base", "indexes.numeric", "indexes.range")
_INDEX_MODULES = [f"pandas.{part}" for part in (*_INDEXES, *(f"core.{part}" for part in _INDEXES[1:]))]
_ALLOWED: dict[tuple[str, str], Any] = {
    **{(module, name): value for module in ("builtins", "__builtin__") for name, value in _BUILTINS.items()},
    **{(module, "_reconstructor"): _Function(_new_object) for module in ("copyreg", "copy_reg")},
    **{("collections", name): _Function(_new_dict) for name in ("OrderedDict", "defaultdict")},
    ("_codecs", "encode"): _Function(_encode),
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _Function(lambda code, *_flags: _Dtype(_text(code))),
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Function(_new_array) for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _Function(_new_scalar) for core in ("core", "_core")},
    ("pandas.core.frame", "DataFrame"): DataFrame,
    ("pandas.core.internals", "BlockManager"): _BlockManager,
    ("pandas.core.internals.managers", "BlockManager"): _BlockManager,
    **{(module, "_new_Index"): _new_index for module in _INDEX_MODULES},
    **{(module, name): _INDEX for module in _INDEX_MODULES for name in ("Index", "Int64Index", "RangeIndex")},
}
