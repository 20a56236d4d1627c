"""Text and values that others wrote, as our messages show them: short, on one line, without codes for terminals."""

import reprlib
import unicodedata
from collections.abc import Sequence

from atsal.errors import AtsalError

_LIMIT = 80  # characters of a value in a message
_NAMED = 8  # names in a message
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control, format (as right-to-left overrides), lone surrogates, line ends


class _Short(reprlib.Repr):
    """A `repr` of bounded size, however large, deep or shared the value is."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxstring = self.maxother = self.maxlong = _LIMIT

    def repr_int(self, x: int, level: int) -> str:  # noqa: ARG002 - the signature of reprlib
        """Python refuses to write out integers of some thousand digits."""
        digits = int(x.bit_length() * 0.30103) + 1
        return repr(x) if digits <= self.maxlong else f"<an integer of about {digits} digits>"


_SHORT = _Short()


def shown(value: object, limit: int = _LIMIT) -> str:
    """A value from a file, as a message quotes it: its `repr`, cut to `limit` characters.

    Safe for every value: nested, shared and long ones cost no more than short ones.
    """
    text = printable(_SHORT.repr(value))
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def some(names: Sequence[str]) -> str:
    """Names for a message: the first ones, and how many there are."""
    return printable(", ".join(names[:_NAMED])) + (f", … ({len(names)})" if len(names) > _NAMED else "")


def printable(text: str) -> str:
    r"""The text with control characters, line ends and direction marks written as escapes, as `\x1b`.

    Names of files and contents of files cannot steer the terminal, or forge a line, through what this gives.
    """
    if text.isprintable():
        return text
    return "".join(_escaped(c) if unicodedata.category(c) in _HIDDEN else c for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def reason(error: BaseException, limit: int = 2 * _LIMIT) -> str:
    """What another library says of a file it cannot read, for a message: its first line, cut to `limit` characters."""
    if isinstance(error, RecursionError):
        return "nested too deep"
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    said = getattr(error, "strerror", None) or getattr(error, "reason", None) or (error.args or [None])[0]
    if not isinstance(said, str) or not said.strip():
        return type(error).__name__
    text = printable(said.strip().splitlines()[0][: limit + 1])
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def why(error: Exception) -> str:
    """Why one item of many failed: the message of an error of ours, or the kind of one that nobody foresaw."""
    if isinstance(error, AtsalError):
        return str(error)
    return f"cannot be used ({type(error).__name__}: {reason(error)})"
