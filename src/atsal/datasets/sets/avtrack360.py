"""AVTrack360 (Fremerey et al. 2018): head rotations of 48 viewers during 20 videos of 30 s."""

import re
from collections.abc import Iterator
from pathlib import Path

from atsal.datasets.dataset import Dataset, FoundItems, ItemGaze, RawItem, Stimulus
from atsal.datasets.raw_files import cached_until_changed, find_files, nothing_found, report_missing
from atsal.errors import DataError
from atsal.gaze.checked_records import CheckedRecords
from atsal.gaze.readers.avtrack360 import read_videos
from atsal.gaze.records import Direction, GazeSamples

_HEADS = "Head_rotation"
_ARCHIVE = re.compile(r"(head_rotation|avtrack360).*\.(tar|tar\.(xz|gz|bz2)|tgz|txz|zip)", re.IGNORECASE)
_STIMULI = {  # folders beside the logs, in order of preference, and the endings of the files in them
    **dict.fromkeys(("", "videos"), (".mp4", ".mkv", ".webm", ".mov", ".avi")),
    **dict.fromkeys(("frames", "images"), (".webp", ".png", ".jpg", ".jpeg")),
}
_SCENE_CHANGES = ("11", "12", "14", "16")
_IDS = tuple(str(number) for number in range(1, 21))
_VIEWERS = tuple(str(number) for number in range(2, 50))

_FILES = """\
AVTrack360_dataset/
├── Head_rotation/<viewer>.json    2 … 49, or an archive of this folder: head_rotation.tar.xz, .zip
├── <n>.mp4                        1 … 20, not part of the release; or videos/<n>.mp4
└── frames/<n>.webp                a still of each, where there is no video; or images/<n>.jpg of the release"""
_URL = "https://github.com/Telecommunication-Telemedia-Assessment/AVTrack360"


def find(source: Path) -> FoundItems:
    """Find the videos that occur in the logs, each with its video file, else a still of it, else nothing.

    Reads the logs, because no file is named after a video. Raises `DataError` if there are no logs.
    """
    logs = _find_logs(source)
    videos = _read_logs(_log_source(logs))
    folder = logs[0].parent.parent if logs[0].suffix.lower() == ".json" else logs[0].parent
    items = tuple(RawItem(video, _find_stimulus(folder, video), logs) for video in videos)
    viewers = {track.observer for reading in videos.values() for track in reading.records}
    return FoundItems(items, tuple(_missing(source, items, viewers)))


def read(item: RawItem, _direction: Direction, _stimulus: Stimulus) -> ItemGaze:
    """Read the head samples of every viewer of one video."""
    videos = _read_logs(_log_source(item.logs))
    if item.id not in videos:
        raise DataError(f"{item.logs[0].parent}: no log has gaze on {item.id}.mp4; found {', '.join(videos)}")
    reading = videos[item.id]
    return ItemGaze(samples=reading.records, drops=reading.drops, notes=reading.notes)


def _find_logs(source: Path) -> tuple[Path, ...]:
    """Return the viewers' files in order of viewer, or the archive of them."""
    logs = [log for log in find_files(source, f"{_HEADS}/*.json") if log.stem.isdecimal()]
    if source.name == _HEADS:
        logs = [log for log in find_files(source, "*.json") if log.stem.isdecimal()]
    if logs:
        return tuple(sorted((log for log in logs if log.parent == logs[0].parent), key=lambda log: int(log.stem)))
    archives = [*find_files(source, "head_rotation*"), *find_files(source, "avtrack360*")]
    archives = [file for file in archives if file.is_file() and _ARCHIVE.fullmatch(file.name)]
    if not archives:
        raise nothing_found(
            source, f"AVTrack360 logs ({_HEADS}/<viewer>.json, or an archive of them)", "avtrack360", _URL
        )
    return (archives[0],)


def _log_source(logs: tuple[Path, ...]) -> Path:
    """Return the folder of the logs, or their archive."""
    return logs[0].parent if logs[0].suffix.lower() == ".json" else logs[0]


@cached_until_changed(maxsize=2)  # every log has gaze on every video
def _read_logs(path: Path) -> dict[str, CheckedRecords[tuple[GazeSamples, ...]]]:
    return read_videos(path)


def _find_stimulus(folder: Path, video: str) -> Path | None:
    files = (
        folder / place / f"{video}{ending}"
        for place, endings in _STIMULI.items()
        for lower_case in endings
        for ending in (lower_case, lower_case.upper())
    )
    return next((file for file in files if file.is_file()), None)


def _missing(source: Path, items: tuple[RawItem, ...], viewers: set[str]) -> Iterator[str]:
    yield from report_missing(source, [viewer for viewer in _VIEWERS if viewer not in viewers], "logs of the viewers")
    found = {item.id for item in items}
    yield from report_missing(source, [video for video in _IDS if video not in found], "head rotations")
    without = [item.id for item in items if item.stimulus is None]
    yield from report_missing(source, without, "<n>.mp4, or a still in videos, frames or images,")


AVTRACK360 = Dataset(
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
    url=_URL,
    citation=(
        "S. Fremerey, A. Singla, K. Meseberg, A. Raake: AVTrack360: An open dataset and software recording people's "
        "head rotations watching 360° videos on an HMD. ACM Multimedia Systems Conference (MMSys), 2018"
    ),
    expected_files=_FILES,
    find=find,
    read=read,
    start_lonlat_deg=(0.0, 0.0),
    skip_s=2.0,
    still_s=15.0,  # the middle: the times of the stills are not published, and the map is that of the whole clip
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

DATASETS = (AVTRACK360,)
