"""Find the items of a plain folder: stimuli, and tables of gaze that have their names or name them in a column."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from atsal.datasets.dataset import FoundItems, RawItem
from atsal.errors import DataError
from atsal.gaze.readers.table_columns import COLUMNS_FILE
from atsal.untrusted.text import escape_controls, short_repr
from atsal.video.media_files import IMAGE_SUFFIXES, VIDEO_SUFFIXES, skipped_files

STIMULI = IMAGE_SUFFIXES | VIDEO_SUFFIXES
FILES = """\
<stimulus>.mp4 or .jpg, … and <stimulus>.csv or .parquet    (a table for each, of the same name)
or, for all stimuli together,
<stimulus>.mp4 or .jpg, … and gaze.csv or gaze.parquet      (with a column `item`: the stimulus's name)"""
_LONGEST_ID = 200  # characters; it is the name of a folder, with some more for variants

Names = Callable[[Path], Collection[str]]  # the values of the column of items of a table


def list_tables(source: Path, suffixes: Collection[str]) -> list[Path]:
    """Return the tables in a folder by name. Raises `DataError` without a folder or a table."""
    if not source.is_dir():
        raise DataError(f"{source}: no such folder; expected one with\n{FILES}")
    found = _files(source, suffixes)
    if not found:
        raise DataError(f"{source}: no table of gaze ({', '.join(sorted(suffixes))}) found; expected\n{FILES}")
    return found


def by_stem(files: Collection[Path]) -> dict[str, Path]:
    """Return files by their names without ending. Raises `DataError` for two of the same name."""
    found: dict[str, Path] = {}
    for file in files:
        if file.stem in found:
            raise DataError(f"{file.parent}: {found[file.stem].name} and {file.name} have the same name; keep one")
        found[file.stem] = file
    return found


def list_stimuli(source: Path) -> dict[str, Path]:
    """Return the images and videos in a folder by their names without ending."""
    return by_stem(_files(source, STIMULI))


def by_item(tables: Collection[Path], names_in: Names) -> dict[str, tuple[Path, ...]]:
    """Return the tables about each stimulus, by the names in their columns, without endings."""
    found: dict[str, tuple[Path, ...]] = {}
    for table in tables:
        stems = [stem_of(name) for name in names_in(table)]
        repeated = [name for name, count in Counter(stems).items() if count > 1]
        if repeated:
            name = escape_controls(repeated[0])
            raise DataError(f"{table}: several values of its column of items mean {name}; give each one name")
        for stem in stems:
            found[stem] = (*found.get(stem, ()), table)
    return found


def make_items(source: Path, stimuli: Mapping[str, Path], logs: Mapping[str, tuple[Path, ...]]) -> FoundItems:
    """Return the items that have tables, in order of name, and what is missing.

    The id of an item is the name of its stimulus; characters other than letters, digits, - _ . become _. Raises
    `DataError` if two ids are the same.
    """
    items = tuple(RawItem(safe_id(name), stimuli.get(name), logs[name]) for name in sorted(logs))
    _check_ids(source, [item.id for item in items], sorted(logs))
    missing = [
        f"a table for {stimuli[name].name}: no {name}.csv in {source}{_similar_files(source, name, (stimuli[name],))}"
        for name in sorted(stimuli.keys() - logs)
    ]
    missing += [
        f"the stimulus of {name}: no file of that name in {source}{_similar_files(source, name, logs[name])}"
        for name in sorted(logs.keys() - stimuli)
    ]
    used = {*stimuli.values(), *(table for own in logs.values() for table in own), source / COLUMNS_FILE}
    skipped = tuple(f"{source}: {text}" for text in skipped_files(source, used))
    return FoundItems(items, tuple(map(escape_controls, missing)), skipped)


def stem_of(name: str) -> str:
    """Return the name of a stimulus without its ending, if it has one."""
    path = Path(name)
    return path.stem if path.suffix.lower() in STIMULI else path.name


def safe_id(name: str) -> str:
    """Return a name as the name of a folder."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name).lstrip(".") or "_"


def _files(source: Path, suffixes: Collection[str]) -> list[Path]:
    files = (file for file in sorted(source.iterdir()) if not file.name.startswith("."))
    return [file for file in files if file.suffix.lower() in suffixes and file.is_file()]


def _similar_files(source: Path, name: str, partners: Collection[Path]) -> str:
    """Return the end of a message about files of nearly the same name: with other capitals or another ending."""
    similar = sorted(
        path.name
        for path in source.iterdir()
        if name.casefold() in (path.stem.casefold(), path.name.casefold()) and path not in partners
    )
    return f"; found {' and '.join(map(escape_controls, similar))}: rename or convert it" if similar else ""


def _check_ids(source: Path, ids: list[str], names: list[str]) -> None:
    name_of: dict[str, str] = {}
    for item, name in zip(ids, names, strict=True):
        if len(item) > _LONGEST_ID:
            length = f"a name of {len(item)} characters; expected at most {_LONGEST_ID}"
            raise DataError(f"{source}: {short_repr(name)}: {length}")
        if item in name_of:
            both = f"{escape_controls(name_of[item])} and {escape_controls(name)}"
            raise DataError(f"{source}: {both} would both be item {item}; rename one")
        name_of[item] = name
