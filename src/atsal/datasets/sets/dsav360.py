"""D-SAV360: 85 videos with ambisonic sound and the gaze of 87 viewers (Bernal-Berdun et al., ISMAR 2023)."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from atsal.datasets.dataset import Dataset, Found, ItemGaze, RawItem, Stimulus
from atsal.datasets.prepared.item_fixations import within_video
from atsal.datasets.raw_files import collect, files_below, missing_files, nothing_found
from atsal.gaze.checked_records import DropCounter
from atsal.gaze.readers.dsav360 import read_dsav360
from atsal.gaze.records import Direction, Fixations

URL = "https://graphics.unizar.es/projects/D-SAV360/"
TREE = """\
gaze_data/gaze_video_0001.csv ...
videos/0001/0001.mp4 ..."""

_LOG = re.compile(r"gaze_video_(\d{4})\.csv(?:\.gz)?", re.IGNORECASE)
_VIDEO = re.compile(r"(\d{4})\.mp4", re.IGNORECASE)
_FRAMES_PER_S = 60.0

# edurnebernal/AViSal360, k_folds/test_<n>.txt: the videos each fold is tested on; it is trained on the others
_FOLDS = (
    "0011 0018 0019 1004 1009 1018 1022 5001 5039 5016 0008 5007 0025 0012 5018 5021 5035",
    "0001 0007 0017 0014 0030 0027 2006 0021 1002 0010 5029 5019 1007 4002 2007 5010 5004",
    "5009 5026 0004 2017 5033 1005 0016 0029 5031 1012 1006 0006 5025 0003 1016 0022 1010",
    "2018 5002 0005 5006 5036 5013 2008 1003 5017 5015 5024 5020 1013 5022 4003 4008 0020",
    "4001 1001 2001 5012 1011 0028 0013 2013 5037 5014 1014 5034 0002 5003 0009 5030 1008",
)
IDS = tuple(sorted(" ".join(_FOLDS).split()))


def _fold(test: str) -> dict[str, tuple[str, ...]]:
    part = tuple(sorted(test.split()))
    return {"train": tuple(name for name in IDS if name not in part), "test": part}


def find(source: Path) -> Found:
    """The videos that have gaze; the folders may lie up to three folders deeper.

    Raises `DataError` where there is no gaze file of the set.
    """
    logs = collect(files_below(source, "gaze_video_*.csv*"), lambda name: _number(_LOG, name))
    if not logs:
        raise nothing_found(source, "gaze of D-SAV360", TREE, URL)
    videos = collect(files_below(source, "*.mp4"), lambda name: _number(_VIDEO, name))
    items = [RawItem(f"{number:04d}", videos.get(number), (logs[number],)) for number in sorted(logs)]
    missing = missing_files(source, [item.id for item in items if item.stimulus is None], "videos/<id>/<id>.mp4")
    absent = [name for name in IDS if int(name) not in logs]
    missing += missing_files(source, absent, "gaze_data/gaze_video_<id>.csv")
    return Found(tuple(items), tuple(missing))


def _number(pattern: re.Pattern[str], name: str) -> int | None:
    match = pattern.fullmatch(name)
    return int(match[1]) if match else None


def read(item: RawItem, _direction: Direction, stimulus: Stimulus) -> ItemGaze:
    """Samples, and the fixations that the authors marked."""
    reading = read_dsav360(item.logs[0], stimulus.frames_per_s or _FRAMES_PER_S)
    samples, fixations = reading.records.samples, reading.records.fixations
    drops = DropCounter()
    drops.merge(reading.drops)
    log, frames = item.logs[0], stimulus.frames
    samples = tuple(within_video(track, frames, f"{log}, viewer {track.observer}", drops) for track in samples)
    if stimulus.frames is not None:
        fixations = _on_video(fixations, stimulus.frames)
    samples = tuple(track for track in samples if len(track))
    return ItemGaze(samples, fixations, drops.result(), reading.notes)


def _on_video(fixations: Fixations, frames: int) -> Fixations:
    """The fixations that begin on the video, ending with it; their samples are counted in `_within`."""
    if fixations.first_frame is None or fixations.last_frame is None:
        return fixations
    kept = fixations.select(fixations.first_frame < frames)
    return kept if kept.last_frame is None else replace(kept, last_frame=np.minimum(kept.last_frame, frames - 1))


DATASET = Dataset(
    name="d-sav360",
    title="D-SAV360",
    stimuli="videos",
    items=85,
    observers="87, about 54 a video",
    directions=("head_eye",),
    events="fixations",
    sampling="several samples a frame of 60 frames a second; eye tracker of the headset",
    sigma_deg={"head_eye": 5.0},
    licence="not stated in the authors' repository; see the project's page",
    url=URL,
    citation=(
        "Bernal-Berdun, Martin, Malpica, Perez, Gutierrez, Masia, Serrano: D-SAV360: A Dataset of Gaze Scanpaths on "
        "360° Ambisonic Videos. IEEE TVCG (ISMAR) 2023"
    ),
    tree=TREE,
    find=find,
    read=read,
    splits={f"avisal360-{fold}": _fold(test) for fold, test in enumerate(_FOLDS)},
    notes=(
        "rows with frame 0 at the centre are no measurements and are dropped",
        "the viewers' start differs from video to video, and gaze begins some frames into the video",
        "the authors' maps pool the fixations of 8 windows a second and take the first sample of each; here each "
        "fixation counts in all of its frames, at its mean direction",
        "the head's direction is not read: its files are not documented",
    ),
)
