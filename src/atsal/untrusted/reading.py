"""Reading what others wrote: whole files of bounded size, and any failure an error of ours."""

from pathlib import Path
from typing import NamedTuple, Protocol

from atsal.errors import AtsalError
from atsal.untrusted.text import printable, reason

MIB = 2**20


class Failure(Protocol):
    """Makes an error of ours from a message: one of the classes of `atsal.errors`."""

    def __call__(self, message: str, /) -> AtsalError:
        """The error with this message."""


class Blame(NamedTuple):
    """How a failure to read something is told: the class of the error, where it is from, and the remedy."""

    error: Failure  # as DataError
    where: Path | str  # the file, or another name of the source
    remedy: str  # as "copy it again"

    def __call__(self, what: str) -> AtsalError:
        """The error to raise; `what` says what was found, in words of ours or by `shown`."""
        return self.error(f"{printable(str(self.where))}: {what}; {self.remedy}")


def read_bytes(path: Path, blame: Blame, limit: int) -> bytes:
    """The content of a file of at most `limit` bytes; raises the error of `blame` where it cannot be read."""
    try:
        if path.exists() and not path.is_file():
            raise blame("is no file")  # to open a pipe would wait for ever
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except PermissionError as error:
        raise blame._replace(remedy="change its permissions")("may not be read") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise blame(f"cannot be read ({reason(error)})") from error
    if len(content) > limit:
        raise blame(f"is larger than the {limit / MIB:g} MiB that such a file may have")
    return content
