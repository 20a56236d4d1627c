"""Arrays in `.npy` and `.npz` files from others: plain numbers and texts, never more than the file holds."""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from atsal.errors import AtsalError
from atsal.untrusted.archives import open_archive
from atsal.untrusted.files import MIB, ErrorFactory
from atsal.untrusted.text import error_reason, short_repr

_KINDS = "biufcSU"
_HEADER_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_MAX_HEADER_BYTES = 1024  # plain numbers need a few hundred
_MAX_DIMENSIONS = 8
_MAX_SIDE = 2**40  # also of an empty array, which has another side of 0
MAX_NPZ_BYTES = 1024 * MIB  # all arrays of one `.npz`, unpacked


def open_npy(path: Path, make_error: ErrorFactory) -> NDArray[Any]:
    """Return the array of a `.npy` file, memory-mapped; raise the error of `make_error` if it is invalid.

    Errors are: objects, records and times, headers of more than 1,024 bytes, and headers that claim more numbers than
    the file holds.
    """
    try:
        if not path.is_file():
            raise make_error("no such file")
        with path.open("rb") as file:
            if file.read(2) == b"PK":
                raise make_error("it is an .npz archive; expected one array")
            file.seek(0)
            dtype, shape, order, start = _read_header(file)
            _check_size(dtype, shape, path.stat().st_size - start)
        if not math.prod(shape):
            return np.zeros(shape, dtype)
        return np.memmap(path, dtype, "r", start, shape, order)
    except AtsalError:
        raise
    except Exception as error:  # an invalid header raises errors of many types
        raise make_error.unreadable(error, "cannot be read as an array") from error


def read_npz(path: Path, names: Sequence[str], make_error: ErrorFactory) -> dict[str, NDArray[Any]]:
    """Return arrays of a `.npz` file by name, at most 1 GiB in all; raise as `open_npy` does."""
    found: dict[str, NDArray[Any]] = {}
    with open_archive(path, make_error) as archive:
        left = MAX_NPZ_BYTES
        for name in names:
            content = archive.read(f"{name}.npy", left)
            left -= len(content)
            found[name] = _parse_npy(content, make_error, name)
    return found


def _parse_npy(content: bytes, make_error: ErrorFactory, name: str) -> NDArray[Any]:
    """Return the array, read-only, of the content of a `.npy` file called `name` in its archive."""
    try:
        dtype, shape, order, start = _read_header(io.BytesIO(content))
        _check_size(dtype, shape, len(content) - start)
        values: NDArray[Any] = np.frombuffer(content, dtype, math.prod(shape), start)
        return values.reshape(shape, order=order)
    except Exception as error:
        raise make_error(f"its array {name} cannot be read ({error_reason(error)})") from error


def _read_header(file: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...], Any, int]:
    """Return the type, the shape, the order and the offset of the numbers; raise ValueError, or whatever numpy does."""
    start = io.BytesIO(file.read(2 * _MAX_HEADER_BYTES))  # a header may claim to have 4 GiB
    version = npy.read_magic(start)
    if version not in _HEADER_READERS:
        raise ValueError(f"version {version[0]}.{version[1]} of the format; expected 1.0 or 2.0")
    shape, is_fortran, dtype = _HEADER_READERS[version](start, max_header_size=_MAX_HEADER_BYTES)
    if dtype.kind not in _KINDS or dtype.fields or dtype.subdtype:
        raise ValueError(f"holds {short_repr(str(dtype))}, expected plain numbers")
    if len(shape) > _MAX_DIMENSIONS or not all(type(n) is int and 0 <= n <= _MAX_SIDE for n in shape):
        raise ValueError(f"has the shape {short_repr(shape)}")
    return dtype, shape, "F" if is_fortran else "C", start.tell()


def _check_size(dtype: np.dtype[Any], shape: tuple[int, ...], available: int) -> None:
    needed = math.prod(shape, start=int(dtype.itemsize))
    if needed > available or not dtype.itemsize:
        raise ValueError(
            f"the header asks for {needed} bytes of numbers, the file has {available}: cut short, or a wrong header"
        )
