"""Sport360: 104 sports videos as pictures, with gaze of 20 and more viewers (Zhang et al., ECCV 2018)."""

import re
from functools import lru_cache
from pathlib import Path

from atsal.datasets.dataset import Dataset, Found, ItemGaze, RawItem, Stimulus
from atsal.datasets.prepared.item_fixations import within_video
from atsal.datasets.raw_files import files_below, missing_files, nothing_found
from atsal.errors import DataError
from atsal.gaze.checked_records import CheckedRecords, DropCounter
from atsal.gaze.readers.sport360 import read_sport360
from atsal.gaze.records import Direction, Fixations

URL = "https://github.com/xuyanyu-shh/Saliency-detection-in-360-video"
TREE = """\
vinfo.pkl
217/0001.jpg  217/0001_gt.npy  217/0002.jpg ...     (a folder a video, 217 to 320; the maps *_gt.npy are not needed)"""

IDS = tuple(str(number) for number in range(217, 321))
_PICTURES = "*.[jJ][pP][gG]"
_TEST = (
    "218 220 226 239 243 244 246 248 250 255 261 264 272 277 291 299 300 301 303 304 306 313 314 316"  # see `splits`
)


def find(source: Path) -> Found:
    """The 104 videos; `vinfo.pkl` and the folders of pictures may lie up to three folders deeper.

    The names are those of the folders of pictures; without any, those of the whole set. Raises `DataError` without
    `vinfo.pkl`.
    """
    pickles = files_below(source, "vinfo.pkl")
    if not pickles:
        raise nothing_found(source, "vinfo.pkl of Sport360", TREE, URL)
    folders: dict[str, Path] = {}
    for folder in files_below(source, "[0-9][0-9][0-9]"):
        if folder.is_dir() and any(folder.glob(_PICTURES)):
            folders.setdefault(folder.name, folder)
    items = [RawItem(name, folders.get(name), (pickles[0],)) for name in sorted(folders) or IDS]
    absent = [name for name in IDS if name not in folders]
    return Found(tuple(items), tuple(missing_files(source, absent, "<video>/0001.jpg ...")))


def read(item: RawItem, _direction: Direction, stimulus: Stimulus) -> ItemGaze:
    """All points of the video's frames, as fixations of one observer."""
    log = item.logs[0]
    state = log.stat()
    readings = _read(log, state.st_size, state.st_mtime_ns)
    if item.id not in readings:
        raise DataError(f"{log}: no video {item.id}; it holds {', '.join(sorted(readings)[:5])} ...")
    reading, drops = readings[item.id], DropCounter()
    drops.merge(reading.drops)
    if item.stimulus is not None:
        _check_pictures(item.stimulus)
    fixations = within_video(reading.records, stimulus.frames, f"{log}, video {item.id}", drops)
    return ItemGaze(fixations=fixations, drops=drops.result(), notes=reading.notes)


@lru_cache(maxsize=1)
def _read(log: Path, _size: int, _mtime_ns: int) -> dict[str, CheckedRecords[Fixations]]:
    """All videos stand in one file: read it once."""
    return read_sport360(log)


def _check_pictures(folder: Path) -> None:
    """Gaze is found by the pictures' numbers, pictures by their order: they agree only without gaps."""
    numbers = sorted(int(file.stem) for file in folder.glob(_PICTURES) if re.fullmatch(r"\d+", file.stem))
    for expected, number in enumerate(numbers, 1):
        if number != expected:
            raise DataError(
                f"{folder}: no picture {expected:04d}.jpg, found {number:04d}.jpg next; copy the folder again"
            )


DATASET = Dataset(
    name="sport360",
    title="Sport360",
    stimuli="videos",
    items=104,
    observers="unnamed, 20 or more a video",
    directions=("head_eye",),
    events="fixations",
    without_samples=True,
    sampling="one point a viewer and frame; no times",
    sigma_deg={"head_eye": 9.0},
    licence="none stated for the data; the code is MIT",
    url=URL,
    citation="Zhang, Xu, Yu, Gao: Saliency Detection in 360° Videos. ECCV 2018",
    tree=TREE,
    find=find,
    read=read,
    splits={
        # what the authors' code draws, Random(367643).sample(sorted videos, 80), is trained on
        "published": {"train": tuple(name for name in IDS if name not in _TEST.split()), "test": tuple(_TEST.split())}
    },
    notes=(
        "viewers are not told apart: all points are of one observer, so there are no scanpaths and no human ceiling",
        "the pictures are numbered from 1; a folder of pictures with a gap is refused",
        "the pictures' rate is not known: windows are of frames, not of seconds",
    ),
)
