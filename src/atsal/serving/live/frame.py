"""A frame as a client sends it."""

import struct
from typing import NamedTuple

from atsal.errors import ConfigError

TIME = struct.Struct(">d")  # before the picture
_MOST_SECONDS = 1e9


class LiveFrame(NamedTuple):
    """One frame of a session."""

    number: int  # among those that the session received, from 0
    message: bytes

    def parse(self) -> tuple[float, bytes]:
        """Return the seconds since the start, and the content of the picture's file.

        Raises `ConfigError` where the message does not begin with a time from 0 to 1e9, in seconds as a float64, the
        most significant byte first.
        """
        if len(self.message) <= TIME.size:
            raise ConfigError(
                f"a message of {len(self.message)} bytes: expected {TIME.size} bytes of time, then a picture"
            )
        (seconds,) = TIME.unpack_from(self.message)
        if not 0 <= seconds <= _MOST_SECONDS:
            raise ConfigError(
                f"a frame at {seconds} s: expected the seconds since the start as a float64, the most significant byte "
                "first, and then a picture"
            )
        return seconds, self.message[TIME.size :]
