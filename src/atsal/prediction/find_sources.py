"""Find the sources in files and folders, and know the files that a run reads."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from atsal.errors import InputError
from atsal.prediction.sources import Source
from atsal.video.folders import folder_remarks, list_media
from atsal.video.media_files import classify


def find_sources(inputs: Iterable[Path], *, as_frames: bool = False) -> tuple[list[Source], list[InputError]]:
    """Return the sources in files and folders, in order and each once, and an error for each input without one.

    A folder stands for the images and videos in it, or with `as_frames` for one clip.
    """
    sources: dict[Path, Source] = {}
    problems: list[InputError] = []
    for path in inputs:
        try:
            is_clip = as_frames and path.is_dir()
            files = list_media(path) if path.is_dir() and not is_clip else [path]
        except InputError as error:
            problems.append(error)
            continue
        for file in files:
            try:
                sources.setdefault(file.resolve(), Source(file, "sequence" if is_clip else classify(file)))
            except InputError as error:
                problems.append(error)
    return list(sources.values()), problems


def find_remarks(inputs: Iterable[Path], *, as_frames: bool = False) -> list[str]:
    """Return a sentence on each file in the folders that is skipped, and on gaps between frames."""
    remarks = []
    for path in inputs:
        if path.is_dir():
            with suppress(InputError):  # `find_sources` reports it
                remarks += [f"{path}: {remark}" for remark in folder_remarks(path, as_frames=as_frames)]
    return remarks


class SourceFiles:
    """The files and folders that a run reads, known by any name or link. No result may replace them."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._known: set[tuple[int, int]] = set()
        for source in sources:
            with suppress(InputError):  # a folder without frames fails when its turn comes
                self._known.update(_file_id(path) for path in (source.path, *source.files()) if path.exists())

    def __contains__(self, path: Path) -> bool:
        return path.exists() and _file_id(path) in self._known


def _file_id(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
