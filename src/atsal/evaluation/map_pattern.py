"""Maps whose names follow a pattern: `{item}_saliency.png`, `{item}/maps/{frame}.png`."""

import re
from collections.abc import Sequence
from pathlib import Path

from atsal.errors import ConfigError, DataError
from atsal.evaluation.map_files import MapFiles, format_of, maps_at
from atsal.untrusted.files import is_inside
from atsal.untrusted.text import short_repr, shorten_list

_ITEM, _FRAME = "{item}", "{frame}"
_MAX_DIGITS = 18


def check_pattern(pattern: str) -> None:
    """Raise `ConfigError` unless a pattern names the item, and nothing unknown, below the folder of maps."""
    unknown = set(re.findall(r"\{[^}]*\}", pattern)) - {_ITEM, _FRAME}
    if _ITEM not in pattern or unknown or not is_inside(pattern) or _FRAME in pattern.rpartition("/")[0]:
        raise ConfigError(
            f"pattern {short_repr(pattern)}: expected a path below the folder of maps with {_ITEM} in it, and {_FRAME} "
            "in the name of the file if each frame has one, as in {item}_saliency.png or {item}/{frame}.png"
        )


def find_by_pattern(folder: Path, pattern: str, stems: Sequence[str]) -> MapFiles:
    """Find the maps in `folder` whose path is the pattern with one of the names in place of `{item}`.

    `{frame}` stands for the number of a frame, from 0. Raises `DataError` unless there are maps of exactly one name.
    """
    find = _find_frames if _FRAME in pattern else _find_one
    found = [maps for stem in stems if (maps := find(folder, pattern.replace(_ITEM, stem))) is not None]
    if len(found) == 1:
        return found[0]
    names = " and ".join(pattern.replace(_ITEM, stem) for stem in stems)
    if found:
        raise DataError(f"{folder}: {names} could all be the maps of {stems[0]}; leave one of them there")
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    raise DataError(f"{folder}: no maps of {stems[0]}; looked for {names}, found {shorten_list(there) or 'nothing'}")


def _find_one(folder: Path, name: str) -> MapFiles | None:
    path = folder / name
    return maps_at(path) if path.exists() else None


def _find_frames(folder: Path, name: str) -> MapFiles | None:
    parent = (folder / name).parent
    before, _, after = map(re.escape, Path(name).name.partition(_FRAME))
    expected = re.compile(rf"{before}(\d{{1,{_MAX_DIGITS}}}){after}", re.ASCII)
    matches = [expected.fullmatch(path.name) for path in parent.iterdir()] if parent.is_dir() else []
    files = {int(match[1]): parent / match[0] for match in matches if match}
    if not files:
        return None
    format_ = format_of(parent / name)
    if format_ not in ("npy", "picture"):
        raise DataError(f"{next(iter(files.values()))}: expected one .npy or picture for each frame")
    numbers = tuple(sorted(files))
    return MapFiles(parent, tuple(files[number] for number in numbers), format_, numbers)
