"""The streams: the maps that a model gives of each frame. Importing this needs no torch."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from atsal.config import suggest_name
from atsal.errors import ConfigError
from atsal.models import DIRECTIONS, Direction

if TYPE_CHECKING:
    from torch import Tensor

    from atsal.models.two_stream import ATSal


@dataclass(frozen=True)
class Stream:
    """One kind of map."""

    name: str
    shows: str  # for --help
    parts: tuple[str, ...]  # of the network, "attention" and "experts"; the maps of several are fused
    direction: Direction | None = None  # None: that of the model

    @property
    def kind(self) -> str:
        """The name that it has in either direction."""
        return self.name if self.direction is None else self.name.removesuffix(f"-{self.direction}")


FUSED = Stream("fused", "both streams, fused", ("attention", "experts"))
ATTENTION = Stream("attention", "the attention stream alone", ("attention",))
EXPERTS = Stream("experts", "the expert stream alone", ("experts",))

STREAMS = {stream.name: stream for stream in (FUSED, ATTENTION, EXPERTS)}
_DIRECTED = {
    f"{stream.name}-{direction}": replace(stream, name=f"{stream.name}-{direction}", direction=direction)
    for direction in DIRECTIONS
    for stream in STREAMS.values()
}
PARTS = tuple(dict.fromkeys(part for stream in STREAMS.values() for part in stream.parts))
ALL = "all"  # stands for every stream where streams are chosen by name


def other_direction(direction: Direction) -> tuple[str, ...]:
    """Return the names of the streams in the direction that is not the given one.

    A model that has directions gives them from the same run of the layers.
    """
    return tuple(name for name, stream in _DIRECTED.items() if stream.direction != direction)


def find_stream(name: str) -> Stream:
    """Return the stream of a name of `STREAMS` or `other_direction`. Raise `ConfigError` for any other name."""
    found = STREAMS.get(name) or _DIRECTED.get(name)
    if found is None:
        raise ConfigError(f"stream {name!r}{suggest_name(str(name), STREAMS)}")
    return found


def choose_streams(names: Iterable[str]) -> tuple[str, ...]:
    """Return the named streams in the order of `STREAMS`, each once; "all" names every stream.

    Raise `ConfigError` for an unknown name, and where no stream is named.
    """
    named = list(names)
    if not named:
        raise ConfigError(f"no stream: expected at least one of {', '.join(STREAMS)}")
    for name in named:
        if name not in (*STREAMS, ALL):
            raise ConfigError(f"stream {name!r}{suggest_name(str(name), STREAMS)}")
    return tuple(name for name in STREAMS if name in named or ALL in named)


def check_streams(names: Collection[str]) -> None:
    """Raise `ConfigError` for a name that `find_stream` does not know."""
    for name in names:
        find_stream(name)


def needed_parts(streams: Iterable[str]) -> tuple[str, ...]:
    """Return the parts of the network that these streams are made of."""
    needed = {part for name in streams for part in find_stream(name).parts}
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
    wanted = [find_stream(name) for name in streams]
    densities = {direction: network.density(direction) for direction in {stream.direction for stream in wanted}}
    priors = {direction: density.prior(seconds) if density else None for direction, density in densities.items()}
    maps = {}
    for stream in wanted:
        parts = [raw[part] for part in stream.parts]
        combine = network.fuse if len(parts) > 1 else network.one_stream
        content: Tensor = combine(*parts, direction=stream.direction)
        prior = priors[stream.direction]
        maps[stream.name] = content if prior is None else content * prior
    return maps
