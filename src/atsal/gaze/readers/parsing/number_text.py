"""What counts as a number in a text.

Digits 0 to 9, a point, a sign, an exponent: `-12.5`, `.5`, `1.2e3`. Python takes more (`1_000`, digits of other
scripts), which no log means. `nan`, `inf` and the like, and nothing at all, stand for a missing value.
"""

import math
import re
from collections.abc import Sequence

import numpy as np

from atsal.gaze.directions import Floats

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_ODD = re.compile(r"[^0-9+.eE \t-]")
_WITH_COMMAS = re.compile(r"[+-]?[0-9]+(?:[ .,'][0-9]+)+")
_MISSING = frozenset({"", "nan", "-nan", "+nan", "-nan(ind)", "na", "none", "null"}) | {
    sign + word for sign in ("", "+", "-") for word in ("inf", "infinity")
}


def number_in(text: str) -> float | None:
    """The number that a text is, NaN where it says that there is none, None where it is no number (as `1e999`)."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        value = float(text)
        return value if math.isfinite(value) else None
    return math.nan if text.lower() in _MISSING else None


def all_numbers(texts: Sequence[str]) -> Floats | None:
    """A column at once, (N,); None where one is missing or no number."""
    if _ODD.search("".join(texts)):
        return None
    try:
        values = np.array(texts, np.float64)
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None


def hint(text: str) -> str:
    """What a text that is no number may be meant as, for the end of a message."""
    if _WITH_COMMAS.fullmatch(text.strip()):
        return ": a decimal comma, or a separator of thousands? Numbers are written as 1234.5"
    return ""
