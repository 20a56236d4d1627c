"""The maps there are of a frame."""

from typing import Literal

Stream = Literal["fused", "attention", "experts"]
STREAMS: tuple[Stream, ...] = ("fused", "attention", "experts")
