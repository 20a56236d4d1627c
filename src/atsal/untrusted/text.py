"""Text and values from others, as messages show them: short, on one line, without terminal control codes."""

import reprlib
import unicodedata
from collections.abc import Sequence

from atsal.errors import AtsalError

_MAX_CHARACTERS = 80  # of a value in a message
_MAX_NAMES = 8  # in a message
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also as full-width characters
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control, format (as right-to-left overrides), lone surrogates, line ends


class _ShortRepr(reprlib.Repr):
    """A `repr` of bounded size and cost, however large, deep or shared the value is."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxstring = self.maxother = self.maxlong = _MAX_CHARACTERS

    def repr_int(self, x: int, level: int) -> str:  # noqa: ARG002 - the signature of reprlib
        """Describe a long integer: Python refuses to write one of some thousand digits."""
        digits = int(x.bit_length() * 0.30103) + 1
        return repr(x) if digits <= self.maxlong else f"<an integer of about {digits} digits>"


_SHORT_REPR = _ShortRepr()


def short_repr(value: object, limit: int = _MAX_CHARACTERS) -> str:
    """Return the `repr` of a value for a message, without control characters and cut to `limit` characters.

    Safe for every value: nested, shared and long values cost no more than short ones.
    """
    return _cut(escape_controls(_SHORT_REPR.repr(value)), limit)


def shorten_list(names: Sequence[str], limit: int = _MAX_NAMES) -> str:
    """Join names for a message: the first `limit` of them, each cut, and the total where there are more."""
    return escape_controls(", ".join(_cut(name, _MAX_CHARACTERS) for name in names[:limit])) + (
        f", … ({len(names)})" if len(names) > limit else ""
    )


def plural(count: int, noun: str) -> str:
    """Return a count and its noun: "1 item", "2,000 items"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def escape_controls(text: str) -> str:
    r"""Return the text with control characters, line ends and direction marks written as escapes, as `\x1b`.

    So names and contents of files cannot control the terminal or fake a line of output.
    """
    if text.isprintable():
        return text
    return "".join(_escape(c) if unicodedata.category(c) in _HIDDEN else c for c in text)


def spreadsheet_text(text: str) -> str:
    """Return a text for a cell of CSV: one that a spreadsheet would run as a formula has an apostrophe before it."""
    text = escape_controls(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def error_reason(error: BaseException, limit: int = 2 * _MAX_CHARACTERS) -> str:
    """Return why another library failed to read a file: the first line of its message, cut to `limit` characters."""
    if isinstance(error, RecursionError):
        return "nested too deep"
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    message = getattr(error, "strerror", None) or getattr(error, "reason", None) or (error.args or [None])[0]
    if not isinstance(message, str) or not message.strip():
        return type(error).__name__
    return _cut(escape_controls(message.strip().splitlines()[0][: limit + 1]), limit)


def describe_failure(error: Exception) -> str:
    """Say why one item of many failed: the message of an `AtsalError`, or the type and reason of any other error."""
    if isinstance(error, AtsalError):
        return str(error)
    return f"cannot be used ({type(error).__name__}: {error_reason(error)})"


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
