"""D-SAV360: 85 videos with ambisonic sound and the gaze of 87 viewers (Bernal-Berdun et al., ISMAR 2023)."""

from pathlib import Path

from atsal.datasets.dataset import Dataset, FoundItems, ItemGaze, RawItem, Stimulus
from atsal.datasets.raw_files import find_files, first_by_name, nothing_found, report_missing
from atsal.gaze.readers.dsav360 import read_dsav360
from atsal.gaze.records import Direction

_URL = "https://graphics.unizar.es/projects/D-SAV360/"
_FILES = """\
gaze_data/gaze_video_0001.csv ...
videos/0001/0001.mp4 ..."""
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


def find(source: Path) -> FoundItems:
    """Find the videos that have gaze. Raises `DataError` if there is no gaze file of the set."""
    logs = first_by_name(find_files(source, "gaze_video_*.csv*"), r"gaze_video_(\d{4})\.csv(?:\.gz)?")
    if not logs:
        raise nothing_found(source, "gaze of D-SAV360", _FILES, _URL)
    videos = first_by_name(find_files(source, "*.mp4"), r"(\d{4})\.mp4")
    items = tuple(RawItem(name, videos.get(name), (logs[name],)) for name in sorted(logs))
    missing = report_missing(source, [name for name in sorted(logs) if name not in videos], "videos/<id>/<id>.mp4")
    missing += report_missing(source, [name for name in IDS if name not in logs], "gaze_data/gaze_video_<id>.csv")
    return FoundItems(items, tuple(missing))


def read(item: RawItem, _direction: Direction, stimulus: Stimulus) -> ItemGaze:
    """Read the samples, and the fixations that the authors marked."""
    reading = read_dsav360(item.logs[0], stimulus.frames_per_s or _FRAMES_PER_S)
    return ItemGaze(reading.records.samples, reading.records.fixations, reading.drops, reading.notes)


DSAV360 = Dataset(
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
    url=_URL,
    citation=(
        "Bernal-Berdun, Martin, Malpica, Perez, Gutierrez, Masia, Serrano: D-SAV360: A Dataset of Gaze Scanpaths on "
        "360° Ambisonic Videos. IEEE TVCG (ISMAR) 2023"
    ),
    expected_files=_FILES,
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

DATASETS = (DSAV360,)
