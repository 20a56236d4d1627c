"""Ignore warnings of other libraries that do not concern users of this package."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


@contextmanager
def ignore_warnings(category: type[Warning], *, message: str = "", module: str = "") -> Iterator[None]:
    """Ignore warnings of a category in the block, in all threads; `message` and `module` match the start of theirs.

    Unlike `warnings.catch_warnings`, it does not restore the whole list of filters, which leaves filters behind if
    threads take turns. It removes only the filter that it added.
    """
    filters: Any = warnings.filters
    patterns = (re.compile(message, re.I) if message else None, re.compile(module) if module else None)
    entry = ("ignore", patterns[0], category, patterns[1], 0)
    filters.insert(0, entry)
    try:
        yield
    finally:
        current: Any = warnings.filters  # another list if another thread is inside `catch_warnings`
        for own in (filters,) if current is filters else (filters, current):
            with suppress(ValueError):
                own.remove(entry)
