"""Sport360: 104 sports videos as pictures, with gaze of 20 and more viewers (Zhang et al., ECCV 2018)."""

from pathlib import Path

from atsal.datasets.dataset import Dataset, FoundItems, ItemGaze, RawItem, Stimulus
from atsal.datasets.raw_files import cached_until_changed, find_files, nothing_found, report_missing
from atsal.errors import DataError
from atsal.gaze.checked_records import CheckedRecords
from atsal.gaze.readers.sport360 import read_sport360
from atsal.gaze.records import Direction, Fixations

_URL = "https://github.com/xuyanyu-shh/Saliency-detection-in-360-video"
_FILES = """\
vinfo.pkl
217/0001.jpg  217/0001_gt.npy  217/0002.jpg ...     (a folder a video, 217 to 320; the maps *_gt.npy are not needed)"""

IDS = tuple(str(number) for number in range(217, 321))
_PICTURES = "*.[jJ][pP][gG]"
_TEST = (
    "218 220 226 239 243 244 246 248 250 255 261 264 272 277 291 299 300 301 303 304 306 313 314 316"  # see `splits`
)


def find(source: Path) -> FoundItems:
    """Find the videos: those that have a folder of pictures, or all 104 where there is no such folder.

    Raises `DataError` if there is no `vinfo.pkl`.
    """
    logs = find_files(source, "vinfo.pkl")
    if not logs:
        raise nothing_found(source, "vinfo.pkl of Sport360", _FILES, _URL)
    folders: dict[str, Path] = {}
    for folder in find_files(source, "[0-9][0-9][0-9]"):
        if folder.is_dir() and any(folder.glob(_PICTURES)):
            folders.setdefault(folder.name, folder)
    items = tuple(RawItem(name, folders.get(name), (logs[0],)) for name in sorted(folders) or IDS)
    missing = report_missing(source, [name for name in IDS if name not in folders], "<video>/0001.jpg ...")
    return FoundItems(items, tuple(missing))


def read(item: RawItem, _direction: Direction, _stimulus: Stimulus) -> ItemGaze:
    """Read all points of the video's frames, as fixations of one observer."""
    log = item.logs[0]
    videos = _read_videos(log)
    if item.id not in videos:
        raise DataError(f"{log}: no video {item.id}; it holds {', '.join(sorted(videos)[:5])} ...")
    if item.stimulus is not None:
        _check_numbering(item.stimulus)
    reading = videos[item.id]
    return ItemGaze(fixations=reading.records, drops=reading.drops, notes=reading.notes)


@cached_until_changed(maxsize=1)  # one file holds all videos
def _read_videos(log: Path) -> dict[str, CheckedRecords[Fixations]]:
    return read_sport360(log)


def _check_numbering(folder: Path) -> None:
    """Raise `DataError` if a picture is missing: gaze refers to pictures by number, frames are taken in order."""
    numbers = sorted(int(file.stem) for file in folder.glob(_PICTURES) if file.stem.isdecimal())
    for expected, number in enumerate(numbers, 1):
        if number != expected:
            raise DataError(
                f"{folder}: found {number:04d}.jpg, expected {expected:04d}.jpg before it; copy the folder again"
            )


SPORT360 = Dataset(
    name="sport360",
    title="Sport360",
    stimuli="videos",
    items=104,
    observers="unnamed, 20 or more a video",
    directions=("head_eye",),
    events="fixations",
    has_samples=False,
    sampling="one point a viewer and frame; no times",
    sigma_deg={"head_eye": 9.0},
    licence="none stated for the data; the code is MIT",
    url=_URL,
    citation="Zhang, Xu, Yu, Gao: Saliency Detection in 360° Videos. ECCV 2018",
    expected_files=_FILES,
    find=find,
    read=read,
    splits={
        # the authors' code trains on Random(367643).sample(sorted videos, 80)
        "published": {"train": tuple(name for name in IDS if name not in _TEST.split()), "test": tuple(_TEST.split())}
    },
    notes=(
        "viewers are not told apart: all points are of one observer, so there are no scanpaths and no human ceiling",
        "the pictures are numbered from 1; a folder of pictures with a gap is refused",
        "the pictures' rate is not known: windows are of frames, not of seconds",
    ),
)

DATASETS = (SPORT360,)
