"""Warnings of other libraries that do not concern users of this package."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


@contextmanager
def ignored(kind: type[Warning], *, message: str = "", module: str = "") -> Iterator[None]:
    """Ignore warnings of a kind until the end, those whose text and module begin with a pattern, in all threads.

    Not `warnings.catch_warnings`: it puts the whole list of filters back, and where threads do so in turn, the filters
    of one stay for good. Here only what was put in is taken out.
    """
    filters: Any = warnings.filters
    entry = ("ignore", re.compile(message, re.I) if message else None, kind, re.compile(module) if module else None, 0)
    filters.insert(0, entry)
    try:
        yield
    finally:
        now: Any = warnings.filters  # another list, where another thread is within `catch_warnings`
        for own in (filters,) if now is filters else (filters, now):
            with suppress(ValueError):
                own.remove(entry)
