"""PVS-HM (Xu et al., TPAMI 2018): 76 videos, 58 viewers, head movement in one MATLAB file."""

from pathlib import Path

from atsal.datasets.dataset import Dataset, FoundItems, ItemGaze, RawItem, Stimulus
from atsal.datasets.raw_files import find_files, nothing_found, report_missing
from atsal.errors import DataError
from atsal.gaze.readers.pvs_hm import FILE_NAME, ROWS_PER_FRAME, VIEWERS, pvs_hm_rows, read_pvs_hm
from atsal.gaze.records import Direction

_URL = "https://github.com/YuhangSong/DHP"
_FILES = f"""\
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

# the paper's 15, by the names in the authors' readme (results of each test video)
TEST = (
    "BlueWorld", "BTSRun", "CMLauncher2", "Dancing", "Guitar", "InsideCar", "KingKong", "RioOlympics", "SpaceWar",
    "SpaceWar2", "StarryPolar", "Sunset", "Symphony", "WaitingForLove", "Waterfall",
)  # fmt: skip


def find(source: Path) -> FoundItems:
    """Find the videos that have a matrix, in the set's order.

    Raises `DataError` if there is no MATLAB file, or none with such a matrix.
    """
    files = find_files(source, FILE_NAME)
    if not files:
        raise nothing_found(source, FILE_NAME, _FILES, _URL)
    rows = pvs_hm_rows(files[0])
    if not rows:
        raise DataError(
            f"{files[0]}: holds no matrix of two columns a viewer; expected\n{_FILES}\nAsk the authors for the set "
            f"({_URL})"
        )
    stimuli = {file.stem: file for file in reversed(find_files(source, "*.mp4"))}
    order = {name: number for number, name in enumerate(VIDEOS)}
    names = sorted(rows, key=lambda name: (order.get(name, len(order)), name))
    items = tuple(RawItem(name, stimuli.get(name), (files[0],)) for name in names)
    missing = report_missing(source, [name for name in VIDEOS if name not in rows], f"matrices in {FILE_NAME}")
    missing += report_missing(source, [name for name in names if name not in stimuli], "<video>.mp4")
    return FoundItems(items, tuple(missing))


def read(item: RawItem, _direction: Direction, stimulus: Stimulus) -> ItemGaze:
    """Read the head samples of all viewers."""
    rows, rows_per_frame = pvs_hm_rows(item.logs[0]).get(item.id, 0), ROWS_PER_FRAME
    notes: tuple[str, ...] = ()
    if stimulus.frames and 0.95 <= rows / stimulus.frames <= 1.05:
        rows_per_frame = 1
        notes = (f"{rows} rows for {stimulus.frames} frames: one a frame, where the readme says two; read as one",)
    reading = read_pvs_hm(item.logs[0], item.id, stimulus.frames_per_s, rows_per_frame=rows_per_frame)
    return ItemGaze(reading.records, None, reading.drops, (*reading.notes, *notes))


PVS_HM = Dataset(
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
    url=_URL,
    citation=(
        "M. Xu, Y. Song, J. Wang, M. Qiao, L. Huo, Z. Wang: Predicting Head Movement in Panoramic Video: A Deep "
        "Reinforcement Learning Approach, TPAMI 2018"
    ),
    expected_files=_FILES,
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

DATASETS = (PVS_HM,)
