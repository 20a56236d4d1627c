"""The streams: the maps that a model gives of each frame. Importing this needs no torch."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from atsal.config import suggest_name
from atsal.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from atsal.models.two_stream import ATSal


@dataclass(frozen=True)
class Stream:
    """One kind of map."""

    name: str
    shows: str  # for --help
    parts: tuple[str, ...]  # of the network, "attention" and "experts"; the maps of several are fused


FUSED = Stream("fused", "both streams, fused", ("attention", "experts"))
ATTENTION = Stream("attention", "the attention stream alone", ("attention",))
EXPERTS = Stream("experts", "the expert stream alone", ("experts",))

STREAMS = {stream.name: stream for stream in (FUSED, ATTENTION, EXPERTS)}
PARTS = tuple(dict.fromkeys(part for stream in STREAMS.values() for part in stream.parts))
ALL = "all"  # stands for every stream where streams are chosen by name


def choose_streams(names: Iterable[str]) -> tuple[str, ...]:
    """Return the named streams in the order of `STREAMS`, each once; "all" names every stream.

    Raise `ConfigError` for an unknown name, and where no stream is named.
    """
    named = list(names)
    if not named:
        raise ConfigError(f"no stream: expected at least one of {', '.join(STREAMS)}")
    check_streams([name for name in named if name != ALL])
    return tuple(name for name in STREAMS if name in named or ALL in named)


def check_streams(names: Collection[str]) -> None:
    """Raise `ConfigError` for a name that is not in `STREAMS`."""
    for name in names:
        if name not in STREAMS:
            raise ConfigError(f"stream {name!r}{suggest_name(str(name), STREAMS)}")


def needed_parts(streams: Iterable[str]) -> tuple[str, ...]:
    """Return the parts of the network that these streams are made of."""
    needed = {part for name in streams for part in STREAMS[name].parts}
    return tuple(part for part in PARTS if part in needed)


def file_stem(stem: str, stream: str, count: int) -> str:
    """Return the stem of a stream's files, where `count` streams are written.

    The fused map and a single stream keep the stem of the source. Other streams add their name: `x.attention`.
    """
    return stem if count == 1 or stream == FUSED.name else f"{stem}.{stream}"


def finish_maps(
    network: "ATSal", raw: "Mapping[str, Tensor]", streams: Iterable[str], seconds: "Tensor"
) -> "dict[str, Tensor]":
    """Fuse and finish the maps that the layers give.

    Args:
        network: gives the fusion, the direction and the prior.
        raw: the maps (T, 1, h, 2h) of the parts that the streams need, by part.
        streams: the names of the maps to return.
        seconds: (T,) the time of each frame since the start of the video; `front_prior.PHOTO` for a photo.

    Returns:
        Maps (T, 1, h, 2h) >= 0 by stream.

    """
    prior = None if network.prior is None else network.prior(seconds)
    maps = {}
    for name in streams:
        parts = [raw[part] for part in STREAMS[name].parts]
        content = network.fuse(*parts) if len(parts) > 1 else network.one_stream(*parts)
        maps[name] = content if prior is None else content * prior
    return maps
