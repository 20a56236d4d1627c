"""VR-EyeTracking: 208 videos with the gaze of 45 viewers, at least 31 a video (Xu et al., CVPR 2018)."""

import re
import zipfile
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from atsal.datasets.dataset import Dataset, Found, ItemGaze, RawItem, Stimulus
from atsal.datasets.prepared.item_fixations import within_video
from atsal.datasets.raw_files import collect, files_below, is_blank, missing_files, nothing_found
from atsal.errors import DataError, MissingDependencyError, install_hint
from atsal.gaze.readers.vr_eyetracking import read_vr_eyetracking
from atsal.gaze.reading import DropCounter
from atsal.gaze.records import Direction, GazeSamples
from atsal.untrusted.text import short_repr

URL = "https://github.com/xuyanyu-shh/VR-EyeTracking"
SPLIT_FILE = "train_test_set.xlsx"
TREE = """\
Gaze_txt_files/p001/180._2017-10-13-10-28_ori_0.txt   (a folder a viewer; <video>.<date>...)
videos/001.mp4 ... 215.mp4
train_test_set.xlsx                                   (the published split)"""

_LARGEST_BOOK = 32 * 2**20  # bytes of the workbook with the split, unpacked
_MOST_SHEETS, _MOST_ROWS = 20, 100_000
_ABSENT = {36, 61, 84, 86, 107, 108, 207}
_LOG = re.compile(r"(\d{3})(?!\d).*\.txt", re.IGNORECASE)
_VIDEO = re.compile(r"(\d{3})\.mp4", re.IGNORECASE)
_NUMBER = re.compile(r"0*([1-9]\d{0,2})(?:\.0|\.mp4)?")


def _numbers(text: str) -> tuple[str, ...]:
    """'1-3 7' -> 001, 002, 003, 007."""
    ranges = [[int(end) for end in part.split("-")] for part in text.split()]
    return tuple(f"{n:03d}" for first, *last in ranges for n in range(first, (last or [first])[0] + 1))


IDS = tuple(f"{n:03d}" for n in range(1, 216) if n not in _ABSENT)
_PUBLISHED_TRAIN = _numbers("1-22 35 37-57 72-83 85 87-95 109-130 144-165 179-202")
_CA_SUM_TRAIN = _numbers(
    "1-35 37-60 62-83 85 87-101 103-106 109-126 128 137-138 141-142 145 158 167 172 174 181-182 193-194 196 198 202 "
    "206 211 214-215"
)
_SST_SAL_TRAIN = _numbers(
    "1 3 5-6 10 12-16 18 20 22 25-26 29-30 32-35 41 43-44 46 49 52-54 56-60 64-70 72 75 83 87 90 92 94-95 97 99-100 "
    "103 110 112 117-118 123-124 129 131-136 140 143 148-151 153-154 159-161 163-166 168-171 173 175 177-180 183-184 "
    "186 188-190 192 195 199-201 203-205 210 212"
)
_SST_SAL_TEST = _numbers("19 27-28 39-40 47 73-74 80-81 96 98 115 119 121 125 130 139 144 146-147 158 185 194 213")


def _rest(train: tuple[str, ...], *, without: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    return {"train": train, "test": tuple(n for n in IDS if n not in train and n not in without)}


def find(source: Path) -> Found:
    """The videos that have gaze; logs and videos may lie up to three folders deeper.

    Raises `DataError` where there is no gaze file of the set.
    """
    logs: dict[str, list[Path]] = {}
    for log in files_below(source, "p[0-9]*/*.txt"):
        if match := _LOG.fullmatch(log.name):
            logs.setdefault(match[1], []).append(log)
    if not logs:
        raise nothing_found(source, "gaze of VR-EyeTracking", TREE, URL)
    videos = collect(files_below(source, "*.mp4"), _video_number)
    items = [RawItem(name, videos.get(int(name)), tuple(sorted(logs[name]))) for name in sorted(logs)]
    missing = missing_files(source, [item.id for item in items if item.stimulus is None], "videos/<number>.mp4")
    missing += missing_files(source, [name for name in IDS if name not in logs], "Gaze_txt_files/p*/<number>*.txt")
    return Found(tuple(items), tuple(missing))


def _video_number(name: str) -> int | None:
    match = _VIDEO.fullmatch(name)
    return int(match[1]) if match else None


def read(item: RawItem, _direction: Direction, stimulus: Stimulus) -> ItemGaze:
    """The samples of each viewer; of several logs of one viewer the longest one."""
    drops, notes = DropCounter(), list[str]()
    logs: dict[str, list[tuple[int, GazeSamples, Path]]] = {}
    for log in item.logs:
        if is_blank(log):
            drops.add("empty log of a viewer", str(log))
            continue
        reading = read_vr_eyetracking(log, stimulus.frames_per_s)
        drops.merge(reading.drops)
        notes += reading.notes
        samples = within_video(reading.records, stimulus.frames, str(log), drops)
        logs.setdefault(samples.observer, []).append((len(samples), samples, log))
    found = []
    for own in logs.values():
        longest = max(own, key=lambda entry: entry[0])
        found.append(longest[1])
        for count, _, log in own:
            drops.add("another log of the same viewer is longer", str(log), count if log != longest[2] else 0)
    return ItemGaze(tuple(track for track in found if len(track)), None, drops.result(), tuple(notes))


def read_splits(source: Path) -> dict[str, dict[str, tuple[str, ...]]]:
    """The published split from the release's own file, wherever it lies below `source`; none if it is not there."""
    files = files_below(source, SPLIT_FILE)
    return {"published": read_split_file(files[0])} if files else {}


def read_split_file(path: Path) -> dict[str, tuple[str, ...]]:
    """Read `train_test_set.xlsx`: the videos' numbers in the first columns of the sheets `train_set` and `test_set`.

    The sheets' names and that there is no header are as public readers of the file have them; a sheet whose name
    contains the word will do, and one line of text above the numbers. Raises `DataError` for anything else and for a
    video on both sides, `MissingDependencyError` without openpyxl.
    """
    sheets = _sheets(path)
    parts: dict[str, tuple[str, ...]] = {}
    for part in ("train", "test"):
        names = [name for name in sheets if part in name.lower()]
        if len(names) != 1:
            raise DataError(f"{path}: expected one sheet named {part}_set, found the sheets {short_repr(list(sheets))}")
        parts[part] = tuple(_cells(path, names[0], sheets[names[0]]))
    both = set(parts["train"]) & set(parts["test"])
    if both or not all(parts.values()):
        found = f"{', '.join(sorted(both))} in both parts" if both else "a part without videos"
        raise DataError(f"{path}: {found}; expected each video in one part")
    return parts


def _sheets(path: Path) -> dict[str, list[Any]]:
    """The first column of each sheet."""
    try:
        openpyxl: Any = import_module("openpyxl")
    except ImportError as error:
        raise MissingDependencyError(f"reading {path.name} needs openpyxl: {install_hint('data')}") from error
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(member.file_size for member in packed.infolist())
        if size > _LARGEST_BOOK:
            raise DataError(f"{path}: {size:,} bytes when unpacked; expected the numbers of {len(IDS)} videos")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        found = {sheet.title: _first_column(path, sheet) for sheet in book.worksheets[:_MOST_SHEETS]}
        book.close()
    except DataError:
        raise
    except Exception as error:  # a damaged workbook ends in almost any exception
        text = short_repr(str(error), 200)
        raise DataError(f"{path}: not an Excel workbook ({text}); copy or download it again") from error
    return found


def _first_column(path: Path, sheet: Any) -> list[Any]:
    """Its cells down to the last that holds something; rows may be stated without end."""
    cells: list[Any] = []
    for row, (cell, *_) in enumerate(sheet.iter_rows(max_col=1, max_row=_MOST_ROWS, values_only=True)):
        if cell is not None:
            cells += [None] * (row - len(cells)) + [cell]
    if len(cells) >= _MOST_ROWS:
        raise DataError(f"{path}, sheet {short_repr(sheet.title)}: {_MOST_ROWS:,} rows and more; expected one a video")
    return cells


def _cells(path: Path, sheet: str, cells: list[Any]) -> Iterator[str]:
    for row, cell in enumerate(cells, 1):
        match = _NUMBER.fullmatch(str(cell).strip())
        if match:
            yield f"{int(match[1]):03d}"
        elif cell is not None and row > 1:
            raise DataError(
                f"{path}, sheet {short_repr(sheet)}, row {row}: found {short_repr(cell)}, expected the number of a "
                "video"
            )


_SPLITS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    # the release's file, as listed in MiguelFRomeroR/Analysis-of-head-motion-prediction-in-VR and LTTM/SalFormer360
    "published": _rest(_PUBLISHED_TRAIN),
    # IDT-ITI/CA-SUM-360, data/VR-EyeTracking: the lists leave out 102 and 149, the readme says 102 and 131
    "ca-sum-360": _rest(_CA_SUM_TRAIN, without=("102", "149")),
    # edurnebernal/SST-Sal, data/*_split_VRET.txt
    "sst-sal": {"train": _SST_SAL_TRAIN, "test": _SST_SAL_TEST},
}

DATASET = Dataset(
    name="vr-eyetracking",
    title="VR-EyeTracking",
    stimuli="videos",
    items=208,
    observers="45, at least 31 a video",
    directions=("head_eye", "head"),
    events="samples",
    sampling="one sample a frame of the video (24 to 60 a second); HTC Vive with the 7invensun eye tracker",
    sigma_deg={"head_eye": 9.35, "head": 9.35},
    licence="none stated; ask the authors for other than research use",
    url=URL,
    citation="Xu, Dong, Wu, Sun, Shi, Yu, Gao: Gaze Prediction in Dynamic 360° Immersive Videos. CVPR 2018",
    tree=TREE,
    find=find,
    read=read,
    start_lonlat_deg=(0.0, 0.0),
    splits=_SPLITS,
    read_splits=read_splits,
    notes=(
        "positions count from the left lower corner and frames from 1: turned round and shifted here",
        "the released maps of ATSal's authors (9.35°) were made of all samples of a frame",
        "the release's readme speaks of 215 videos; 036, 061, 084, 086, 107, 108 and 207 do not exist",
    ),
)
