"""The maps of a source, frame by frame, for what is done with maps."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from atsal.errors import TruncatedMediaError
from atsal.prediction.frame_result import FrameResult
from atsal.prediction.options import STILL_AT, ReadOptions, Seconds
from atsal.prediction.predictor import Predictor
from atsal.prediction.prefetch import prefetch
from atsal.prediction.sources import Source
from atsal.video.reader import Frame

T = TypeVar("T")


def predict_maps(
    predictor: Predictor,
    source: Source,
    reading: ReadOptions,
    streams: Sequence[str],
    still_at_s: Seconds = None,
    watch: Callable[[Iterator[Frame]], Iterator[Frame]] = iter,
) -> Iterator[FrameResult]:
    """Predict the maps of these streams; reading and the network run ahead in threads. Raise what these raise.

    `watch` passes on the frames that are read, and may look at them.
    `TruncatedMediaError`, for a video that is damaged in the middle, comes after the good frames.
    """
    predictor.check_time_matters(still_at_s, STILL_AT)
    source.check_still_time(still_at_s)
    frames = watch(source.frames(reading, predictor.frame_size if source.kind != "image" else None))
    return prefetch(predictor.predict_frames(frames, streams=streams, seconds=source.shown_at(still_at_s)), 1)


def describe_maps(predictor: Predictor) -> dict[str, Any]:
    """Return what made the maps, as files of regions and tiles record it."""
    return {
        "model": predictor.bundle.folder.name,
        "sha256": predictor.bundle.checksum,
        "direction": predictor.network.direction,
        "front_deg": predictor.network.front_deg,
    }


def until_damage(items: Iterable[T], problems: list[str], progress: Callable[[int], None]) -> Iterator[T]:
    """Yield the items before the damage of a file, and add what is wrong to `problems`; `progress` gets the count."""
    try:
        for done, item in enumerate(items, start=1):
            yield item
            progress(done)
    except TruncatedMediaError as error:
        problems.append(str(error))
