"""Which files are images and videos: by their content and the endings of their names, one by one and in folders."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

from atsal.errors import MediaError
from atsal.remote.path import as_path
from atsal.untrusted.files import check_readable
from atsal.untrusted.pictures import UNSUPPORTED, picture_format, read_head, refuse_unsupported
from atsal.untrusted.text import plural, shorten_list

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".tif", ".tiff", ".webp", ".bmp", ".dib", ".gif"}
    | {".avif", ".avifs", ".jp2", ".j2k", ".jpx", ".ppm", ".pgm", ".pbm", ".pnm"}
)
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".flv"}
)
_CAMERA_VIDEO_SUFFIXES = frozenset({".insv", ".osv", ".360", ".lrv"})  # refused when they are opened: `container.py`
_FISHEYE = "a camera's original of two fisheye pictures, no panorama"
_UNREAD_PICTURES = {
    "camera raw": (".gpr", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"),
    "OpenEXR": (".exr",),
    "Radiance HDR": (".hdr",),
    "HEIF": (".heic", ".heif", ".hif"),
    "JPEG XL": (".jxl",),
    "Photoshop": (".psd",),
}
_UNSUPPORTED = {  # endings of files that are not read: what such a file is, and what to do first
    ".insv": (_FISHEYE, "export it as an equirectangular (360°) MP4 with Insta360 Studio"),
    ".insp": (_FISHEYE, "export it as an equirectangular (360°) JPEG with Insta360 Studio"),
    ".osv": (_FISHEYE, "export it as an equirectangular (360°) MP4 with DJI Studio"),
    ".360": ("GoPro's original, six faces of a cube in two streams", "export it as a 360° MP4 with GoPro Player"),
    ".lrv": ("a camera's small preview of a recording", "export the recording itself as a 360° MP4"),
    **{suffix: UNSUPPORTED[name] for name, suffixes in _UNREAD_PICTURES.items() for suffix in suffixes},
}
_NOT_NAMED_AS_PICTURE = "a picture by its content, but not by its name's ending"
_MAX_NAMES = 4  # in one sentence

PROGRAM_STREAM = b"\0\0\1\xba"  # the first bytes of an MPEG program stream
MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip")  # bytes 4 to 8 of an MP4 or MOV
_VIDEO_SIGNATURES = (b"\x1a\x45\xdf\xa3", b"FLV\x01", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", PROGRAM_STREAM)
_TRANSPORT_PACKETS = ((0, 188), (4, 192))  # where the packets of a transport stream begin: the first, and the step


def classify(path: Path | str) -> Literal["image", "video"]:
    """Tell an image from a video by the file's first bytes or, where those say nothing, by the name's ending.

    A camera's own video is a video: `probe_video` refuses it unless it states that it is equirectangular. Raises
    MediaError for what is neither, for a camera's own picture, and for a picture in a format that is not read.
    """
    path = as_path(path)
    check_readable(path, "image or video")
    suffix = path.suffix.lower()
    if suffix not in _CAMERA_VIDEO_SUFFIXES:
        refuse_suffix(path)
    head = read_head(path)
    picture = picture_format(head)
    refuse_unsupported(str(path), picture)
    if picture is not None:
        return "image"
    if suffix in VIDEO_SUFFIXES | _CAMERA_VIDEO_SUFFIXES or _has_video_signature(path, head):
        return "video"
    if suffix in IMAGE_SUFFIXES:
        return "image"
    known = ", ".join(sorted(IMAGE_SUFFIXES | VIDEO_SUFFIXES))
    raise MediaError(f"{path}: is neither an image nor a video by content or name; expected one of {known}.")


def refuse_suffix(path: Path) -> None:
    """Raise MediaError for a file whose ending is that of a camera's original or of a picture that is not read."""
    reason = _why_unsupported(path)
    if reason is not None:
        raise MediaError(f"{path}: {reason}. If it is an equirectangular JPEG or MP4 already, rename it so.")


def list_media(folder: Path) -> list[Path]:
    """List the images and videos in a folder by their endings, in natural order, without hidden files.

    Raises MediaError where there is no such folder or nothing to read in it.
    """
    return _list_files(folder, IMAGE_SUFFIXES | VIDEO_SUFFIXES, "images or videos")


def list_frames(folder: Path) -> list[Path]:
    """List the images of a folder that is one clip, in natural order, without hidden files.

    Raises MediaError where there is no such folder, no image in it, or a picture that is not read.
    """
    frames = _list_files(folder, IMAGE_SUFFIXES, "images")
    for path in _list_others(folder, frames):
        reason = _why_unsupported(path) if path.suffix.lower() not in _CAMERA_VIDEO_SUFFIXES else None
        if path.is_file() and (reason is not None or _has_picture_signature(path)):
            raise MediaError(
                f"{path}: looks like a frame, but is not read ({reason or _NOT_NAMED_AS_PICTURE}); skipping it would "
                "shift the times of all later frames. Convert or rename it, or move it out of the folder."
            )
    return frames


def describe_folder(folder: Path) -> list[str]:
    """Describe a folder in lines for people: what is read, what is skipped, and how it would do as one clip."""
    files = list_media(folder)
    images = [file for file in files if file.suffix.lower() in IMAGE_SUFFIXES]
    lines = [
        f"{folder}: folder, by the endings of names",
        f"  images   {len(images)}",
        f"  videos   {len(files) - len(images)}",
        *(f"  odd:     {remark}" for remark in folder_remarks(folder)),
    ]
    return lines + [f"  as clip  {remark}" for remark in numbering_remarks(images)] if images == files else lines


def folder_remarks(folder: Path, *, as_frames: bool = False) -> list[str]:
    """Return sentences on the files of a folder that are skipped and on gaps in the numbers of its frames.

    Raises what `list_media` or, for a clip, `list_frames` raises.
    """
    if not as_frames:
        return skipped_files(folder, list_media(folder))
    frames = list_frames(folder)
    return [*skipped_files(folder, frames, as_frames=True), *numbering_remarks(frames)]


def skipped_files(folder: Path, used: Collection[Path], *, as_frames: bool = False) -> list[str]:
    """Return one sentence per reason why files and folders in `folder` are not among those `used`.

    Hidden files are not named. Videos are skipped too where the folder is one clip (`as_frames`).
    """
    reasons: dict[str, list[str]] = {}
    for path in _list_others(folder, used):
        reasons.setdefault(_why_skipped(path, as_frames), []).append(path.name)
    return [f"skipped {shorten_list(names, _MAX_NAMES)}: {reason}" for reason, names in reasons.items()]


def natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """Return a key that sorts runs of digits as numbers, and equal ones (01 and 1) by the plain name."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(int(part), "") if number % 2 else (-1, part) for number, part in enumerate(parts)], name


def _has_video_signature(path: Path, head: bytes) -> bool:
    if head.startswith(_VIDEO_SIGNATURES) or head[4:8] in MP4_BOXES or (head[:4] == b"RIFF" and head[8:12] == b"AVI "):
        return True
    with path.open("rb") as file:
        start = file.read(3 * max(step for _, step in _TRANSPORT_PACKETS))
    return any(start[first::step][:3] == b"GGG" for first, step in _TRANSPORT_PACKETS)


def _has_picture_signature(path: Path) -> bool:
    try:
        return picture_format(read_head(path)) is not None
    except (OSError, MediaError):  # it may not be read
        return False


def _why_unsupported(path: Path) -> str | None:
    found = _UNSUPPORTED.get(path.suffix.lower())
    return found and f"{path.suffix} is {found[0]}: {found[1]} first"


def _why_skipped(path: Path, as_frames: bool) -> str:
    if path.is_dir():
        return "folders in folders are not searched"
    if not path.is_file():
        return "not files, or links that lead nowhere"
    if as_frames and path.suffix.lower() in VIDEO_SUFFIXES:
        return "videos are not frames"
    unnamed = _NOT_NAMED_AS_PICTURE if _has_picture_signature(path) else "not images or videos by their endings"
    return _why_unsupported(path) or unnamed


def numbering_remarks(frames: Sequence[Path]) -> list[str]:
    """Return what the names of a clip's frames tell about missing frames."""
    if len(frames) < 2:
        return []
    split = [re.split(r"(\d+)", path.stem.casefold()) for path in frames]  # text and numbers in turn
    columns = zip(*([int(number) for number in parts[1::2]] for parts in split), strict=False)
    varying = [numbers for numbers in columns if len(set(numbers)) > 1]
    if len({tuple(parts[::2]) for parts in split}) > 1 or len(varying) != 1:
        return ["the names of its frames do not differ in one number alone; they are read in the order of their names"]
    pairs = list(pairwise(varying[0]))
    step = Counter(after - before for before, after in pairs).most_common(1)[0][0]
    jumps = [f"after {before} comes {after}" for before, after in pairs if after - before != step]
    places = f"{plural(len(jumps), 'place')} ({shorten_list(jumps, _MAX_NAMES)})"
    missing = "if frames are missing there, the times of all later frames are wrong"
    return [f"the numbers of its frames jump in {places}: {missing}"] if jumps else []


def _list_files(folder: Path, suffixes: frozenset[str], kind: str) -> list[Path]:
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "does not exist"
        raise MediaError(f"{folder}: {found}; expected a folder with {kind} in it. Check the path.")
    files = [path for path in _list_others(folder, ()) if path.suffix.lower() in suffixes and path.is_file()]
    if not files:
        content = "; ".join(skipped_files(folder, (), as_frames=kind == "images")) or "it is empty"
        raise MediaError(
            f"{folder}: holds no {kind}; expected files ending in {', '.join(sorted(suffixes))} ({content})."
        )
    return files


def _list_others(folder: Path, known: Collection[Path]) -> list[Path]:
    known = set(known)
    others = (path for path in folder.iterdir() if path not in known and path.name[0] != ".")
    return sorted(others, key=lambda path: natural_key(path.name))
