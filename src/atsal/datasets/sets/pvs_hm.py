"""PVS-HM (Xu et al., TPAMI 2018): 76 videos, 58 viewers, head movement in one MATLAB file."""

from pathlib import Path

from atsal.datasets.dataset import Dataset, Found, ItemGaze, RawItem, Stimulus
from atsal.datasets.prepared.item_fixations import within_video
from atsal.datasets.raw_files import files_below, missing_files
from atsal.errors import DataError
from atsal.gaze.checked_records import DropCounter
from atsal.gaze.readers.pvs_hm import FILE_NAME, ROWS_PER_FRAME, VIEWERS, pvs_hm_rows, read_pvs_hm
from atsal.gaze.records import Direction

URL = "https://github.com/YuhangSong/DHP"
TREE = f"""\
{FILE_NAME}    (one matrix a video, named like it)
<video>.mp4                     (as A380.mp4)"""

# as in the authors' code (config.py)
VIDEOS = (
    "A380", "AcerEngine", "AcerPredator", "AirShow", "BFG", "Bicycle", "BlueWorld", "BTSRun", "Camping",
    "CandyCarnival", "Castle", "Catwalks", "CMLauncher", "CMLauncher2", "CS", "DanceInTurn", "Dancing",
    "DrivingInAlps", "Egypt", "F5Fighter", "Flight", "GalaxyOnFire", "Graffiti", "GTA", "Guitar", "HondaF1",
    "InsideCar", "IRobot", "KasabianLive", "KingKong", "Lion", "LoopUniverse", "Manhattan", "MC", "MercedesBenz",
    "Motorbike", "Murder", "NotBeAloneTonight", "Orion", "Parachuting", "Parasailing", "Pearl", "Predator",
    "ProjectSoul", "Rally", "RingMan", "RioOlympics", "Roma", "Shark", "Skiing", "Snowfield", "SnowRopeway",
    "SpaceWar", "SpaceWar2", "Square", "StarryPolar", "StarWars", "StarWars2", "Stratosphere", "StreetFighter",
    "Sunset", "Supercar", "SuperMario64", "Surfing", "SurfingArctic", "Symphony", "TalkingInCar", "Terminator",
    "TheInvisible", "Village", "VRBasketball", "WaitingForLove", "Waterfall", "Waterskiing", "WesternSichuan", "Yacht",
)  # fmt: skip

# the paper's 15, by name in the authors' readme (results of each test video)
TEST = (
    "BlueWorld", "BTSRun", "CMLauncher2", "Dancing", "Guitar", "InsideCar", "KingKong", "RioOlympics", "SpaceWar",
    "SpaceWar2", "StarryPolar", "Sunset", "Symphony", "WaitingForLove", "Waterfall",
)  # fmt: skip


def find(source: Path) -> Found:
    """The videos that have a matrix, in the set's order; the files may lie in `source` or up to three folders deeper.

    Raises `DataError` where the MATLAB file is not there or holds no such matrix.
    """
    files = files_below(source, FILE_NAME)
    rows = pvs_hm_rows(files[0]) if files else {}
    if not rows:
        where = f"{files[0]}: no matrix of two columns a viewer in it" if files else f"{source}: no {FILE_NAME}"
        raise DataError(
            f"{where}; expected, here or up to three folders deeper,\n{TREE}\n"
            f"Ask the authors for the set ({URL}) and give the folder it is unpacked in"
        )
    stimuli = {file.stem: file for file in reversed(files_below(source, "*.mp4"))}
    order = {name: number for number, name in enumerate(VIDEOS)}
    names = sorted(rows, key=lambda name: (order.get(name, len(order)), name))
    items = tuple(RawItem(name, stimuli.get(name), (files[0],)) for name in names)
    missing = missing_files(files[0], [name for name in VIDEOS if name not in rows], "a matrix")
    missing += missing_files(source, [name for name in names if name not in stimuli], "<video>.mp4")
    return Found(items, tuple(missing))


def read(item: RawItem, _direction: Direction, stimulus: Stimulus) -> ItemGaze:
    """The heads of all viewers; samples past the end of the video are dropped and counted."""
    path = item.logs[0]
    per_frame, notes = _rows_per_frame(pvs_hm_rows(path).get(item.id, 0), stimulus.frames)
    reading = read_pvs_hm(path, item.id, stimulus.frames_per_s, rows_per_frame=per_frame)
    counter = DropCounter()
    counter.merge(reading.drops)
    where = f"{path}, {item.id}, viewer"
    tracks = [within_video(t, stimulus.frames, f"{where} {t.observer}", counter) for t in reading.records]
    if sum(map(len, reading.records)) > 2 * sum(map(len, tracks)):
        raise DataError(
            f"{path}: more than half of the samples of {item.id} lie past the {stimulus.frames} frames of its video, "
            f"at {per_frame} a frame: the video is another one, or cut short"
        )
    return ItemGaze(tuple(track for track in tracks if len(track)), None, counter.result(), (*reading.notes, *notes))


def _rows_per_frame(rows: int, frames: int | None) -> tuple[int, tuple[str, ...]]:
    """Two, unless there is one row for each frame of the video, give or take 5 %."""
    if frames is None or not 0.95 <= rows / frames <= 1.05:
        return ROWS_PER_FRAME, ()
    return 1, (f"{rows} rows for {frames} frames: one a frame, where the readme says two; read as one",)


DATASET = Dataset(
    name="pvs-hm",
    title="PVS-HM",
    stimuli="videos",
    items=len(VIDEOS),
    observers=str(VIEWERS),
    directions=("head",),
    events="samples",
    sampling="two samples a frame (48 to 120 Hz), HTC Vive",
    sigma_deg={"head": 7.0},
    licence="none stated; given on request, for research",
    url=URL,
    citation=(
        "M. Xu, Y. Song, J. Wang, M. Qiao, L. Huo, Z. Wang: Predicting Head Movement in Panoramic Video: A Deep "
        "Reinforcement Learning Approach, TPAMI 2018"
    ),
    tree=TREE,
    find=find,
    read=read,
    start_lonlat_deg=(0.0, 0.0),
    splits={"paper": {"train": tuple(name for name in VIDEOS if name not in TEST), "test": TEST}},
    notes=(
        "The readme and public readers disagree on which of a viewer's two columns is the longitude: it is told from "
        "the data, for only longitudes leave ±90; a file that does not tell is refused.",
        "Longitude grows to the left in the file (readme); here it is turned round. Not verified against the videos.",
        "σ = 7° is that of the authors' last released code, for the angle on the sphere; earlier versions have 12.8°.",
        "Viewers start at the front centre (Romero Rondón et al., 2020); how long they stay there is not published: "
        "nothing is left out.",
        "The eye fixations of the same videos (PVS-HMEM), on request too, are files of another kind; not read.",
    ),
)
