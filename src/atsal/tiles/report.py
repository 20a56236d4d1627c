"""The tiles of a video: of the maps that a model predicts, or of maps that `atsal predict --format npy` wrote."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from atsal.gaze.records import GazeSamples
from atsal.models.front_prior_file import FRONT_PRIOR, read_front_priors
from atsal.prediction.options import ReadOptions
from atsal.prediction.predictor import Predictor
from atsal.prediction.prefetch import map_closing
from atsal.prediction.saved_maps import SavedMaps
from atsal.prediction.source_maps import describe_maps, predict_maps, until_damage
from atsal.prediction.sources import Source
from atsal.tiles.files import TileReport
from atsal.tiles.hits import equator_parts, hit_rates
from atsal.tiles.rates import check_budget, split_rate
from atsal.tiles.segments import Segmenter, TimedMap
from atsal.video.probe import probe_video

_BUDGETS = (0.25, 0.5)  # parts of the tiles, of which hit rates are measured


@dataclass(frozen=True)
class Budget:
    """A bitrate for all tiles together, and the lowest for each."""

    total_kbps: int
    least_kbps: int


def report_tiles(
    source: Source,
    segmenter: Segmenter,
    origin: Predictor | SavedMaps,
    reading: ReadOptions,
    *,
    stream: str = "fused",
    budget: Budget | None = None,
    viewers: Sequence[GazeSamples] = (),
    progress: Callable[[int], None] = lambda _done: None,
) -> tuple[TileReport, str | None]:
    """Return the tiles of a video, and what is wrong with one that is damaged in the middle: the tiles end there.

    `viewers` are recorded directions: the hit rates are measured on them.
    """
    if budget is not None:
        check_budget(segmenter.grid, budget.total_kbps, budget.least_kbps)
    problems: list[str] = []
    maps = until_damage(_maps(source, origin, reading, stream), problems, progress)
    end_s, frame_s = _end_s(source, reading), 1 / source.frame_rate(reading)

    def end_of(last_s: float) -> float:
        ends_early = bool(problems) or reading.max_frames is not None
        return last_s + frame_s if ends_early else max(end_s, last_s)

    segments = list(segmenter.segments(maps, end_of))
    rates = None
    if budget is not None:
        rates = [split_rate(segmenter.grid, s.viewport, budget.total_kbps, budget.least_kbps) for s in segments]
    counts = sorted({max(1, round(part * len(segmenter.grid))) for part in _BUDGETS})
    equator = equator_parts(segmenter, read_front_priors(FRONT_PRIOR).head)
    hits = hit_rates(segmenter, segments, viewers, counts, equator)
    settings = _describe(origin) | {"stream": stream}
    report = TileReport(source.path.name, settings, segmenter, segments, rates, hits)
    return report, problems[0] if problems else None


def _maps(source: Source, origin: Predictor | SavedMaps, reading: ReadOptions, stream: str) -> Iterator[TimedMap]:
    if isinstance(origin, SavedMaps):
        origin.check_video(source.path, reading.stereo)
        end_s = _end_s(source, reading)
        return (timed for timed in origin if reading.start_s - 1e-6 <= timed[1] < end_s)
    results = predict_maps(origin, source, reading, (stream,))
    return map_closing(lambda result: (result.frame_index, result.timestamp_s, result.map(stream)), results)


def _end_s(source: Source, reading: ReadOptions) -> float:
    """Return when the part that is read ends; 0 where the video does not state its length."""
    length_s = probe_video(source.path, reading.stereo).duration_s or 0.0
    return length_s if reading.duration_s is None else min(length_s, reading.start_s + reading.duration_s)


def _describe(origin: Predictor | SavedMaps) -> dict[str, Any]:
    if isinstance(origin, SavedMaps):
        return {"maps": origin.manifest.name, "front_deg": origin.front_deg}
    return describe_maps(origin)
