"""Three sets of flat photos with eye fixations, free viewing: OSIE, Saliency in Crowd, and Scene.

The layout of the files is this project's (`atsal.gaze.readers.fixations2d`). Density maps without fixations are no data
set; `read_density_maps` reads them.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from atsal.datasets.dataset import Dataset, FoundItems, ItemGaze, RawItem, Stimulus
from atsal.datasets.raw_files import cached_until_changed
from atsal.errors import DataError
from atsal.gaze.checked_records import CheckedRecords
from atsal.gaze.readers.fixations2d import read_fixations2d
from atsal.gaze.records import Direction, PlanarFixations
from atsal.untrusted.archives import open_archive
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.text import shorten_list

_TABLES = ("fixations.csv.gz", "fixations.csv")
_ENDINGS = (".webp", ".png", ".jpg", ".jpeg")
_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_OSIE = tuple(str(number) for number in range(1001, 1701))
_500 = tuple(f"{number:03d}" for number in range(1, 501))
_MAY_BE_SWAPPED = "scene"  # in some copies of its table u and v are swapped
_SWAPPED = 1.15  # standard deviation of v over that of u, from which on they are
_FEWEST_PHOTOS = 50


def _expected_files(name: str, first: str) -> str:
    return f"""\
{name}/
├── fixations.csv.gz    or fixations.csv: image,observer,fixation,u,v,duration_ms
└── images.zip          or images/: {first}.webp (or .png, .jpg), …"""


def _find(name: str, ids: tuple[str, ...], source: Path) -> FoundItems:
    """Find the photos in the table, each with its picture if there is one."""
    table = _find_table(name, ids, source)
    names, pictures = _read_table(table).records, _find_pictures(table.parent)
    unsafe = [image for image in names if not _SAFE_NAME.fullmatch(image)]
    if unsafe:
        raise DataError(f"{table}: image {unsafe[0]!r}; expected letters, digits, - _ and . only")
    if not names.keys() & set(ids):
        raise DataError(
            f"{table}: none of the photos {ids[0]} … {ids[-1]} of {name}; found {shorten_list(list(names))}"
        )
    items = []
    for image in sorted(names):
        stimulus, member = pictures.get(image, (None, None))
        items.append(RawItem(image, stimulus, (table,), member))
    return FoundItems(tuple(items), tuple(_missing(ids, items, table)))


def _read(name: str, item: RawItem, _direction: Direction, _stimulus: Stimulus) -> ItemGaze:
    """Read all fixations on one photo, including the first of each observer."""
    table = item.logs[0]
    reading = _read_table(table)
    if item.id not in reading.records:
        raise DataError(f"{table}: no fixation on {item.id}")
    fixations = reading.records[item.id]
    notes = (*reading.notes, *(f"left out of the whole table: {drop}" for drop in reading.drops))
    if name == _MAY_BE_SWAPPED and _is_swapped(table):
        fixations = replace(fixations, u=fixations.v, v=fixations.u)
        notes = (*notes, f"{table}: its gaze spreads more in v than in u: the columns are swapped; swapped back")
    return ItemGaze(fixations=fixations, notes=notes)


@cached_until_changed(maxsize=2)  # one table holds all photos
def _read_table(table: Path) -> CheckedRecords[dict[str, PlanarFixations]]:
    return read_fixations2d(table)


@cached_until_changed(maxsize=2)
def _is_swapped(table: Path) -> bool:
    """Return whether u and v of a whole set are swapped; False for too few photos.

    Viewers of photos look around more to the sides than up and down: the standard deviation of v is .92 of that of u on
    OSIE and .76 on Saliency in Crowd.
    """
    photos = _read_table(table).records.values()
    u, v = (np.concatenate([getattr(photo, name) for photo in photos]) for name in "uv")
    return len(photos) >= _FEWEST_PHOTOS and float(v.std()) > _SWAPPED * float(u.std())


def _find_table(name: str, ids: tuple[str, ...], source: Path) -> Path:
    for folder in (source, source / name):
        for table in _TABLES:
            if (folder / table).is_file():
                return folder / table
    below = [file for table in _TABLES for file in sorted(source.glob(f"*/{table}"))]
    if len(below) == 1:
        return below[0]
    several = f"; found {len(below)} in the folders below it: pass the folder of {name}" if below else ""
    raise DataError(
        f"{source}: no {_TABLES[0]} or {_TABLES[1]} there or in {name}{several}. Expected:\n"
        f"{_expected_files(name, ids[0])}\nThe gaze is from {_URLS[name]}"
    )


def _find_pictures(folder: Path) -> dict[str, tuple[Path, str | None]]:
    """Return the file of the picture of each photo, or an archive and the name inside."""
    unpacked, archive = folder / "images", folder / "images.zip"
    if unpacked.is_dir():
        return {file.stem: (file, None) for file in sorted(unpacked.iterdir()) if file.suffix.lower() in _ENDINGS}
    if not archive.is_file():
        return {}
    with open_archive(archive, ErrorFactory(DataError, archive, "copy it again")) as opened:
        members = [PurePosixPath(name) for name in sorted(opened.names)]
    return {m.stem: (archive, str(m)) for m in members if m.suffix.lower() in _ENDINGS and "__MACOSX" not in m.parts}


def _missing(ids: tuple[str, ...], items: list[RawItem], table: Path) -> Iterator[str]:
    found = {item.id for item in items}
    without_gaze = [image for image in ids if image not in found]
    if without_gaze:
        yield f"fixations on {shorten_list(without_gaze)}: not in {table}"
    without_picture = [item.id for item in items if item.stimulus is None]
    if without_picture:
        yield f"photos {shorten_list(without_picture)}: not in images or images.zip in {table.parent}"


_URLS = {
    "osie": "https://github.com/NUS-VIP/predicting-human-gaze-beyond-pixels",
    "crowd": "https://github.com/NUS-VIP/saliency-in-crowd",
    "scene": "https://github.com/Yanakz/Scene",
}


def _dataset(name: str, title: str, ids: tuple[str, ...], *, notes: tuple[str, ...], **declared: Any) -> Dataset:
    return Dataset(
        name=name,
        title=title,
        stimuli="photos",
        items=len(ids),
        directions=("eye",),
        events="fixations",
        has_samples=False,
        sigma_deg={"eye": 1.0},
        licence="MIT",
        url=_URLS[name],
        expected_files=_expected_files(name, ids[0]),
        find=partial(_find, name, ids),
        read=partial(_read, name),
        notes=(
            "v is counted from the top.",
            "The first fixation of each observer (number 0) is where the eye was before the photo appeared. It is "
            "read, as in the authors' maps; training leaves it out (`read_fixations2d(first_fixation=1)`).",
            *notes,
        ),
        **declared,
    )


DATASETS = (
    _dataset(
        "osie",
        "OSIE",
        _OSIE,
        observers="15, each saw every photo",
        sampling="fixations as the authors detected them; photos of 800x600 for 3 s",
        sigma_width=24 / 800,
        citation="J. Xu, M. Jiang, S. Wang, M. S. Kankanhalli, Q. Zhao: Predicting human gaze beyond pixels. Journal "
        "of Vision 14(1):28, 2014",
        notes=("The authors' maps use a Gaussian of 24 pixels.",),
    ),
    _dataset(
        "crowd",
        "Saliency in Crowd",
        _500,
        observers="16, at least 15 a photo",
        sampling="fixations as the authors detected them",
        sigma_width=26 / 1024,
        citation="M. Jiang, J. Xu, Q. Zhao: Saliency in crowd. European Conference on Computer Vision (ECCV), 2014",
        notes=("The authors' maps use a Gaussian of 26 pixels on photos of 1024x768.",),
    ),
    _dataset(
        "scene",
        "Scene",
        _500,
        observers="12, at least 9 a photo",
        sampling="fixations as the authors detected them",
        sigma_width=1 / 32,
        citation="H. Liang, M. Jiang, R. Liang, Q. Zhao: Saliency prediction with scene structural guidance. IEEE "
        "International Conference on Systems, Man, and Cybernetics (SMC), 2017",
        notes=(
            "The authors speak of 15 observers; this table holds 12.",
            "In some copies of the table u and v are swapped, so that gaze misses what the photos show. Their gaze "
            "spreads 1.32 times as high as wide: `prepare` swaps them back, with a note.",
            "Numbers are missing in some scanpaths, number 0 in 3 % of them.",
            "The width of the authors' Gaussian is not known; 1/32 of the photo's width is this project's choice.",
        ),
    ),
)
