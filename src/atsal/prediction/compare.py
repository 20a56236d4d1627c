"""A source and its maps side by side: a video or picture of four panels, and a contact sheet."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from atsal.errors import MediaError, TruncatedMediaError
from atsal.prediction.formats import next_even
from atsal.prediction.frame_result import FrameResult
from atsal.prediction.options import STILL_AT, ReadOptions, Seconds
from atsal.prediction.overlay import DEFAULT_OVERLAY, Overlay
from atsal.prediction.predictor import Predictor
from atsal.prediction.prefetch import map_closing, prefetch
from atsal.prediction.sources import Source
from atsal.prediction.streams import ATTENTION, EXPERTS, FUSED
from atsal.video.image_writer import write_rgb_png
from atsal.video.render import PeakTracker, Picture, add_label, resize, tile
from atsal.video.writer import VideoWriter

PANEL_HEIGHT = 320
SHEET_ROWS = 4
GAP = 8  # pixels between panels; even, as the sides of a video have to be
PANELS = (ATTENTION.name, EXPERTS.name, FUSED.name)  # after the source


@dataclass(frozen=True)
class Comparison:
    """A few of the results that were compared, evenly spread over the clip, for a contact sheet."""

    results: list[FrameResult]
    problem: str | None = None  # what is wrong with a source that breaks half way; the frames before it are written


def compare(
    predictor: Predictor,
    source: Source,
    output: Path,
    reading: ReadOptions,
    *,
    still_at_s: Seconds = None,
    overlay: Overlay = DEFAULT_OVERLAY,
    panel_height: int = PANEL_HEIGHT,
    progress: Callable[[int], None] = lambda _done: None,
) -> Comparison:
    """Write source, attention, experts and fused as four panels: a PNG of a still, an MP4 with sound of a video.

    `still_at_s` is the option of `Options`. Raise `ConfigError` where it changes nothing.
    """
    predictor.check_time_matters(still_at_s, STILL_AT)
    source.check_still_time(still_at_s)
    panel = (2 * next_even(panel_height), next_even(panel_height))
    is_still = source.is_still(reading)
    frames = source.frames(reading, None if is_still else panel)
    results = prefetch(predictor.predict_frames(frames, seconds=source.shown_at(still_at_s)), 1)
    with closing(prefetch(_draw(results, panel, overlay), 1)) as drawn:
        first = next(drawn, None)
        if first is None:
            raise MediaError(f"{source.path}: no frame in the part that was asked for")
        result, picture = first
        if is_still:
            write_rgb_png(output, picture)
            return Comparison([result])
        writer = VideoWriter(
            output,
            (picture.shape[1], picture.shape[0]),
            source.output_rate(reading),
            audio_from=source.path if source.kind == "video" else None,
            audio_start_s=result.timestamp_s,
            audio_duration_s=reading.duration_s,
            spherical=False,
        )
        with writer:
            return _write_all(writer, chain([first], drawn), progress)


def _draw(
    results: Iterable[FrameResult], size: tuple[int, int], overlay: Overlay
) -> Iterator[tuple[FrameResult, Picture]]:
    """Yield each result with its four panels. The colours follow the peaks over time."""
    trackers = {stream: PeakTracker() for stream in PANELS}

    def draw(result: FrameResult) -> tuple[FrameResult, Picture]:
        peaks = {stream: trackers[stream].update(result.map(stream)) for stream in PANELS}
        panels = _draw_panels(result, peaks, size, overlay)
        labelled = [add_label(panel, name) for panel, name in zip(panels, ("source", *PANELS), strict=True)]
        return result, tile(labelled, 2, GAP)

    return map_closing(draw, results)


def _draw_panels(
    result: FrameResult, peaks: Mapping[str, float], size: tuple[int, int], overlay: Overlay
) -> list[Picture]:
    """Draw the source and each map over it, at (width, height)."""
    source = resize(result.image, size)
    return [source, *(overlay.draw(source, result.map(stream), peaks[stream]) for stream in PANELS)]


def _write_all(
    writer: VideoWriter, drawn: Iterator[tuple[FrameResult, Picture]], progress: Callable[[int], None]
) -> Comparison:
    spread = EvenSpread(SHEET_ROWS)
    problem = None
    try:
        for done, (result, picture) in enumerate(drawn, start=1):
            writer.write(picture, result.timestamp_s)
            spread.add(result)
            progress(done)
    except TruncatedMediaError as error:
        problem = str(error)
    return Comparison(spread.chosen(), problem)


class EvenSpread:
    """Choose `count` results that are spread evenly over a clip of unknown length."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._stride = 1
        self._seen = 0
        self._candidates: list[FrameResult] = []

    def add(self, result: FrameResult) -> None:
        """Take the next result."""
        if self._seen % self._stride == 0:
            self._candidates.append(result)
            if len(self._candidates) >= 4 * self._count:
                self._candidates = self._candidates[::2]
                self._stride *= 2
        self._seen += 1

    def chosen(self) -> list[FrameResult]:
        """Return at most `count` results, each from the middle of an equal part of the clip."""
        if len(self._candidates) <= self._count:
            return self._candidates
        places = (np.arange(self._count) + 0.5) * len(self._candidates) / self._count
        return [self._candidates[int(place)] for place in places]


def contact_sheet(results: list[FrameResult], panel_height: int = 200, overlay: Overlay = DEFAULT_OVERLAY) -> Picture:
    """Draw a row for each result: source, attention, experts and fused, each map up to its own peak."""
    size = (2 * panel_height, panel_height)
    panels = []
    for row, result in enumerate(results):
        peaks = {stream: float(result.map(stream).max()) for stream in PANELS}
        source, *maps = _draw_panels(result, peaks, size, overlay)
        time = f"{result.timestamp_s:.1f} s"
        panels.append(add_label(source, f"source  {time}" if row == 0 else time))
        panels += [add_label(m, name) for m, name in zip(maps, PANELS, strict=True)] if row == 0 else maps
    return tile(panels, 4, GAP)
