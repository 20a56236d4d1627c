"""AVTrack360 (Fremerey et al. 2018): where 48 viewers pointed their heads during 20 videos of 30 s."""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from atsal.datasets.dataset import Dataset, Found, ItemGaze, RawItem, Stimulus
from atsal.errors import DataError
from atsal.gaze.readers.avtrack360 import read_videos
from atsal.gaze.reading import Reading
from atsal.gaze.records import Direction, GazeSamples
from atsal.untrusted.text import shorten_list

_HEADS = "Head_rotation"
_ARCHIVE = re.compile(r"(head_rotation|avtrack360).*\.(tar|tar\.(xz|gz|bz2)|tgz|txz|zip)", re.IGNORECASE)
_VIDEOS = ("", "videos")  # where stimuli are looked for, beside the logs; the first that has one is taken
_STILLS = ("frames", "images")
_VIDEO_ENDINGS = (".mp4", ".mkv", ".webm", ".mov", ".avi")
_STILL_ENDINGS = (".webp", ".png", ".jpg", ".jpeg")
_SCENE_CHANGES = ("11", "12", "14", "16")
_IDS = tuple(str(number) for number in range(1, 21))
_VIEWERS = tuple(str(number) for number in range(2, 50))

_TREE = """\
AVTrack360_dataset/
├── Head_rotation/<viewer>.json    2 … 49, or an archive of this folder: head_rotation.tar.xz, .zip
├── <n>.mp4                        1 … 20, not part of the release; or videos/<n>.mp4
└── frames/<n>.webp                a still of each, where there is no video; or images/<n>.jpg of the release"""


def find(source: Path) -> Found:
    """The videos that the logs tell of, each with its video, else a still of it, else nothing.

    The logs are read here, for no file is named after a video. Raises `DataError` where there are none.
    """
    folder, logs = _logs(source)
    videos = _read(logs, _state(logs))
    items = tuple(RawItem(video, _stimulus(folder, video), logs) for video in videos)
    viewers = {track.observer for reading in videos.values() for track in reading.records}
    return Found(items, tuple(_missing(folder, logs, items, viewers)))


def read(item: RawItem, _direction: Direction, _stimulus: Stimulus) -> ItemGaze:
    """The head samples of every viewer of one video."""
    videos = _read(item.logs, _state(item.logs))
    if item.id not in videos:
        raise DataError(f"{item.logs[0].parent}: no viewer's log tells of {item.id}.mp4; found {', '.join(videos)}")
    reading = videos[item.id]
    return ItemGaze(samples=reading.records, drops=reading.drops, notes=reading.notes)


def _logs(source: Path) -> tuple[Path, tuple[Path, ...]]:
    """The folder of the set, and its viewers' files or the archive of them."""
    for folder in _folders(source):
        heads = folder if folder.name == _HEADS else folder / _HEADS
        files = [file for file in heads.glob("*.[jJ][sS][oO][nN]") if file.stem.isdecimal()] if heads.is_dir() else []
        if files:
            return heads.parent, tuple(sorted(files, key=lambda file: int(file.stem)))
    for folder in _folders(source):
        archives = sorted(file for file in folder.iterdir() if file.is_file() and _ARCHIVE.fullmatch(file.name))
        if archives:
            return folder, (archives[0],)
    raise DataError(
        f"{source}: no AVTrack360 logs found; looked for {_HEADS}/<viewer>.json and for an archive of them, here and "
        f"up to two folders down. Expected:\n{_TREE}\nGet it from {DATASET.url}"
    )


def _folders(source: Path) -> Iterator[Path]:
    """The source and the folders below it, as where a repository was unpacked."""
    level = [source] if source.is_dir() else []
    for _ in range(3):
        yield from level
        level = [child for folder in level for child in sorted(folder.iterdir()) if child.is_dir()]


def _stimulus(folder: Path, video: str) -> Path | None:
    places = [(folder / name, _VIDEO_ENDINGS) for name in _VIDEOS] + [
        (folder / name, _STILL_ENDINGS) for name in _STILLS
    ]
    files = (place / f"{video}{ending}" for place, endings in places for e in endings for ending in (e, e.upper()))
    return next((file for file in files if file.is_file()), None)


def _missing(folder: Path, logs: tuple[Path, ...], items: tuple[RawItem, ...], viewers: set[str]) -> Iterator[str]:
    place = logs[0].parent if logs[0].suffix.lower() == ".json" else logs[0]
    absent = [viewer for viewer in _VIEWERS if viewer not in viewers]
    if absent:
        yield f"viewers {shorten_list(absent)} (looked in {place})"
    videos = [f"{video}.mp4" for video in _IDS if video not in {item.id for item in items}]
    if videos:
        yield f"head rotations for {shorten_list(videos)} (looked in {place})"
    bare = [f"{item.id}.mp4" for item in items if item.stimulus is None]
    if bare:
        yield f"{shorten_list(bare)}, or a still (looked in {folder} and there in videos, frames and images)"


def _state(logs: tuple[Path, ...]) -> tuple[int, ...]:
    return tuple(log.stat().st_mtime_ns for log in logs)


@lru_cache(maxsize=2)
def _read(logs: tuple[Path, ...], _state: tuple[int, ...]) -> dict[str, Reading[tuple[GazeSamples, ...]]]:
    """Every log tells of every video: read once, not once a video."""
    return read_videos(logs[0].parent if logs[0].suffix.lower() == ".json" else logs[0])


DATASET = Dataset(
    name="avtrack360",
    title="AVTrack360",
    stimuli="videos",
    items=20,
    observers="48, each saw every video",
    directions=("head",),
    events="samples",
    sampling="head only, 10 Hz, whole degrees; HTC Vive",
    sigma_deg={"head": 6.0},
    licence="GPL-3.0 (repository); the videos are third parties'",
    url="https://github.com/Telecommunication-Telemedia-Assessment/AVTrack360",
    citation=(
        "S. Fremerey, A. Singla, K. Meseberg, A. Raake: AVTrack360: An open dataset and software recording people's "
        "head rotations watching 360° videos on an HMD. ACM Multimedia Systems Conference (MMSys), 2018"
    ),
    tree=_TREE,
    find=find,
    read=read,
    start_lonlat_deg=(0.0, 0.0),
    skip_s=2.0,
    still_s=15.0,  # of 30: when the stills are from is not said, and the map is that of the whole clip
    splits={"static": {"use": tuple(video for video in _IDS if video not in _SCENE_CHANGES)}},
    notes=(
        "Looking up is a negative pitch; the reader turns it.",
        "Roll is not read: it does not move the direction of the head.",
        "Viewers start at yaw 0 (pitch is free): the first 2 s are left out of the maps.",
        "The authors published histograms without smoothing, so no σ of theirs exists; 6° is this project's choice.",
        "Where there is a still instead of the video, the map is that of the whole clip. The stills of 11, 12, 14 and "
        "16 do not match it (scene changes): the split 'static' leaves them out.",
        "By SRC_info, videos 2, 4, 16 and 17 are 3840x2160 and 19 is 3840x2048, not 2:1. Where that is a frame of "
        "bars, cut them off first (this project's stills have none).",
        "There is no viewer 1.",
    ),
)
