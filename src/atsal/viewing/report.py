"""A result as one HTML file, for people who only get a file: pictures, concentration over time, regions, settings."""

import html
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from string import Template

from atsal.errors import MediaError
from atsal.prediction.options import ReadOptions
from atsal.prediction.overlay import DEFAULT_OVERLAY
from atsal.untrusted.text import escape_controls, plural
from atsal.video.render import Picture, resize
from atsal.viewing.frame_maps import FrameMaps
from atsal.viewing.packing import measure
from atsal.viewing.region_tracks import RegionCollector
from atsal.viewing.report_drawing import draw_timeline, region_table
from atsal.viewing.report_sphere import MOST_WIDTH, draw_sphere, jpeg_address, script_policy
from atsal.viewing.saved_result import SavedResult

MOMENTS = 6  # rows of pictures
_SIZE = (540, 270)  # of a picture in a row; shown at half of that
_QUALITY = 82
_SHOWN_SETTINGS = ("source", "model", "options")


def make_report(result: SavedResult, progress: Callable[[int], None] = lambda _done: None) -> str:
    """Return the report as HTML that needs no other file. Raises what reading the maps and the source raises."""
    bits: dict[str, list[float]] = {stream: [] for stream in result.streams}
    times_s, moments, regions = [], [], RegionCollector()
    chosen = _choose(result.frame_count)
    for number, frame in enumerate(result.frames()):
        times_s.append(frame.timestamp_s)
        regions.add(frame, result.streams[0])
        for stream, saliency in frame.maps.items():
            bits[stream].append(measure(saliency)[1])
        if number in chosen:
            moments.append(frame)
        progress(number + 1)
    if not moments:
        raise MediaError(f"{result.manifest}: has no maps; predict the source again")
    tracks, problems = regions.finish(), [text for text in (result.problem, regions.problem) if text]
    return _fill(
        title=_escape(result.source.path.name),
        facts=_escape(f"{result.model}, {plural(len(times_s), 'map')} of {', '.join(result.streams)}"),
        notes="".join(f"<p>{_escape(text)}</p>" for text in problems),
        **_pictures(result, moments),
        timeline=draw_timeline(times_s, bits, tracks) if len(times_s) > 1 else "",
        regions=region_table(tracks, with_times=len(times_s) > 1),
        settings=html.escape(json.dumps({name: result.settings[name] for name in _SHOWN_SETTINGS}, indent=1)),
    )


def _escape(text: str) -> str:
    """Return a text from others for HTML: names of files may hold any bytes."""
    return html.escape(escape_controls(text))


def _choose(count: int) -> set[int]:
    """Return the numbers of the maps to draw, in the middle of equal parts."""
    rows = min(MOMENTS, count)
    return {int((row + 0.5) * count / rows) for row in range(rows)}


def _fill(**parts: str) -> str:
    return Template(Path(__file__).with_name("report.html").read_text(encoding="utf-8")).substitute(parts)


def _pictures(result: SavedResult, frames: Sequence[FrameMaps]) -> dict[str, str]:
    """Return the parts of the report that show moments."""
    size = _sphere_size(result)
    images = [_read_frame(result, frame, size) for frame in frames]
    labels = ["photo" if result.source.kind == "image" else f"{frame.timestamp_s:.2f} s" for frame in frames]
    moments = list(zip(labels, images, frames, strict=True))
    return {
        "rows": "Each row is a moment." if len(moments) > 1 else "",
        "sheet": _sheet(moments),
        "sphere": draw_sphere(result.streams, moments),
        "script_policy": script_policy(),
    }


def _sheet(moments: Sequence[tuple[str, Picture, FrameMaps]]) -> str:
    """Draw a row for each moment, with the source and the map of each stream over it."""
    rows = []
    for label, picture, frame in moments:
        image = resize(picture, _SIZE)
        drawn = {
            name: DEFAULT_OVERLAY.draw(image, saliency, float(saliency.max())) for name, saliency in frame.maps.items()
        }
        figures = "".join(_figure(name, label, shown) for name, shown in {"source": image, **drawn}.items())
        head = f"<h3>{label}</h3>" if len(moments) > 1 else ""
        rows.append(f'<div class="moment">{head}<div class="row">{figures}</div></div>')
    return "".join(rows)


def _figure(name: str, label: str, picture: Picture) -> str:
    address = jpeg_address(picture, _QUALITY)
    return f'<figure><img alt="{name}, {label}" src="{address}"><figcaption>{name}</figcaption></figure>'


def _sphere_size(result: SavedResult) -> tuple[int, int]:
    """Return the (width, height) of pictures for the sphere: no larger than the source."""
    width = min(MOST_WIDTH, result.source.view_size(ReadOptions(stereo=result.stereo))[0])
    return width, width // 2


def _read_frame(result: SavedResult, frame: FrameMaps, size: tuple[int, int]) -> Picture:
    """Read the picture of a frame again, a little before its time: times are rounded."""
    reading = ReadOptions(stereo=result.stereo)
    rate = result.source.frame_rate(reading)
    near = replace(reading, start_s=max(0.0, frame.timestamp_s - 0.25 / rate), max_frames=1)
    if result.source.kind == "image":
        near = reading
    return resize(next(result.source.frames(near, size)).image, size)
