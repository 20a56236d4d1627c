"""What a 360° photo states about itself: Google's "Photo Sphere" tags (GPano) in its XMP.

Cameras and stitchers write them. Source: "Photo Sphere XMP Metadata" of Google's Street View developers.
"""

from pathlib import Path
from typing import get_args

from PIL import Image

from atsal.errors import MediaError
from atsal.untrusted.text import short_repr
from atsal.untrusted.xmp import xmp_values
from atsal.video.stereo_layout import ASPECT_TOLERANCE, StatedLayout, StereoLayout
from atsal.video.video_metadata import cropped_margins, describe_margins, read_number

_PANO = "the photo's GPano tags"
_REMOVE = "(`exiftool -XMP-GPano:all= FILE` takes the tags away)"
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_UPRIGHT_DEG = 0.5  # nobody sees less


def read_photo_metadata(path: Path, image: Image.Image) -> tuple[StatedLayout, list[str]]:
    """Return what an open photo states about itself, and sentences on what people should know of it.

    Raises MediaError where it states another projection, or that it is a part of the sphere.
    """
    packet = _xmp_packet(image)
    if not packet:
        return StatedLayout(), []
    try:
        qualified = xmp_values(packet)
    except ValueError as error:
        return StatedLayout(), [f"its XMP, which may say how it lies on the sphere, cannot be read: {error}"]
    values = {name.rpartition(":")[2]: value for name, value in reversed(qualified.items())}
    _refuse_other_pictures(path, values)
    remarks = [*_unusable_numbers(values), *_pose(values)]
    if any(name.startswith("GImage:") for name in qualified):
        remarks.append("a second picture, such as the right eye's of a stereo photo, lies in its XMP; it is not used")
    stated = values.get("StereoMode", "").lower()
    layout = next((name for name in get_args(StereoLayout) if name == stated), None)
    return StatedLayout("ProjectionType" in values, layout), remarks


def _xmp_packet(image: Image.Image) -> bytes:
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if found is None:  # Pillow before 11 leaves a JPEG's among its segments
        segments = [content for kind, content in getattr(image, "applist", []) if kind == "APP1"]
        found = next((s.removeprefix(_JPEG_XMP) for s in segments if s.startswith(_JPEG_XMP)), b"")
    return found.encode("utf-8", "replace") if isinstance(found, str) else bytes(found)


def _refuse_other_pictures(path: Path, values: dict[str, str]) -> None:
    """Refuse what is not a whole sphere: stretched to one, it would put everything in the wrong place."""
    projection = values.get("ProjectionType", "")
    if projection and projection.lower() != "equirectangular":
        raise MediaError(
            f"{path}: {_PANO} say that its projection is {short_repr(projection)}; expected an equirectangular "
            "picture. "
            f"Convert it, or remove the tags if they are wrong {_REMOVE}."
        )
    left, top, right, bottom = margins = cropped_margins(values)
    if max(map(abs, (left, top, left + right, top + bottom))) > ASPECT_TOLERANCE:
        raise MediaError(
            f"{path}: {_PANO} say that it is a part of a panorama ({describe_margins(margins)}); expected the whole "
            "sphere. Export it whole, or place it where the tags say on a black 2:1 picture of the full size, and "
            f"remove them {_REMOVE}."
        )


def _unusable_numbers(values: dict[str, str]) -> list[str]:
    names = [name for name in values if name.endswith("Pixels") and name.startswith(("FullPano", "CroppedArea"))]
    wrong = [f"{name} {short_repr(values[name])}" for name in names if read_number(values, name) is None]
    return [f"{_PANO} are not used where they state no number: {', '.join(wrong)}"] if wrong else []


def _pose(values: dict[str, str]) -> list[str]:
    angles = {name: read_number(values, f"Pose{name.title()}Degrees") or 0.0 for name in ("pitch", "roll", "heading")}
    stated = ", ".join(f"{name} {angle:g}°" for name, angle in angles.items() if abs(angle) >= _UPRIGHT_DEG)
    if not stated:
        return []
    is_tilted = max(abs(angles["pitch"]), abs(angles["roll"])) >= _UPRIGHT_DEG
    hint = "; its horizon may lie tilted, and maps are best on level pictures" if is_tilted else ""
    return [f"{_PANO} state a pose of the camera ({stated}), which is not applied{hint}"]
