"""A frame as a client sends it."""

import struct
from typing import NamedTuple

from atsal.errors import ConfigError

TIME = struct.Struct(">d")  # before the picture
_MOST_SECONDS = 1e9


class LiveFrame(NamedTuple):
    """One frame of a session."""

    number: int  # among those that the session received, from 0
    seconds: float  # since the start of the video
    content: bytes  # of the picture's file


def parse_frame(number: int, message: bytes) -> LiveFrame:
    """Read a message: the seconds as a float64, the most significant byte first, and then the picture's file.

    Raises `ConfigError` where it does not begin with a time from 0 to 1e9.
    """
    if len(message) <= TIME.size:
        raise ConfigError(f"a message of {len(message)} bytes: expected {TIME.size} bytes of time, then a picture")
    (seconds,) = TIME.unpack_from(message)
    if not 0 <= seconds <= _MOST_SECONDS:
        raise ConfigError(
            f"a frame at {seconds} s: expected the seconds since the start as a float64, the most significant byte "
            "first, and then a picture"
        )
    return LiveFrame(number, seconds, message[TIME.size :])
