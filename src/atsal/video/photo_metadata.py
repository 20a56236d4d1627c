"""What a 360° photo says about itself: Google's "Photo Sphere" metadata (GPano) in its XMP.

Cameras and stitchers write it. Source: "Photo Sphere XMP Metadata" of Google's Street View developers.
"""

import math
from pathlib import Path
from typing import get_args

from PIL import Image

from atsal.errors import MediaError
from atsal.untrusted.text import short_repr
from atsal.untrusted.xmp import xmp_values
from atsal.video.stereo import ASPECT_TOLERANCE, StereoLayout
from atsal.video.video_metadata import Stated

_PANO = "the photo's GPano tags"
_REMOVE = "(`exiftool -XMP-GPano:all= FILE` takes the tags away)"
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_UPRIGHT_DEG = 0.5  # nobody sees less


def read_gpano(path: Path, image: Image.Image) -> tuple[Stated, list[str]]:
    """What an open photo states about itself, and what people should know of it.

    Raises:
        MediaError: it states another projection, or that it is a part of the sphere.

    """
    packet = _packet(image)
    if not packet:
        return Stated(), []
    try:
        qualified = xmp_values(packet)
    except ValueError as error:
        return Stated(), [f"its XMP, which may say how it lies on the sphere, cannot be read: {error}"]
    values = {name.rpartition(":")[2]: value for name, value in reversed(qualified.items())}
    _refuse_projection(path, values)
    _refuse_part(path, values)
    remarks = [*_unusable(values), *_pose(values)]
    if any(name.startswith("GImage:") for name in qualified):
        remarks.append("a second picture, such as the right eye's of a stereo photo, lies in its XMP; it is not used")
    stated = values.get("StereoMode", "").lower()
    layout = next((name for name in get_args(StereoLayout) if name == stated), None)
    return Stated("ProjectionType" in values, layout), remarks


def _packet(image: Image.Image) -> bytes:
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if found is None:  # Pillow before 11 leaves a JPEG's among its segments
        segments = [content for kind, content in getattr(image, "applist", []) if kind == "APP1"]
        found = next((s.removeprefix(_JPEG_XMP) for s in segments if s.startswith(_JPEG_XMP)), b"")
    return found.encode("utf-8", "replace") if isinstance(found, str) else bytes(found)


def _refuse_projection(path: Path, values: dict[str, str]) -> None:
    projection = values.get("ProjectionType", "")
    if projection and projection.lower() != "equirectangular":
        raise MediaError(
            f"{path}: {_PANO} say that its projection is {short_repr(projection)}; expected an equirectangular "
            "picture. "
            f"Convert it, or remove the tags if they are wrong {_REMOVE}."
        )


def _refuse_part(path: Path, values: dict[str, str]) -> None:
    """A part of the sphere, stretched round it, would put everything in the wrong place."""
    for side, start in (("Width", "Left"), ("Height", "Top")):
        full = _number(values, f"FullPano{side}Pixels")
        if full is None or full <= 0:
            continue
        area = _number(values, f"CroppedAreaImage{side}Pixels")
        area = full if area is None else area
        first = _number(values, f"CroppedArea{start}Pixels") or 0.0
        if max(abs(area / full - 1), abs(first / full)) > ASPECT_TOLERANCE:
            raise MediaError(
                f"{path}: {_PANO} say that it is a part of a panorama: {area:g} of {full:g} pixels in "
                f"{side.lower()}, from pixel {first:g} on; expected the whole sphere. Export it whole, or place it "
                f"where the tags say on a black 2:1 picture of the full size, and remove them {_REMOVE}."
            )


def _unusable(values: dict[str, str]) -> list[str]:
    numbers = [name for name in values if name.endswith("Pixels") and name.startswith(("FullPano", "CroppedArea"))]
    wrong = [f"{name} {short_repr(values[name])}" for name in numbers if _number(values, name) is None]
    return [f"{_PANO} are not used where they state no number: {', '.join(wrong)}"] if wrong else []


def _pose(values: dict[str, str]) -> list[str]:
    angles = {name: _number(values, f"Pose{name.title()}Degrees") or 0.0 for name in ("pitch", "roll", "heading")}
    told = ", ".join(f"{name} {angle:g}°" for name, angle in angles.items() if abs(angle) >= _UPRIGHT_DEG)
    if not told:
        return []
    tilted = max(abs(angles["pitch"]), abs(angles["roll"])) >= _UPRIGHT_DEG
    hint = "; its horizon may lie tilted, and maps are best on level pictures" if tilted else ""
    return [f"{_PANO} state a pose of the camera ({told}), which is not applied{hint}"]


def _number(values: dict[str, str], name: str) -> float | None:
    try:
        number = float(values[name])
    except (KeyError, ValueError):
        return None
    return number if math.isfinite(number) else None
