"""Numbers in text: digits 0 to 9, a point, a sign, an exponent, as `-12.5`, `.5`, `1.2e3`.

Python accepts more (`1_000`, digits of other scripts), which no log means. `nan`, `inf` and the like, and an empty
text, are missing values.
"""

import math
import re
from collections.abc import Sequence

import numpy as np

from atsal.gaze.directions import Floats

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NOT_IN_NUMBERS = re.compile(r"[^0-9+.eE \t-]")
_WITH_COMMAS = re.compile(r"[+-]?[0-9]+(?:[ .,'][0-9]+)+")
_MISSING = frozenset({"", "nan", "-nan", "+nan", "-nan(ind)", "na", "none", "null"}) | {
    sign + word for sign in ("", "+", "-") for word in ("inf", "infinity")
}


def parse_number(text: str) -> float | None:
    """Return the number, NaN for a missing value, and None for any other text (also `1e999`)."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        value = float(text)
        return value if math.isfinite(value) else None
    return math.nan if text.lower() in _MISSING else None


def parse_numbers(texts: Sequence[str]) -> Floats | None:
    """Return a column at once, (N,); None if one text is missing or not a number."""
    if _NOT_IN_NUMBERS.search("".join(texts)):
        return None
    try:
        values = np.array(texts, np.float64)
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None


def comma_hint(text: str) -> str:
    """Return the end of an error message for a text with commas in its number, otherwise an empty text."""
    if _WITH_COMMAS.fullmatch(text.strip()):
        return ": a decimal comma, or a separator of thousands? Write numbers as 1234.5"
    return ""
