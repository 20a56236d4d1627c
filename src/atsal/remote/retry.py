"""Try again what a network or server may have failed at for a moment."""

import time
from collections.abc import Callable
from typing import TypeVar

from atsal.errors import MediaError

WAITS_S = (0.5, 1.0, 2.0)  # before the second, third and fourth try
CONNECT_TIMEOUT_S = 10.0
STALL_TIMEOUT_S = 30.0  # without one byte
T = TypeVar("T")


class TransientError(Exception):
    """A failure that may not happen again; its text says what failed."""


def retried(action: Callable[[], T], shown: str) -> T:
    """Return the result of `action`, which is tried again after a `TransientError`.

    `shown` is the URL in the message. Raises `MediaError` after the last try, and whatever else `action` raises.
    """
    for wait_s in WAITS_S:
        try:
            return action()
        except TransientError:
            time.sleep(wait_s)
    try:
        return action()
    except TransientError as error:
        raise MediaError(
            f"{shown}: cannot be read ({error}; tried {len(WAITS_S) + 1} times). Run the same command again later, or "
            "download the file first."
        ) from None  # errors of the libraries may quote the URL with its secrets


def changed_error(shown: str) -> MediaError:
    """Return the error for a file that is replaced between two reads of it."""
    return MediaError(f"{shown}: changed while it was read; run the same command again to read the new version.")
