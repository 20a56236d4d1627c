"""The time line and the table of a report."""

from collections.abc import Iterator, Mapping, Sequence

from atsal.viewing.region_tracks import STEP_S
from atsal.viewing.scene import RegionTrack

_WIDTH, _LEFT, _PLOT, _BAND = 1160, 120, 130, 22  # pixels
_BANDS = 8
_STREAM_COLOURS = ("#0a7cd6", "#d9731a", "#1d9e63")
_REGION_COLOURS = ("#4e9bff", "#ff9f40", "#3fc98e", "#f2668b", "#b48cff", "#e0c33b", "#38c6d9", "#c98a5e")


def draw_timeline(times_s: Sequence[float], bits: Mapping[str, Sequence[float]], tracks: Sequence[RegionTrack]) -> str:
    """Draw as SVG how concentrated the gaze is over time, by stream, and when each region is there.

    `times_s` are two or more, ascending; `bits` has a value for each of them.
    """
    start_s, end_s = times_s[0], times_s[-1]
    scale = (_WIDTH - _LEFT - 10) / max(1e-6, end_s - start_s)
    step_s = max(STEP_S, (end_s - start_s) / (len(times_s) - 1))
    xs = [_LEFT + (time_s - start_s) * scale for time_s in times_s]
    below = _PLOT + 16
    parts = [
        f'<line class="axis" x1="{_LEFT}" y1="{_PLOT}" x2="{_WIDTH}" y2="{_PLOT}"/>',
        f'<text x="{_LEFT}" y="{below}">{start_s:.1f} s</text>',
        f'<text x="{_WIDTH - 10}" y="{below}" text-anchor="end">{end_s:.1f} s</text>',
        *_draw_curves(xs, bits),
    ]
    for number, track in enumerate(tracks[:_BANDS]):
        parts += _draw_band(track, below + 14 + _BAND * number, start_s, scale, step_s)
    height = below + 14 + _BAND * len(tracks[:_BANDS])
    return (
        "<h2>Over time</h2><p>How concentrated the predicted gaze is, in bits, and its mean for each stream: 0 if gaze "
        "is spread evenly over the sphere, 3 if it fills an eighth of it. Below: when each region is there.</p>"
        '<div class="scroll" role="group" aria-label="Time line" tabindex="0">'
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="Concentration and regions over time">'
        f"{''.join(parts)}</svg></div>"
    )


def _draw_curves(xs: Sequence[float], bits: Mapping[str, Sequence[float]]) -> Iterator[str]:
    """Draw a line for each stream, and its name with the mean."""
    most = max(1.0, *(max(values) for values in bits.values()))
    for number, (stream, values) in enumerate(bits.items()):
        ys = [_PLOT - value / most * (_PLOT - 10) for value in values]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
        colour, top = _STREAM_COLOURS[number % len(_STREAM_COLOURS)], 24 + 20 * number
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield f'<circle cx="8" cy="{top - 4}" r="5" fill="{colour}"/>'
        yield f'<text x="18" y="{top}">{stream} {sum(values) / len(values):.1f}</text>'


def region_table(tracks: Sequence[RegionTrack], *, with_times: bool) -> str:
    """Return the heaviest regions as a table, with the times from which and to which each was found."""
    if not tracks:
        return "<p>None was found.</p>"
    times = "<th>From</th><th>To</th>" if with_times else ""
    share = "Share of gaze, mean" if with_times else "Share of gaze"
    head = f"<tr><th>Region</th>{times}<th>{share}</th><th>Most gaze at</th></tr>"
    rows = "".join(_row(track, with_times=with_times) for track in tracks[:_BANDS])
    return f'<div class="scroll" role="group" aria-label="Regions" tabindex="0"><table>{head}{rows}</table></div>'


def _row(track: RegionTrack, *, with_times: bool) -> str:
    best = max(range(len(track.weight)), key=lambda i: track.weight[i])
    direction = f"yaw {_degrees(track.yaw_deg[best])}, pitch {_degrees(track.pitch_deg[best])}"
    times = f"<td>{track.times_s[0]:.1f} s</td><td>{track.times_s[-1]:.1f} s</td>" if with_times else ""
    return (
        f'<tr><td><span class="chip" style="background: {_colour(track)}"></span>{track.id}</td>'
        f"{times}<td>{100 * sum(track.weight) / len(track.weight):.0f} %</td><td>{direction}</td></tr>"
    )


def _degrees(angle_deg: float) -> str:
    return f"{round(angle_deg)}°".replace("-", "−")


def _draw_band(track: RegionTrack, top: int, start_s: float, scale: float, step_s: float) -> list[str]:
    """Draw a bar for each time at which the region was found; they touch where it stays."""
    width = max(2.0, 1.5 * step_s * scale)
    bars = [
        f'<rect x="{_LEFT + (time_s - start_s) * scale:.1f}" y="{top}" width="{width:.1f}" height="12" '
        f'fill="{_colour(track)}"/>'
        for time_s in track.times_s
    ]
    return [f'<text x="18" y="{top + 11}">Region {track.id}</text>', *bars]


def _colour(track: RegionTrack) -> str:
    return _REGION_COLOURS[(track.id - 1) % len(_REGION_COLOURS)]
