"""The shapes of films. Importing this needs no torch."""

from typing import Literal

Aspect = Literal["16:9", "9:16", "1:1"]
ASPECTS: dict[Aspect, float] = {"16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0}  # width divided by height
