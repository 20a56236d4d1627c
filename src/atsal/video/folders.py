"""Folders of images and videos: what is taken, in which order, and what is passed over and why."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from atsal.errors import MediaError
from atsal.untrusted.pictures import picture_format, read_head
from atsal.untrusted.text import plural, shorten_list
from atsal.video.camera_formats import VIDEO_ORIGINALS, why_unread

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".tif", ".tiff", ".webp", ".bmp", ".dib", ".gif"}
    | {".avif", ".avifs", ".jp2", ".j2k", ".jpx", ".ppm", ".pgm", ".pbm", ".pnm"}
)
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".flv"}
)


def list_media(folder: Path | str) -> list[Path]:
    """List the images and videos in a folder by their endings, hidden ones left out, in natural order.

    `passed_over` names the rest. Raises MediaError for what is no folder, and where there is nothing to read in it.
    """
    return _listed(Path(folder), IMAGE_SUFFIXES | VIDEO_SUFFIXES, "images or videos")


def list_frames(folder: Path | str) -> list[Path]:
    """List the images of a folder that is one clip, hidden ones left out, in natural order.

    Raises:
        MediaError: no folder, no image in it, or a picture that is not read: skipping it would shift the times of all
            later frames.

    """
    folder = Path(folder)
    frames = _listed(folder, IMAGE_SUFFIXES, "images")
    for path in _others(folder, frames):
        why = why_unread(path) if path.suffix.lower() not in VIDEO_ORIGINALS else None
        if path.is_file() and (why is not None or _is_picture(path)):
            raise MediaError(
                f"{path}: looks like a frame, but is not read ({why or _ENDING}); skipping it would shift the times of "
                "all later frames. Convert or rename it, or move it out of the folder."
            )
    return frames


def folder_remarks(folder: Path, *, as_frames: bool = False) -> list[str]:
    """Sentences on what a folder holds beside what is read, and on gaps in the numbers of its frames.

    Raises what `list_media` or, for a clip, `list_frames` raises.
    """
    if not as_frames:
        return passed_over(folder, list_media(folder))
    frames = list_frames(folder)
    return [*passed_over(folder, frames, as_frames=True), *numbering(frames)]


def described(folder: Path) -> list[str]:
    """A folder in lines for people: what is taken of it, what is passed over, how it would do as one clip."""
    files = list_media(folder)
    images = [file for file in files if file.suffix.lower() in IMAGE_SUFFIXES]
    lines = [
        f"{folder}: folder, by the endings of names",
        f"  images   {len(images)}",
        f"  videos   {len(files) - len(images)}",
        *(f"  odd:     {remark}" for remark in folder_remarks(folder)),
    ]
    return lines + [f"  as clip  {remark}" for remark in numbering(images)] if images == files else lines


def passed_over(folder: Path, taken: Collection[Path], *, as_frames: bool = False) -> list[str]:
    """A sentence for each reason why files and folders of a folder are not among those `taken`, hidden ones excepted.

    Where the folder is one clip (`as_frames`), its videos are passed over, too.
    """
    reasons: dict[str, list[str]] = {}
    for path in _others(folder, taken):
        reasons.setdefault(_reason(path, as_frames), []).append(path.name)
    return [f"passed over {shorten_list(names)}: {reason}" for reason, names in reasons.items()]


def numbering(frames: Sequence[Path]) -> list[str]:
    """What the names of a clip's frames say about frames that are not there."""
    split = [re.split(r"(\d+)", path.stem.casefold()) for path in frames]
    if len({tuple(parts[::2]) for parts in split}) > 1:
        return ["the names of its frames have several forms; they are taken in the order of their names"]
    counted = zip(*([int(number) for number in parts[1::2]] for parts in split), strict=True)
    varying = [numbers for numbers in counted if len(set(numbers)) > 1]
    if len(varying) != 1:
        told = "differ in several numbers" if varying else "do not differ in a number"
        return (
            [f"the names of its frames {told}; they are taken in the order of their names"] if len(frames) > 1 else []
        )
    pairs = list(zip(varying[0], varying[0][1:], strict=False))
    step = Counter(after - before for before, after in pairs).most_common(1)[0][0]
    jumps = [f"after {before} comes {after}" for before, after in pairs if after - before != step]
    if not jumps:
        return []
    return [
        f"the numbers of its frames jump in {plural(len(jumps), 'place')} ({shorten_list(jumps)}): frames are "
        "taken one after the other, so the times after a jump are wrong where frames are missing"
    ]


def natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """Key to sort names by: runs of digits as numbers; equal ones (01 and 1) by the plain name."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(int(part), "") if number % 2 else (-1, part) for number, part in enumerate(parts)], name


_ENDING = "a picture by its content, but not by its name's ending"


def _reason(path: Path, as_frames: bool) -> str:
    ending = path.suffix.lower()
    if path.is_dir():
        return "folders in folders are not searched"
    if not path.is_file():
        return "no files, or links that lead nowhere"
    if as_frames and ending in VIDEO_SUFFIXES:
        return "videos are no frames"
    return why_unread(path) or (_ENDING if _is_picture(path) else "no images or videos by their endings")


def _is_picture(path: Path) -> bool:
    try:
        return picture_format(read_head(path)) is not None
    except OSError:  # it is not ours to read
        return False


def _listed(folder: Path, suffixes: frozenset[str], kind: str) -> list[Path]:
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "does not exist"
        raise MediaError(f"{folder}: {found}; expected a folder with {kind} in it. Check the path.")
    found_paths = [p for p in folder.iterdir() if p.suffix.lower() in suffixes and p.name[0] != "." and p.is_file()]
    if not found_paths:
        there = "; ".join(passed_over(folder, (), as_frames=kind == "images")) or "nothing is in it"
        raise MediaError(
            f"{folder}: holds no {kind}; expected files ending in {', '.join(sorted(suffixes))} ({there})."
        )
    return sorted(found_paths, key=lambda path: natural_key(path.name))


def _others(folder: Path, taken: Collection[Path]) -> list[Path]:
    known = set(taken)
    others = (path for path in folder.iterdir() if path not in known and path.name[0] != ".")
    return sorted(others, key=lambda path: natural_key(path.name))
