"""The sphere of a report: some moments to look around in, with a script that is part of the file.

The script is built from `viewer/src/report`. The policy of the report allows this script alone, by its hash.
"""

import base64
import dataclasses
import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from string import Template

from PIL import Image

from atsal.prediction.overlay import DEFAULT_OVERLAY
from atsal.video.render import Picture, map_levels
from atsal.viewing.frame_maps import FrameMaps
from atsal.viewing.scene import Colormap, ReportSphere, SphereMoment

MOST_WIDTH = 1536  # of a picture: 4 pixels a degree
_HERE = Path(__file__).parent
_QUALITY = 75


def draw_sphere(streams: tuple[str, ...], moments: Sequence[tuple[str, Picture, FrameMaps]]) -> str:
    """Return the sphere as HTML. A moment has its label, its picture (H, 2H, 3), and its maps of all streams."""
    shown = tuple(
        SphereMoment(label, jpeg_address(picture, _QUALITY), tuple(_map_address(frame, name) for name in streams))
        for label, picture, frame in moments
    )
    sphere = ReportSphere(streams, shown, Colormap.named(DEFAULT_OVERLAY.colormap), DEFAULT_OVERLAY.opacity)
    data = json.dumps(dataclasses.asdict(sphere), separators=(",", ":")).replace("<", "\\u003c")
    page = Template((_HERE / "report_sphere.html").read_text(encoding="utf-8"))
    return page.substitute(data=data, script=_script())


def script_policy() -> str:
    """Return what the policy of a page with the sphere allows to run: its script, and no other."""
    digest = base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode()
    return f"'sha256-{digest}'"


def jpeg_address(picture: Picture, quality: int) -> str:
    """Return a picture as a `data:` address."""
    content = io.BytesIO()
    Image.fromarray(picture).save(content, format="JPEG", quality=quality)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"


def _map_address(frame: FrameMaps, stream: str) -> str:
    saliency = frame.maps[stream]
    content = io.BytesIO()
    Image.fromarray(map_levels(saliency, float(saliency.max()))).save(content, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def _script() -> str:
    return (_HERE / "report_sphere.js").read_text(encoding="utf-8")
