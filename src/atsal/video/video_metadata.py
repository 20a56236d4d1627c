"""What a video file states about its picture: projection, layout of the views, pose, and display rotation.

FFmpeg reports what MP4, MOV and Matroska state, as side data of the first frame. This module also reads what FFmpeg
leaves out: boxes of projections that it does not know, and the cropped area in the XML of Spherical Video V1.
"""

import math
import re
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from atsal.errors import MediaError
from atsal.untrusted.text import short_repr
from atsal.video.spherical_tags import SphericalTags, read_spherical_tags
from atsal.video.stereo_layout import DisplayRotation, StatedLayout, StereoLayout

_SPHERICAL = struct.Struct("=I3i4I")  # FFmpeg's AVSphericalMapping: projection, yaw, pitch, roll, bounds
_STEREO = struct.Struct("=Ii")  # FFmpeg's AVStereo3D: type, flags
_MATRIX = struct.Struct("=9i")  # a display matrix
_EQUIRECTANGULAR, _TILE = 0, 2  # FFmpeg's projections
_SECOND_IS_LEFT = 1  # a flag of AVStereo3D
_ANGLE = 1 << 16  # fixed point
_BOUND = 1 << 32
_MIN_CROP = 0.001  # share of the panorama; less is rounding
_ROTATION_TOLERANCE = 0.01  # of a coordinate of a unit axis
_LAYOUTS: dict[int, StereoLayout] = {0: "mono", 1: "left-right", 2: "top-bottom"}  # by FFmpeg's type
_RIGHT_LEFT = 4  # a mode of the box `st3d` that FFmpeg does not know
_PACKINGS = {
    3: "left and right frames in turn",
    4: "a checkerboard of both views",
    5: "views side by side in a quincunx pattern",
    6: "lines of the left and right view in turn",
    7: "columns of the left and right view in turn",
}
_HALF = ", the half of the sphere in front of the camera (converted, the other half is black)"
_PROJECTIONS = {  # by FFmpeg's number: its name, and how the filter v360 reads it
    1: ("a cubemap", "c3x2"),
    3: (f"half an equirectangular picture{_HALF}", "hequirect"),
    4: ("an ordinary flat picture (rectilinear)", "flat"),
    5: ("a fisheye picture", "fisheye:ih_fov=180:iv_fov=180"),
}
# A display matrix (a, b, c, d) moves the picture's point (x, y) to (ax + cy, bx + dy), y down.
_ROTATIONS = {
    (1, 0, 0, 1): DisplayRotation(),
    (0, 1, -1, 0): DisplayRotation((("transpose", "clock"),), True, "turned by 90° clockwise"),
    (-1, 0, 0, -1): DisplayRotation((("hflip", None), ("vflip", None)), False, "turned by 180°"),
    (0, -1, 1, 0): DisplayRotation((("transpose", "cclock"),), True, "turned by 90° counter-clockwise"),
    (-1, 0, 0, 1): DisplayRotation((("hflip", None),), False, "mirrored, left for right"),
    (1, 0, 0, -1): DisplayRotation((("vflip", None),), False, "mirrored, top for bottom"),
    (0, 1, 1, 0): DisplayRotation((("transpose", "cclock_flip"),), True, "mirrored along its diagonal"),
    (0, -1, -1, 0): DisplayRotation((("transpose", "clock_flip"),), True, "mirrored along its other diagonal"),
}


def read_video_metadata(path: Path, stream: VideoStream, first: VideoFrame) -> StatedLayout:
    """Return what the file states about the pictures of `stream`, of which `first` is the first.

    Raises MediaError where it states that they are not an equirectangular picture of the whole sphere, that the views
    are packed in a way that is not read, or that they are shown rotated by no multiple of 90°.
    """
    side_data = _side_data(first)
    rotation = _read_rotation(path, side_data.get(Type.DISPLAYMATRIX))
    tags = read_spherical_tags(path).get(stream.id, SphericalTags())
    stereo, left_is_second = _read_stereo(path, side_data.get(Type.STEREO3D), stream.metadata.get("stereo_mode", ""))
    if tags.stereo_mode == _RIGHT_LEFT:
        stereo, left_is_second = "left-right", True
    is_sphere = Type.SPHERICAL in side_data
    if not is_sphere:
        _refuse_unknown_projections(path, tags.projections, stereo)
    if tags.stereo_mode not in (None, *_LAYOUTS, _RIGHT_LEFT):
        raise _packing_error(path, f"views in a layout that is not known here (stereo mode {tags.stereo_mode})")
    pose_deg = _read_mapping(path, side_data[Type.SPHERICAL], stereo) if is_sphere else (0.0, 0.0, 0.0)
    xml = tags.xml or stream.metadata.get("SPHERICAL-VIDEO", "")
    values = dict(reversed(re.findall(r"<GSpherical:(\w+)>\s*([^<]*?)\s*</", xml)))  # the first of a name counts
    if values:
        projection = values.get("ProjectionType") or "equirectangular"
        if projection.lower() != "equirectangular":
            raise _projection_error(path, f"of the projection {short_repr(projection)}", "", stereo)
        _refuse_cropped(path, cropped_margins(values), stereo)
        stereo = stereo or next((name for name in _LAYOUTS.values() if name == values.get("StereoMode")), None)
        is_sphere = is_sphere or values.get("Spherical", "").lower() == "true"
    return StatedLayout(is_sphere, stereo, left_is_second, pose_deg, rotation)


def cropped_margins(values: dict[str, str]) -> tuple[float, float, float, float]:
    """Return the shares of the panorama that are cut off at the left, top, right and bottom.

    `values` are the tags of GPano (photos) or GSpherical (video) by name; both describe a crop in the same way. A
    share is 0 where the tags state no size of the full panorama.
    """
    margins = []
    for side, start in (("Width", "Left"), ("Height", "Top")):
        full = read_number(values, f"FullPano{side}Pixels") or 0.0
        area = read_number(values, f"CroppedAreaImage{side}Pixels")
        first = read_number(values, f"CroppedArea{start}Pixels") or 0.0
        last = first + (full if area is None else area)
        margins.append((first / full, 1 - last / full) if full > 0 else (0.0, 0.0))
    (left, right), (top, bottom) = margins
    return left, top, right, bottom


def read_number(values: dict[str, str], name: str) -> float | None:
    """Return the number of a tag; None where there is no such tag, or it is not a finite number."""
    try:
        number = float(values[name])
    except (KeyError, ValueError):
        return None
    return number if math.isfinite(number) else None


def describe_margins(margins: tuple[float, float, float, float]) -> str:
    """Describe a crop for messages, in percent."""
    left, top, right, bottom = (round(100 * margin) for margin in margins)
    return f"cut off: left {left} %, top {top} %, right {right} %, bottom {bottom} %"


def _side_data(first: VideoFrame) -> dict[Type, bytes]:
    found = {}
    frame: Any = first  # PyAV's types know of one kind only
    for kind in (Type.SPHERICAL, Type.STEREO3D, Type.DISPLAYMATRIX):
        with suppress(KeyError, ValueError):  # ValueError: PyAV 18 and before, for side data that it does not know
            found[kind] = bytes(frame.side_data[kind])
    return found


def _read_rotation(path: Path, matrix: bytes | None) -> DisplayRotation:
    if matrix is None:
        return DisplayRotation()
    a, b, _, c, d, *_ = _MATRIX.unpack_from(matrix)
    lengths = math.hypot(a, b), math.hypot(c, d)
    if 0 in lengths:
        return DisplayRotation()  # nothing could be shown
    axes = (a / lengths[0], b / lengths[0], c / lengths[1], d / lengths[1])
    nearest = tuple(map(round, axes))
    error = max(abs(value - target) for value, target in zip(axes, nearest, strict=True))
    if error > _ROTATION_TOLERANCE or nearest not in _ROTATIONS:
        raise MediaError(
            f"{path}: is to be shown turned by {math.degrees(math.atan2(b, a)):.1f}° (its display matrix); expected a "
            "multiple of 90°. Turn the picture itself first, or write the file without this matrix."
        )
    return _ROTATIONS[nearest]


def _read_stereo(path: Path, data: bytes | None, tag: str) -> tuple[StereoLayout | None, bool]:
    """Return the layout of the views, and whether the left eye's is the second."""
    if tag.startswith("anaglyph"):  # FFmpeg reports this of Matroska as text only
        raise _packing_error(path, "both views in the colours of one picture (anaglyph)")
    if data is None:
        return None, False
    kind, flags = _STEREO.unpack_from(data)
    if kind in _PACKINGS:
        raise _packing_error(path, _PACKINGS[kind])
    return _LAYOUTS.get(kind), bool(flags & _SECOND_IS_LEFT)


def _read_mapping(path: Path, data: bytes, stereo: StereoLayout | None) -> tuple[float, float, float]:
    """Return yaw, pitch and roll in degrees of an equirectangular picture of the whole sphere; refuse others."""
    projection, yaw, pitch, roll, *bounds = _SPHERICAL.unpack_from(data)
    if projection not in (_EQUIRECTANGULAR, _TILE):
        name, v360_input = _PROJECTIONS.get(projection, (f"a projection that is not known here ({projection})", ""))
        raise _projection_error(path, name, v360_input, stereo)
    left, top, right, bottom = (bound / _BOUND for bound in bounds)
    _refuse_cropped(path, (left, top, right, bottom), stereo)
    return yaw / _ANGLE, pitch / _ANGLE, roll / _ANGLE


def _refuse_cropped(path: Path, margins: tuple[float, float, float, float], stereo: StereoLayout | None) -> None:
    if max(margins) <= _MIN_CROP:
        return
    if [round(100 * margin) for margin in margins] == [25, 0, 25, 0]:
        raise _projection_error(path, f"VR180{_HALF}", "hequirect", stereo)
    raise MediaError(
        f"{path}: says that it shows a part of a panorama only ({describe_margins(margins)}); expected the whole "
        "sphere. Pad it to the full panorama first, with FFmpeg's filter pad, and leave this statement out."
    )


def _refuse_unknown_projections(path: Path, projections: tuple[str, ...], stereo: StereoLayout | None) -> None:
    """Refuse projections that FFmpeg does not report."""
    if "mshp" in projections:
        name = "a mesh (as VR180 cameras write it), whose picture is mostly two fisheyes"
        raise _projection_error(path, name, "fisheye:ih_fov=180:iv_fov=180", stereo)
    if projections:
        raise _projection_error(path, f"a projection that cannot be read ({short_repr([*projections])})", "", stereo)


def _projection_error(path: Path, name: str, v360_input: str, stereo: StereoLayout | None) -> MediaError:
    """Return the error for a projection that FFmpeg's filter v360 reads as `v360_input`, where it does."""
    example = ""
    if v360_input:
        packing = {"left-right": "sbs", "top-bottom": "tb"}.get(stereo or "")
        views = f":in_stereo={packing}:out_stereo=2d" if packing else ""
        projection, colon, options = v360_input.partition(":")
        command = f'ffmpeg -i "{path.name}" -vf v360={projection}:e{colon}{options}{views} equirectangular.mp4'
        example = f", for example: {command}"
    return MediaError(
        f"{path}: says that its picture is {name}; expected an equirectangular one of the whole sphere. Convert it to "
        f"a full equirectangular picture first{example}"
    )


def _packing_error(path: Path, packing: str) -> MediaError:
    return MediaError(
        f"{path}: says that it holds {packing}; expected one view, or two one below the other or side by side. Convert "
        "it first, as with FFmpeg's filter stereo3d."
    )
