"""One source, and what each stream makes of it, side by side: a video or picture of four panels, and a contact sheet."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from atsal.errors import MediaError
from atsal.prediction.items import Item, Reading
from atsal.prediction.predictor import STREAMS, FrameResult, Predictor
from atsal.prediction.render import PeakTracker, Picture, comparison, label, overlay, resize, tile
from atsal.prediction.results import even
from atsal.video.writer import VideoWriter, write_rgb_png

PANEL_HEIGHT = 320
SHEET_ROWS = 4


def compare(
    predictor: Predictor,
    item: Item,
    output: Path,
    reading: Reading,
    *,
    panel_height: int = PANEL_HEIGHT,
    progress: Callable[[int], None] = lambda _done: None,
) -> list[FrameResult]:
    """Write source, attention, experts and fused as four panels: a PNG for an image, an MP4 with sound for a video.

    Returns a few of the results, evenly spread over the clip, for a contact sheet.
    """
    panel = (2 * even(panel_height), even(panel_height))
    frames = item.frames(reading, None if item.kind == "image" else panel)
    kept = Spread(SHEET_ROWS)
    peaks = {stream: PeakTracker() for stream in STREAMS}

    def picture(result: FrameResult) -> Picture:
        order = ("attention", "experts", "fused")
        maps = {s: (result.map(s), peaks[s].update(result.map(s))) for s in order}  # type: ignore[arg-type, index]
        return comparison(result.image, maps, panel)

    results = (result for result, _ in predictor.run(frames))
    if item.kind == "image":
        result = next(results)
        write_rgb_png(output, picture(result))
        return [result]
    first = next(results, None)
    if first is None:
        raise MediaError(f"{item.path}: no frame in the part that was asked for")
    sound = item.path if item.kind == "video" else None
    size = (2 * panel[0], 2 * panel[1])
    writer = VideoWriter(
        output,
        size,
        item.frame_rate(reading),
        audio_from=sound,
        audio_start_s=first.timestamp_s,
        audio_duration_s=reading.duration_s,
        spherical=False,
    )
    with writer:
        for done, result in enumerate((r for part in ([first], results) for r in part), start=1):
            writer.write(picture(result), result.timestamp_s)
            kept.add(result)
            progress(done)
    return kept.chosen()


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
    """A row for each result: source, attention, experts and fused, each map shown up to its own peak."""
    size = (2 * panel_height, panel_height)
    panels = []
    for row, result in enumerate(results):
        source = resize(result.image, size)
        time = f"{result.timestamp_s:.1f} s"
        panels.append(label(source, f"source  {time}" if row == 0 else time))
        for stream in ("attention", "experts", "fused"):
            saliency = result.map(stream)  # type: ignore[arg-type]
            drawn = overlay(source, saliency, float(saliency.max()))
            panels.append(label(drawn, stream) if row == 0 else drawn)
    return tile(panels, 4)
