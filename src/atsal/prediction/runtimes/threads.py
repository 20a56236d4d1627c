"""How many threads PyTorch runs on in one thread of a program, without a change to any other.

`torch.set_num_threads` also sets the number for every thread that starts afterwards, and MKL's everywhere. OpenMP and
MKL keep a number for each thread, which PyTorch does not offer: it is set in the libraries that PyTorch has loaded.
"""

import ctypes
from functools import cache

import torch

_OPENMP = "omp_set_num_threads"
_MKL = "MKL_Set_Num_Threads_Local"  # as C calls it: takes a number, and not where one lies


def can_limit() -> bool:
    """Whether `limit` works here: PyTorch runs on OpenMP, and the system finds its functions."""
    return hasattr(_library(), _OPENMP)


def limit(count: int) -> None:
    """Let PyTorch run on `count` threads in the calling thread."""
    torch.get_num_threads()  # a new thread is given the number of all when it first asks
    library = _library()
    getattr(library, _OPENMP)(count)
    if hasattr(library, _MKL):
        getattr(library, _MKL)(count)


@cache
def _library() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(torch._C.__file__)  # and with it, all that it was linked with
    except OSError:
        return None
