"""Files that arrive in a folder, each as soon as nothing changes it any more."""

import time
from collections.abc import Iterator
from pathlib import Path

from atsal.errors import MediaError
from atsal.video.media_files import list_media

_POLL_S = 2.0
_Stamp = tuple[int, int]  # size, and time of the last change


def steady_files(folder: Path, poll_s: float = _POLL_S) -> Iterator[list[Path]]:
    """Yield, for ever, the images and videos of a folder that are new or changed, and the same at two looks.

    An empty file is not steady. A missing folder is empty.
    """
    before: dict[Path, _Stamp] = {}
    given: dict[Path, _Stamp] = {}
    while True:
        stamps = _look(folder)
        steady = {path: stamp for path, stamp in stamps.items() if stamp[0] and before.get(path) == stamp}
        new = [path for path, stamp in steady.items() if given.get(path) != stamp]
        given |= {path: steady[path] for path in new}
        before = stamps
        if new:
            yield new
        else:
            time.sleep(poll_s)


def _look(folder: Path) -> dict[Path, _Stamp]:
    try:
        found = list_media(folder)
    except MediaError:
        return {}
    stamps = {}
    for path in found:
        try:
            status = path.stat()
        except OSError:  # moved away meanwhile
            continue
        stamps[path] = status.st_size, status.st_mtime_ns
    return stamps
