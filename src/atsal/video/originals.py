"""Cameras' own files, by the endings of their names: their content opens, but it is no panorama."""

from pathlib import Path

from atsal.errors import MediaError

_FISHEYE = "a camera's original of two fisheye pictures, no panorama"
_RAW = "a camera's raw picture"
_DEVELOP = "develop it to a JPEG, PNG or TIFF"
_LIGHT = "a picture of light values, which are no colours of a screen"
_TONE_MAP = "tone-map it to a JPEG or PNG of 8 bits"
_ORIGINALS = {
    ".insv": (_FISHEYE, "export it as an equirectangular (360°) MP4 with Insta360 Studio"),
    ".insp": (_FISHEYE, "export it as an equirectangular (360°) JPEG with Insta360 Studio"),
    ".osv": (_FISHEYE, "export it as an equirectangular (360°) MP4 with DJI Studio"),
    ".360": ("GoPro's original, six faces of a cube in two streams", "export it as a 360° MP4 with GoPro Player"),
    ".lrv": ("a camera's small preview of a recording", "export the recording itself as a 360° MP4"),
    ".gpr": (_RAW, _DEVELOP),
    **dict.fromkeys((".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"), (_RAW, _DEVELOP)),
    **dict.fromkeys((".exr", ".hdr"), (_LIGHT, _TONE_MAP)),
    **dict.fromkeys((".heic", ".heif", ".hif"), ("a picture in the format HEIF", "save it as JPEG, PNG or AVIF")),
    ".jxl": ("a picture in the format JPEG XL", "turn it into a JPEG or PNG"),
    ".psd": ("a picture in the format Photoshop", "export it as JPEG or PNG"),
}
VIDEO_ORIGINALS = frozenset({".insv", ".osv", ".360", ".lrv"})  # refused where they are opened: see `camera`


def why_unread(path: Path) -> str | None:
    """Why a file of this ending is not read, and what to do; None for all other endings."""
    found = _ORIGINALS.get(path.suffix.lower())
    return found and f"{path.suffix} is {found[0]}: {found[1]} first"


def refuse_original(path: Path) -> None:
    """Raise MediaError for a file of a camera's own ending."""
    why = why_unread(path)
    if why is not None:
        raise MediaError(f"{path}: {why}. If it is an equirectangular JPEG or MP4 already, rename it so.")
