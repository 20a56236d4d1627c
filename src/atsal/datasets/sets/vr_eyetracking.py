"""VR-EyeTracking: 208 videos with the gaze of 45 viewers, at least 31 a video (Xu et al., CVPR 2018)."""

import re
import zipfile
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from atsal.datasets.dataset import Dataset, FoundItems, ItemGaze, RawItem, Stimulus
from atsal.datasets.raw_files import find_files, first_by_name, group_by_name, is_blank, nothing_found, report_missing
from atsal.errors import DataError, MissingDependencyError, install_hint
from atsal.gaze.checked_records import DropCounter
from atsal.gaze.readers.vr_eyetracking import read_vr_eyetracking
from atsal.gaze.records import Direction, GazeSamples
from atsal.untrusted.text import short_repr

_URL = "https://github.com/xuyanyu-shh/VR-EyeTracking"
_SPLIT_FILE = "train_test_set.xlsx"
_FILES = f"""\
Gaze_txt_files/p001/180._2017-10-13-10-28_ori_0.txt   (a folder a viewer; <video>.<date>...)
videos/001.mp4 ... 215.mp4
{_SPLIT_FILE}                                   (the published split)"""

_LARGEST_BOOK = 32 * 2**20  # bytes of the workbook with the split, unpacked
_MOST_SHEETS, _MOST_ROWS = 20, 100_000
_ABSENT = {36, 61, 84, 86, 107, 108, 207}
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


def find(source: Path) -> FoundItems:
    """Find the videos that have gaze. Raises `DataError` if there is no gaze file of the set."""
    logs = group_by_name(find_files(source, "p[0-9]*/*.txt"), r"(\d{3})(?!\d).*\.txt")
    if not logs:
        raise nothing_found(source, "gaze of VR-EyeTracking", _FILES, _URL)
    videos = first_by_name(find_files(source, "*.mp4"), r"(\d{3})\.mp4")
    items = tuple(RawItem(name, videos.get(name), tuple(sorted(logs[name]))) for name in sorted(logs))
    missing = report_missing(source, [name for name in sorted(logs) if name not in videos], "videos/<number>.mp4")
    missing += report_missing(source, [name for name in IDS if name not in logs], "Gaze_txt_files/p*/<number>*.txt")
    return FoundItems(items, tuple(missing))


def read(item: RawItem, _direction: Direction, stimulus: Stimulus) -> ItemGaze:
    """Read the samples of each viewer. Of several logs of one viewer the longest one counts."""
    drops, notes = DropCounter(), list[str]()
    longest: dict[str, tuple[GazeSamples, Path]] = {}
    for log in item.logs:
        if is_blank(log):
            drops.add("empty log of a viewer", str(log))
            continue
        reading = read_vr_eyetracking(log, stimulus.frames_per_s)
        drops.merge(reading.drops)
        notes += reading.notes
        samples, dropped = (reading.records, log), longest.get(reading.records.observer)
        if dropped is None or len(samples[0]) > len(dropped[0]):
            longest[reading.records.observer] = samples
        else:
            dropped = samples
        if dropped is not None:
            drops.add("another log of the same viewer is longer", str(dropped[1]), len(dropped[0]))
    return ItemGaze(tuple(samples for samples, _ in longest.values()), None, drops.result(), tuple(notes))


def read_splits(source: Path) -> dict[str, dict[str, tuple[str, ...]]]:
    """Read the published split from the release's own file, wherever it lies below `source`; none if it is missing."""
    files = find_files(source, _SPLIT_FILE)
    return {"published": read_split_file(files[0])} if files else {}


def read_split_file(path: Path) -> dict[str, tuple[str, ...]]:
    """Read `train_test_set.xlsx`: the videos' numbers in the first columns of the sheets `train_set` and `test_set`.

    Public readers of the file use these names of the sheets and expect no header. Any sheet whose name contains "train"
    or "test" will do, and one line of text above the numbers. Raises `DataError` for anything else and for a video in
    both parts, `MissingDependencyError` without openpyxl.
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
    """Return the first column of each sheet."""
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
    except Exception as error:  # a damaged workbook raises almost anything
        text = short_repr(str(error), 200)
        raise DataError(f"{path}: not an Excel workbook ({text}); copy or download it again") from error
    return found


def _first_column(path: Path, sheet: Any) -> list[Any]:
    """Return its cells down to the last that is not empty; a sheet may claim any number of rows."""
    cells: list[Any] = []
    for row, (cell, *_) in enumerate(sheet.iter_rows(max_col=1, max_row=_MOST_ROWS, values_only=True)):
        if cell is not None:
            cells += [None] * (row - len(cells)) + [cell]
    if len(cells) >= _MOST_ROWS:
        raise DataError(f"{path}, sheet {short_repr(sheet.title)}: {_MOST_ROWS:,} rows or more; expected one a video")
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
    # the release's file, as copied in MiguelFRomeroR/Analysis-of-head-motion-prediction-in-VR and LTTM/SalFormer360
    "published": _rest(_PUBLISHED_TRAIN),
    # IDT-ITI/CA-SUM-360, data/VR-EyeTracking: the lists leave out 102 and 149, the readme says 102 and 131
    "ca-sum-360": _rest(_CA_SUM_TRAIN, without=("102", "149")),
    # edurnebernal/SST-Sal, data/*_split_VRET.txt
    "sst-sal": {"train": _SST_SAL_TRAIN, "test": _SST_SAL_TEST},
}

VR_EYETRACKING = Dataset(
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
    url=_URL,
    citation="Xu, Dong, Wu, Sun, Shi, Yu, Gao: Gaze Prediction in Dynamic 360° Immersive Videos. CVPR 2018",
    expected_files=_FILES,
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

DATASETS = (VR_EYETRACKING,)
