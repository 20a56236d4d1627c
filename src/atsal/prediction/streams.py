"""The maps there are of a frame, and how they are finished."""

from collections.abc import Mapping, Sequence
from typing import Literal

from torch import Tensor

from atsal.models.two_stream import ATSal

Stream = Literal["fused", "attention", "experts"]
STREAMS: tuple[Stream, ...] = ("fused", "attention", "experts")


def finished(
    network: ATSal, raw: Mapping[Stream, Tensor], streams: Sequence[Stream], seconds: Tensor
) -> dict[Stream, Tensor]:
    """Make the maps asked for of the layers' own.

    Args:
        network: whose direction and prior count.
        raw: the maps (T, 1, h, 2h) of "attention", "experts" or both.
        streams: what is asked for; "fused" needs both.
        seconds: (T,) since the start of the video, `front_prior.PHOTO` for a still.

    Returns:
        Maps (T, 1, h, 2h) >= 0.

    """
    maps = {
        stream: network.fuse(raw["attention"], raw["experts"]) if stream == "fused" else network.one_stream(raw[stream])
        for stream in streams
    }
    if network.prior is None:
        return maps
    prior = network.prior(seconds)
    return {stream: content * prior for stream, content in maps.items()}
