"""What libx264 must be told so that the same pictures always give the same bytes."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

_PARAMS = "x264-params"


def repeatable(options: Mapping[str, str]) -> dict[str, str]:
    """Return options of libx264 that keep it from using AVX-512.

    With AVX-512, the x264 of PyAV 18 plans bits (mbtree) by values that depend on what happens to be on the stack: each
    run gives other bytes. With AVX2 it does not.
    """
    if not _has_avx512():
        return dict(options)
    given = options.get(_PARAMS)
    return {**options, _PARAMS: f"{given}:asm=AVX2" if given else "asm=AVX2"}


@cache
def _has_avx512() -> bool:
    """Whether the processor has AVX-512, as far as the system tells."""
    try:
        return "avx512bw" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore")
    except OSError:
        return False
