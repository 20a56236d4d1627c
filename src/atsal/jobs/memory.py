"""Settings of the C library's allocator. Only the command line and worker processes change them, never the library."""

import ctypes
from contextlib import suppress

_M_ARENA_MAX = -8  # of glibc's malloc.h
_KEPT_BYTES = 31 << 20  # just below the largest threshold that glibc accepts


def share_freed_memory() -> None:
    """Let all threads use one heap. Call it before threads start. Does nothing if the C library is not glibc.

    glibc gives each thread its own heap, which keeps freed memory. One thread makes frames and another one frees them,
    so each heap ends up with memory that no thread reuses: 104 of 851 MiB with an overlay of 1920 x 960. Two workers
    that read a film of ten hours in chunks took 100 to 125 MiB more each after five chunks.
    """
    with suppress(AttributeError, OSError, TypeError):  # another C library, or none
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def keep_freed_memory() -> None:
    """Keep freed memory of maps for the next maps; scoring many maps then takes a third of the time.

    glibc returns freed memory to the system once it exceeds twice the largest block so far, and then every map costs
    hundreds of page faults. Allocating and freeing one large block, never touched, raises that threshold for good.
    """
    with suppress(AttributeError, OSError, TypeError):
        library = ctypes.CDLL(None)
        library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        library.free.argtypes = [ctypes.c_void_p]
        library.free(library.malloc(_KEPT_BYTES))
