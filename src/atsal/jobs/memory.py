"""How the C library hands out memory in this process: the command line and workers say, the library does not."""

import ctypes
from contextlib import suppress

_M_ARENA_MAX = -8  # of glibc's malloc.h
_MOST_KEPT = 31 << 20  # bytes: glibc's bound stops a little above


def share_freed_memory() -> None:
    """Let all threads take from one heap; call it before threads start. Does nothing where the C library is not glibc.

    glibc gives each thread a heap of its own, which keeps what was freed. Frames are made by one thread and freed by
    another, so each heap ends up holding frames that nobody needs: 104 of 851 MiB with an overlay of 1920 x 960.
    """
    with suppress(AttributeError, OSError, TypeError):  # another C library, or none to be had
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def keep_freed_memory() -> None:
    """Let the memory of maps be used again when they are freed; scores of many maps take a third of the time.

    glibc gives freed memory back once it exceeds twice the largest block there was, and every map then costs hundreds
    of page faults again. A large block, never touched, raises that bound for good.
    """
    with suppress(AttributeError, OSError, TypeError):
        library = ctypes.CDLL(None)
        library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        library.free.argtypes = [ctypes.c_void_p]
        library.free(library.malloc(_MOST_KEPT))
