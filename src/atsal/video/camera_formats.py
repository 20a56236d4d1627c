"""Files that are refused by the endings of their names: cameras' own, which are no panoramas, and unread pictures."""

from pathlib import Path

from atsal.errors import MediaError
from atsal.untrusted.pictures import UNSUPPORTED

_FISHEYE = "a camera's original of two fisheye pictures, no panorama"
_PICTURES = {
    "camera raw": (".gpr", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"),
    "OpenEXR": (".exr",),
    "Radiance HDR": (".hdr",),
    "HEIF": (".heic", ".heif", ".hif"),
    "JPEG XL": (".jxl",),
    "Photoshop": (".psd",),
}
_ORIGINALS = {
    ".insv": (_FISHEYE, "export it as an equirectangular (360°) MP4 with Insta360 Studio"),
    ".insp": (_FISHEYE, "export it as an equirectangular (360°) JPEG with Insta360 Studio"),
    ".osv": (_FISHEYE, "export it as an equirectangular (360°) MP4 with DJI Studio"),
    ".360": ("GoPro's original, six faces of a cube in two streams", "export it as a 360° MP4 with GoPro Player"),
    ".lrv": ("a camera's small preview of a recording", "export the recording itself as a 360° MP4"),
    **{ending: UNSUPPORTED[name] for name, endings in _PICTURES.items() for ending in endings},
}
VIDEO_ORIGINALS = frozenset({".insv", ".osv", ".360", ".lrv"})  # refused where they are opened: see `camera`


def why_unread(path: Path) -> str | None:
    """Why a file of this ending is not read, and what to do; None for all other endings."""
    found = _ORIGINALS.get(path.suffix.lower())
    return found and f"{path.suffix} is {found[0]}: {found[1]} first"


def refuse_original(path: Path) -> None:
    """Raise MediaError for a file with one of these endings."""
    why = why_unread(path)
    if why is not None:
        raise MediaError(f"{path}: {why}. If it is an equirectangular JPEG or MP4 already, rename it so.")
