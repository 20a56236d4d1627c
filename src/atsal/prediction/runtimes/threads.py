"""Limit the threads that PyTorch uses in one thread of a program.

`torch.set_num_threads` also changes every thread that starts later, and MKL everywhere. OpenMP and MKL keep a number
for each thread, but PyTorch does not offer it. So it is set in the libraries that PyTorch has loaded.
"""

import ctypes
from functools import cache

import torch

_OPENMP = "omp_set_num_threads"
_MKL = "MKL_Set_Num_Threads_Local"  # the C function, which takes the number by value


def can_limit_threads() -> bool:
    """Return whether `limit_threads` works here: PyTorch runs on OpenMP, and its functions can be found."""
    return hasattr(_library(), _OPENMP)


def limit_threads(count: int) -> None:
    """Let PyTorch use `count` threads in the calling thread."""
    torch.get_num_threads()  # the first call in a new thread sets the number of the process
    library = _library()
    getattr(library, _OPENMP)(count)
    if hasattr(library, _MKL):
        getattr(library, _MKL)(count)


@cache
def _library() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(torch._C.__file__)  # gives access to all that it was linked with
    except OSError:
        return None
