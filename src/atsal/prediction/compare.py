"""One source and what each stream makes of it, side by side: a video or picture of four panels, and a contact sheet."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from atsal.errors import ConfigError, MediaError, TruncatedMediaError
from atsal.prediction.items import Item, Reading
from atsal.prediction.predictor import FrameResult, Predictor, Seconds
from atsal.prediction.prefetch import ahead, mapped
from atsal.prediction.results import STILL_AT, even
from atsal.prediction.streams import STREAMS, Stream
from atsal.video.image_writer import write_rgb_png
from atsal.video.pixels import scale_image
from atsal.video.render import PeakTracker, Picture, add_label, comparison, overlay, tile
from atsal.video.writer import VideoWriter

PANEL_HEIGHT = 320
SHEET_ROWS = 4
ORDER: tuple[Stream, ...] = ("attention", "experts", "fused")


@dataclass(frozen=True)
class Comparison:
    """What was compared: a few of the results, evenly spread over the clip, for a contact sheet."""

    results: list[FrameResult]
    problem: str | None = None  # the source broke half way; its good part is written


def compare(
    predictor: Predictor,
    item: Item,
    output: Path,
    reading: Reading,
    *,
    still_at_s: Seconds = None,
    panel_height: int = PANEL_HEIGHT,
    progress: Callable[[int], None] = lambda _done: None,
) -> Comparison:
    """Write source, attention, experts and fused as four panels: a PNG for an image, an MP4 with sound for a video.

    `still_at_s` is that of `job.Options`; `ConfigError` where it changes nothing.
    """
    predictor.refuse_useless(still_at_s, STILL_AT)
    if item.kind == "video" and still_at_s is not None:
        raise ConfigError(f"{STILL_AT} {still_at_s:g}: {item.path} is a video, whose frames have times; leave it out")
    panel = (2 * even(panel_height), even(panel_height))
    frames = item.frames(reading, None if item.kind == "image" else panel)
    results = predictor.run(ahead(frames, predictor.runtime.frames), seconds=item.shown_at(still_at_s))
    with closing(ahead(_drawn(mapped(lambda pair: pair[0], ahead(results, 1)), panel), 1)) as drawn:
        begun = next(drawn, None)
        if begun is None:
            raise MediaError(f"{item.path}: no frame in the part that was asked for")
        first, first_picture = begun
        if item.kind == "image":
            write_rgb_png(output, first_picture)
            return Comparison([first])
        writer = VideoWriter(
            output,
            (2 * panel[0], 2 * panel[1]),
            item.written_rate(reading),
            audio_from=item.path if item.kind == "video" else None,
            audio_start_s=first.timestamp_s,
            audio_duration_s=reading.duration_s,
            spherical=False,
        )
        with writer:
            return _write_all(writer, chain([begun], drawn), progress)


def _drawn(results: Iterable[FrameResult], panel: tuple[int, int]) -> Iterator[tuple[FrameResult, Picture]]:
    """Each result with its four panels; the colours follow the peaks over time."""
    peaks = {stream: PeakTracker() for stream in STREAMS}

    def picture(result: FrameResult) -> Picture:
        maps: dict[str, tuple[np.ndarray, float]] = {}
        for stream in ORDER:
            maps[stream] = (result.map(stream), peaks[stream].update(result.map(stream)))
        return comparison(result.image, maps, panel)

    return mapped(lambda result: (result, picture(result)), results)


def _write_all(
    writer: VideoWriter,
    drawn: Iterator[tuple[FrameResult, Picture]],
    progress: Callable[[int], None],
) -> Comparison:
    kept = Spread(SHEET_ROWS)
    try:
        for done, (result, picture) in enumerate(drawn, start=1):
            writer.write(picture, result.timestamp_s)
            kept.add(result)
            progress(done)
    except TruncatedMediaError as error:
        return Comparison(kept.chosen(), str(error))
    return Comparison(kept.chosen())


class Spread:
    """Keep about `count` of a stream of results, evenly spread, without knowing its length."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._step = 1
        self._seen = 0
        self._kept: list[FrameResult] = []

    def add(self, result: FrameResult) -> None:
        """Take in the next one."""
        if self._seen % self._step == 0:
            self._kept.append(result)
            if len(self._kept) >= 4 * self._count:
                self._kept = self._kept[::2]
                self._step *= 2
        self._seen += 1

    def chosen(self) -> list[FrameResult]:
        """At most `count` of them, the middle of each part."""
        if len(self._kept) <= self._count:
            return self._kept
        places = (np.arange(self._count) + 0.5) * len(self._kept) / self._count
        return [self._kept[int(place)] for place in places]


def contact_sheet(results: list[FrameResult], panel_height: int = 200) -> Picture:
    """Show each result in a row: source, attention, experts and fused, each map up to its own peak."""
    size = (2 * panel_height, panel_height)
    panels = []
    for row, result in enumerate(results):
        source = scale_image(result.image, size)
        time = f"{result.timestamp_s:.1f} s"
        panels.append(add_label(source, f"source  {time}" if row == 0 else time))
        for stream in ORDER:
            saliency = result.map(stream)
            drawn = overlay(source, saliency, float(saliency.max()))
            panels.append(add_label(drawn, stream) if row == 0 else drawn)
    return tile(panels, 4)
