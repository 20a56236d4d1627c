"""What a video file says of its own picture: its projection, the layout of its views, its pose, how it is turned.

FFmpeg tells what MP4, MOV and Matroska state, as data beside the first frame. What it leaves out is read here: boxes of
projections that it does not know, and the cropped area of the XML of Spherical Video V1.
"""

import re
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from atsal.errors import MediaError
from atsal.untrusted.text import short_repr
from atsal.video.display_rotation import UNTURNED, Turn, display_turn
from atsal.video.spherical_tags import spherical_statement, spherical_xml
from atsal.video.stereo import StereoLayout

_SPHERICAL = struct.Struct("=I3i4I")  # FFmpeg's AVSphericalMapping: projection, yaw, pitch, roll, bounds
_STEREO = struct.Struct("=Ii")  # FFmpeg's AVStereo3D: type, flags
_EQUIRECTANGULAR, _TILE = 0, 2
_SECOND_IS_LEFT = 1  # a flag
_ANGLE = 1 << 16  # fixed point
_BOUND = 1 << 32
_SMALLEST_CROP = 0.001  # of the panorama; less is rounding
_LAYOUTS: dict[int, StereoLayout] = {0: "mono", 1: "left-right", 2: "top-bottom"}
_RIGHT_LEFT = 4  # of the modes of the box `st3d`
_PACKINGS = {
    3: "left and right frames in turn",
    4: "a checkerboard of both views",
    5: "views side by side in a quincunx pattern",
    6: "lines of the left and right view in turn",
    7: "columns of the left and right view in turn",
}
_XML_LAYOUTS: dict[str, StereoLayout] = {"mono": "mono", "left-right": "left-right", "top-bottom": "top-bottom"}
_HALF = ", the half of the sphere in front of the camera (converted, the other half is black)"
_PROJECTIONS = {  # FFmpeg's number: name, and how v360 reads it
    1: ("a cubemap", "c3x2"),
    3: (f"half an equirectangular picture{_HALF}", "hequirect"),
    4: ("an ordinary flat picture (rectilinear)", "flat"),
    5: ("a fisheye picture", "fisheye:ih_fov=180:iv_fov=180"),
}


@dataclass(frozen=True)
class Stated:
    """What the file says; None and zeros where it says nothing."""

    sphere: bool = False  # an equirectangular picture of the whole sphere
    stereo: StereoLayout | None = None
    second_is_left: bool = False  # the second view, below or to the right, is the left eye's
    pose_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)  # yaw, pitch, roll
    turn: Turn = UNTURNED


def read_stated(path: Path, stream: VideoStream, first: VideoFrame) -> Stated:
    """Gather what the file says of the pictures of `stream`, of which `first` is the first.

    Raises:
        MediaError: it says that they are no equirectangular picture of the whole sphere, or packed in a way that is
            not read.

    """
    beside = _beside(first)
    turn = display_turn(path, beside.get(Type.DISPLAYMATRIX))
    mode, projections = spherical_statement(path, stream.id)
    stereo, second_is_left = _stereo(path, beside.get(Type.STEREO3D), stream.metadata.get("stereo_mode", ""))
    if mode == _RIGHT_LEFT:  # FFmpeg knows the modes 0 to 2
        stereo, second_is_left = "left-right", True
    packed = {"left-right": "sbs", "top-bottom": "tb"}.get(stereo or "", "2d")
    if Type.SPHERICAL not in beside:
        _refuse_unknown(path, projections, packed)
    if mode is not None and mode > max(_LAYOUTS) and mode != _RIGHT_LEFT:
        raise MediaError(_packing_message(path, f"views in a layout that is not known here (stereo mode {mode})"))
    sphere, pose_deg = _mapping(path, beside.get(Type.SPHERICAL), packed)
    xml = spherical_xml(path, stream.id) or stream.metadata.get("SPHERICAL-VIDEO", "")
    if xml:
        _check_xml(path, xml, packed)
        stereo = stereo or _XML_LAYOUTS.get(_xml_value(xml, "StereoMode"))
        sphere = sphere or _xml_value(xml, "Spherical").lower() == "true"
    return Stated(sphere, stereo, second_is_left, pose_deg, turn)


def _beside(first: VideoFrame) -> dict[Type, bytes]:
    found = {}
    frame: Any = first  # PyAV's types know of one kind only
    for kind in (Type.SPHERICAL, Type.STEREO3D, Type.DISPLAYMATRIX):
        with suppress(KeyError, ValueError):  # ValueError: PyAV 18 and before, if there is data of a kind new to it
            found[kind] = bytes(frame.side_data[kind])
    return found


def _stereo(path: Path, data: bytes | None, tag: str) -> tuple[StereoLayout | None, bool]:
    if tag.startswith("anaglyph"):  # FFmpeg tells this of Matroska only as text
        raise MediaError(_packing_message(path, "both views in the colours of one picture (anaglyph)"))
    if data is None:
        return None, False
    kind, flags = _STEREO.unpack_from(data)
    if kind in _PACKINGS:
        raise MediaError(_packing_message(path, _PACKINGS[kind]))
    return _LAYOUTS.get(kind), bool(flags & _SECOND_IS_LEFT)


def _mapping(path: Path, data: bytes | None, packed: str) -> tuple[bool, tuple[float, float, float]]:
    if data is None:
        return False, (0.0, 0.0, 0.0)
    projection, *rest = _SPHERICAL.unpack_from(data)
    if projection not in (_EQUIRECTANGULAR, _TILE):
        name, reads = _PROJECTIONS.get(projection, (f"a projection that is not known here ({projection})", ""))
        raise MediaError(_projection_message(path, name, reads, packed))
    yaw, pitch, roll = (angle / _ANGLE for angle in rest[:3])
    left, top, right, bottom = (bound / _BOUND for bound in rest[3:])
    _refuse_part(path, (left, top, right, bottom), packed)
    return True, (yaw, pitch, roll)


def _check_xml(path: Path, xml: str, packed: str) -> None:
    projection = _xml_value(xml, "ProjectionType") or "equirectangular"
    if projection.lower() != "equirectangular":
        raise MediaError(_projection_message(path, f"of the projection {short_repr(projection)}", "", packed))
    width, height = _xml_number(xml, "FullPanoWidthPixels"), _xml_number(xml, "FullPanoHeightPixels")
    if not width or not height:
        return
    left, top = _xml_number(xml, "CroppedAreaLeftPixels") / width, _xml_number(xml, "CroppedAreaTopPixels") / height
    across = (_xml_number(xml, "CroppedAreaImageWidthPixels") or width) / width
    down = (_xml_number(xml, "CroppedAreaImageHeightPixels") or height) / height
    _refuse_part(path, (left, top, 1 - left - across, 1 - top - down), packed)


def _refuse_part(path: Path, cut: tuple[float, float, float, float], packed: str) -> None:
    """Refuse a picture of which parts of the panorama are cut off: at the left, top, right and bottom."""
    if max(cut) <= _SMALLEST_CROP:
        return
    left, top, right, bottom = (round(100 * part) for part in cut)
    if (left, top, right, bottom) == (25, 0, 25, 0):
        raise MediaError(_projection_message(path, f"VR180{_HALF}", "hequirect", packed))
    raise MediaError(
        f"{path}: says that it shows a part of a panorama only (cut off: left {left} %, top {top} %, right {right} %, "
        f"bottom {bottom} %); expected the whole sphere. Pad it to the full panorama first, with FFmpeg's filter pad, "
        "and leave this statement out."
    )


def _refuse_unknown(path: Path, boxes: list[str], packed: str) -> None:
    if "mshp" in boxes:
        name = "a mesh (as VR180 cameras write it), whose picture is mostly two fisheyes"
        raise MediaError(_projection_message(path, name, "fisheye:ih_fov=180:iv_fov=180", packed))
    if boxes:
        raise MediaError(
            _projection_message(path, f"a projection that cannot be read ({short_repr(boxes)})", "", packed)
        )


def _projection_message(path: Path, name: str, reads: str, packed: str) -> str:
    remedy = "Convert it to a full equirectangular picture first"
    if reads:
        views = "" if packed == "2d" else f":in_stereo={packed}:out_stereo=2d"
        first, _, options = reads.partition(":")
        filled = f"{first}:e{':' if options else ''}{options}{views}"
        remedy += f', for example: ffmpeg -i "{path.name}" -vf v360={filled} equirectangular.mp4'
    return f"{path}: says that its picture is {name}; expected an equirectangular one of the whole sphere. {remedy}"


def _packing_message(path: Path, packing: str) -> str:
    return (
        f"{path}: says that it holds {packing}; expected one view, or two one below the other or side by side. Convert "
        "it first, as with FFmpeg's filter stereo3d."
    )


def _xml_value(xml: str, name: str) -> str:
    found = re.search(rf"<GSpherical:{name}>\s*([^<]*?)\s*</", xml)
    return found[1] if found else ""


def _xml_number(xml: str, name: str) -> int:
    text = _xml_value(xml, name)
    return int(text) if text.isdecimal() and len(text) <= 9 else 0
