"""Arrays in `.npy` and `.npz` files that others wrote: plain numbers and texts, never more than the file holds."""

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
from atsal.untrusted.reading import MIB, Blame
from atsal.untrusted.text import reason, shown

_KINDS = "biufcSU"
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_LONGEST_HEADER = 1024  # bytes; one of plain numbers has some hundred
_MOST_DIMENSIONS = 8
NPZ_LIMIT = 1024 * MIB  # of the arrays of one .npz, unpacked


def open_npy(path: Path, blame: Blame) -> NDArray[Any]:
    """The array of a `.npy` file, mapped from the disk; raises the error of `blame`.

    Refused are objects, records and times, headers of more than 1,024 bytes, and arrays of more numbers than the file
    holds.
    """
    try:
        if not path.is_file():
            raise blame("no such file")
        with path.open("rb") as file:
            if file.read(2) == b"PK":
                raise blame("it is an .npz archive; expected one array")
            file.seek(0)
            dtype, shape, order, start = _header(file)
            _check_size(dtype, shape, path.stat().st_size - start)
        if not math.prod(shape):
            return np.zeros(shape, dtype)
        return np.memmap(path, dtype, "r", start, shape, order)
    except AtsalError:
        raise
    except Exception as error:  # whatever a made-up header brings about
        raise blame(f"cannot be read as an array ({reason(error)})") from error


def read_npz(path: Path, names: Sequence[str], blame: Blame) -> dict[str, NDArray[Any]]:
    """Some arrays of a `.npz` file, by name, of 1 GiB at most together; raises the error of `blame`. As `open_npy`."""
    found: dict[str, NDArray[Any]] = {}
    with open_archive(path, blame) as archive:
        left = NPZ_LIMIT
        for name in names:
            content = archive.read(f"{name}.npy", left)
            left -= len(content)
            found[name] = parse_npy(content, blame, name)
    return found


def parse_npy(content: bytes, blame: Blame, name: str) -> NDArray[Any]:
    """The array of the content of a `.npy` file, read-only; `name` is that of the array in its archive."""
    try:
        dtype, shape, order, start = _header(io.BytesIO(content))
        _check_size(dtype, shape, len(content) - start)
        values: NDArray[Any] = np.frombuffer(content, dtype, math.prod(shape), start)
        return values.reshape(shape, order=order)
    except Exception as error:
        raise blame(f"its array {name} cannot be read ({reason(error)})") from error


def _header(file: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...], Any, int]:
    """Type, shape, order and place of the numbers that follow; ValueError, and whatever numpy raises."""
    start = io.BytesIO(file.read(2 * _LONGEST_HEADER))  # a header may say that it has 4 GiB
    version = npy.read_magic(start)
    if version not in _HEADERS:
        raise ValueError(f"version {version[0]}.{version[1]} of the format; expected 1.0 or 2.0")
    shape, is_fortran, dtype = _HEADERS[version](start, max_header_size=_LONGEST_HEADER)
    if dtype.kind not in _KINDS or dtype.fields or dtype.subdtype:
        raise ValueError(f"holds {shown(str(dtype))}, expected plain numbers")
    if len(shape) > _MOST_DIMENSIONS or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"has the shape {shown(shape)}")
    return dtype, shape, "F" if is_fortran else "C", start.tell()


def _check_size(dtype: np.dtype[Any], shape: tuple[int, ...], there: int) -> None:
    needed = math.prod(shape, start=int(dtype.itemsize))
    if needed > there or not dtype.itemsize:
        raise ValueError(
            f"the header asks for {needed} bytes of numbers, the file has {there}: cut short, or a wrong header"
        )
    if max(shape, default=0) > 2**40:  # of an array with a side of 0
        raise ValueError(f"has the shape {shown(shape)}")
