"""Three sets of flat photos with eye fixations, free viewing: OSIE, Saliency in Crowd, and Scene.

The layout is this project's (`atsal.gaze.readers.fixations2d`). Sets of which only density maps exist, without
fixations, are no data sets here; `read_density_maps` reads them.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath

import numpy as np

from atsal.datasets.dataset import Dataset, Found, ItemGaze, RawItem, Stimulus
from atsal.errors import DataError
from atsal.gaze.readers.fixations2d import read_fixations2d
from atsal.gaze.reading import Reading
from atsal.gaze.records import Direction, PlanarFixations
from atsal.untrusted.archives import open_archive
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.text import shorten_list

_TABLES = ("fixations.csv.gz", "fixations.csv")
_ENDINGS = (".webp", ".png", ".jpg", ".jpeg")
_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_OSIE = tuple(str(number) for number in range(1001, 1701))
_EXCHANGEABLE = "scene"  # a copy of its table is about whose u and v stand in each other's place
_EXCHANGED = 1.15  # deviation of v over that of u
_FEWEST_PHOTOS = 50
_500 = tuple(f"{number:03d}" for number in range(1, 501))


def _tree(name: str, first: str) -> str:
    return f"""\
{name}/
├── fixations.csv.gz    or fixations.csv: image,observer,fixation,u,v,duration_ms
└── images.zip          or images/: {first}.webp (or .png, .jpg), …"""


def _find(name: str, ids: tuple[str, ...], source: Path) -> Found:
    """The photos that the table tells of, each with its picture if there is one."""
    table = _table(name, ids, source)
    names, pictures = _read(table, table.stat().st_mtime_ns).records, _pictures(table.parent)
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
    return Found(tuple(items), tuple(_missing(ids, items, table)))


def _read_item(name: str, item: RawItem, _direction: Direction, _stimulus: Stimulus) -> ItemGaze:
    """All fixations of one photo, the first ones too."""
    table = item.logs[0]
    reading = _read(table, table.stat().st_mtime_ns)
    if item.id not in reading.records:
        raise DataError(f"{table}: no fixation on {item.id}")
    fixations = reading.records[item.id]
    notes = (*reading.notes, *(f"left out of the whole table: {drop}" for drop in reading.drops))
    if name == _EXCHANGEABLE and _is_exchanged(table, table.stat().st_mtime_ns):
        fixations = replace(fixations, u=fixations.v, v=fixations.u)
        notes = (*notes, f"{table}: its gaze spreads more in v than in u: the columns are exchanged, and turned back")
    return ItemGaze(fixations=fixations, notes=notes)


@lru_cache(maxsize=2)
def _is_exchanged(table: Path, mtime_ns: int) -> bool:
    """Whether u and v of a whole set stand in each other's place.

    Viewers of photos look around more to the sides than up and down: the deviation of v is .92 of that of u on OSIE and
    .76 on Saliency in Crowd. Of too few photos nothing is told.
    """
    photos = _read(table, mtime_ns).records.values()
    u, v = (np.concatenate([getattr(photo, name) for photo in photos]) for name in "uv")
    return len(photos) >= _FEWEST_PHOTOS and float(v.std()) > _EXCHANGED * float(u.std())


def _table(name: str, ids: tuple[str, ...], source: Path) -> Path:
    for folder in (source, source / name):
        for table in _TABLES:
            if (folder / table).is_file():
                return folder / table
    below = [file for table in _TABLES for file in sorted(source.glob(f"*/{table}"))]
    if len(below) == 1:
        return below[0]
    several = f"; found {len(below)} in the folders below it: give the one of {name}" if below else ""
    raise DataError(
        f"{source}: no {_TABLES[0]} or {_TABLES[1]} there or in {name}{several}. Expected:\n{_tree(name, ids[0])}\n"
        f"The gaze is from {DATASETS[name].url}"
    )


def _pictures(folder: Path) -> dict[str, tuple[Path, str | None]]:
    """Where the picture of each photo is: a file, or an archive and the name inside."""
    unpacked = folder / "images"
    if unpacked.is_dir():
        return {file.stem: (file, None) for file in sorted(unpacked.iterdir()) if file.suffix.lower() in _ENDINGS}
    archive = folder / "images.zip"
    if not archive.is_file():
        return {}
    with open_archive(archive, ErrorFactory(DataError, archive, "copy it again")) as opened:
        members = [PurePosixPath(name) for name in sorted(opened.names)]
    return {m.stem: (archive, str(m)) for m in members if m.suffix.lower() in _ENDINGS and "__MACOSX" not in m.parts}


def _missing(ids: tuple[str, ...], items: list[RawItem], table: Path) -> Iterator[str]:
    there = {item.id for item in items}
    without = [image for image in ids if image not in there]
    if without:
        yield f"fixations on {shorten_list(without)} (looked in {table})"
    bare = [item.id for item in items if item.stimulus is None]
    if bare:
        yield f"photos {shorten_list(bare)} (looked in images and images.zip in {table.parent})"


@lru_cache(maxsize=2)
def _read(table: Path, _mtime_ns: int) -> Reading[dict[str, PlanarFixations]]:
    """One table tells of every photo: read once, not once a photo."""
    return read_fixations2d(table)


def _dataset(
    name: str,
    title: str,
    ids: tuple[str, ...],
    observers: str,
    sampling: str,
    sigma_width: float,
    url: str,
    citation: str,
    notes: tuple[str, ...],
) -> Dataset:
    return Dataset(
        name=name,
        title=title,
        stimuli="photos",
        items=len(ids),
        observers=observers,
        directions=("eye",),
        events="fixations",
        without_samples=True,
        sampling=sampling,
        sigma_deg={"eye": 1.0},
        sigma_width=sigma_width,
        licence="MIT",
        url=url,
        citation=citation,
        tree=_tree(name, ids[0]),
        find=partial(_find, name, ids),
        read=partial(_read_item, name),
        notes=(
            "v is counted from the top.",
            "The first fixation of each observer (number 0) is where the eye was before the photo came up. It is read, "
            "as in the authors' maps; training leaves it out (`read_fixations2d(first_fixation=1)`).",
            *notes,
        ),
    )


DATASETS = {
    "osie": _dataset(
        "osie",
        "OSIE",
        _OSIE,
        "15, each saw every photo",
        "fixations as the authors detected them; photos of 800x600 for 3 s",
        24 / 800,
        "https://github.com/NUS-VIP/predicting-human-gaze-beyond-pixels",
        "J. Xu, M. Jiang, S. Wang, M. S. Kankanhalli, Q. Zhao: Predicting human gaze beyond pixels. Journal of Vision "
        "14(1):28, 2014",
        ("The authors' maps use a Gaussian of 24 pixels.",),
    ),
    "crowd": _dataset(
        "crowd",
        "Saliency in Crowd",
        _500,
        "16, at least 15 a photo",
        "fixations as the authors detected them",
        26 / 1024,
        "https://github.com/NUS-VIP/saliency-in-crowd",
        "M. Jiang, J. Xu, Q. Zhao: Saliency in crowd. European Conference on Computer Vision (ECCV), 2014",
        ("The authors' maps use a Gaussian of 26 pixels on photos of 1024x768.",),
    ),
    "scene": _dataset(
        "scene",
        "Scene",
        _500,
        "12, at least 9 a photo",
        "fixations as the authors detected them",
        1 / 32,
        "https://github.com/Yanakz/Scene",
        "H. Liang, M. Jiang, R. Liang, Q. Zhao: Saliency prediction with scene structural guidance. IEEE International "
        "Conference on Systems, Man, and Cybernetics (SMC), 2017",
        (
            "The authors speak of 15 observers; this table holds 12.",
            "A copy of the table is about whose u and v are exchanged (gaze then misses what the photos show). It is "
            "told by its spread, 1.32 times as high as wide, and turned back, with a note.",
            "Numbers are missing in some scanpaths, number 0 in 3 % of them.",
            "The width of the authors' Gaussian is not known; 1/32 of the photo's width is this project's choice.",
        ),
    ),
}
