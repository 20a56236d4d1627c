"""A result as one HTML file, for people who only get a file: pictures, concentration over time, regions, settings."""

import base64
import html
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from string import Template

from PIL import Image

from atsal.errors import MediaError
from atsal.prediction.options import ReadOptions
from atsal.prediction.overlay import DEFAULT_OVERLAY
from atsal.untrusted.text import plural
from atsal.video.render import Picture, resize
from atsal.viewing.frame_maps import FrameMaps
from atsal.viewing.packing import measure
from atsal.viewing.region_tracks import RegionCollector
from atsal.viewing.report_drawing import draw_timeline, region_table
from atsal.viewing.saved_result import SavedResult

MOMENTS = 6  # rows of pictures
_SIZE = (540, 270)  # of a picture; shown at half of that
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
        title=html.escape(result.source.path.name),
        facts=html.escape(f"{result.model}, {plural(len(times_s), 'map')} of {', '.join(result.streams)}"),
        notes="".join(f"<p>{html.escape(text)}</p>" for text in problems),
        sheet=_sheet(result, moments),
        timeline=draw_timeline(times_s, bits, tracks) if len(times_s) > 1 else "",
        regions=region_table(tracks),
        settings=html.escape(json.dumps({name: result.settings[name] for name in _SHOWN_SETTINGS}, indent=1)),
    )


def _choose(count: int) -> set[int]:
    """Return the numbers of the maps to draw, in the middle of equal parts."""
    rows = min(MOMENTS, count)
    return {int((row + 0.5) * count / rows) for row in range(rows)}


def _fill(**parts: str) -> str:
    return Template(Path(__file__).with_name("report.html").read_text(encoding="utf-8")).substitute(parts)


def _sheet(result: SavedResult, moments: Sequence[FrameMaps]) -> str:
    """Draw a table: a row for each moment, with the source and the map of each stream over it."""
    heads = "".join(f"<th>{name}</th>" for name in ("source", *result.streams))
    rows = [f"<tr>{heads}</tr>"]
    for frame in moments:
        image = _read_frame(result, frame)
        time = f"{frame.timestamp_s:.2f} s"
        drawn = {
            name: DEFAULT_OVERLAY.draw(image, saliency, float(saliency.max())) for name, saliency in frame.maps.items()
        }
        cells = [
            f"<td>{_picture(picture, f'{name}, {time}')}</td>" for name, picture in {"source": image, **drawn}.items()
        ]
        label = (
            f'<tr><td class="quiet" colspan="{len(cells)}">{time}</td></tr>' if result.source.kind != "image" else ""
        )
        rows.append(f"{label}<tr>{''.join(cells)}</tr>")
    return f'<table class="sheet">{"".join(rows)}</table>'


def _read_frame(result: SavedResult, frame: FrameMaps) -> Picture:
    """Read the picture of a frame again, a little before its time: times are rounded."""
    reading = ReadOptions(stereo=result.stereo)
    rate = result.source.frame_rate(reading)
    near = replace(reading, start_s=max(0.0, frame.timestamp_s - 0.25 / rate), max_frames=1)
    if result.source.kind == "image":
        near = reading
    return resize(next(result.source.frames(near, _SIZE)).image, _SIZE)


def _picture(picture: Picture, text: str) -> str:
    content = io.BytesIO()
    Image.fromarray(picture).save(content, format="JPEG", quality=_QUALITY)
    data = base64.b64encode(content.getvalue()).decode()
    return f'<img alt="{text}" src="data:image/jpeg;base64,{data}">'
