"""Salient360! videos (David et al., MMSys 2018): 19 videos of 20 s, 57 viewers, head and head-and-eye scanpaths."""

import re
from collections.abc import Iterator
from pathlib import Path

from atsal.datasets.dataset import Dataset, FoundItems, ItemGaze, RawItem, Stimulus
from atsal.datasets.raw_files import find_files, first_by_name, nothing_found, report_missing
from atsal.datasets.sets.salient360_images import LOG_FOLDERS, URL, choose_log
from atsal.gaze.readers.salient360 import read_salient360
from atsal.gaze.records import Direction

_FILES = """\
Stimuli/<n>_<name>.mp4                      (as 1_PortoRiverside.mp4)
H/Scanpaths/<n>_<name>_fixations.csv
HE/Scanpaths/L/<n>_<name>_fixations.csv
HE/Scanpaths/R/<n>_<name>_fixations.csv
H/SalMaps/<n>_<name>_<W>x<H>x<frames>_32b.bin     (the authors' maps; not needed)
HE/SalMaps/<n>_<name>_<W>x<H>x<frames>_32b.bin"""

VIDEOS = (
    "1_PortoRiverside", "2_Diner", "3_PlanEnergyBioLab", "4_Ocean", "5_Waterpark", "6_DroneFlight", "7_GazaFishermen",
    "8_Sofa", "9_MattSwift", "10_Cows", "11_Abbottsford", "12_TeatroRegioTorino", "13_Fountain", "14_Warship",
    "15_Cockpit", "16_Turtle", "17_UnderwaterPark", "18_Bar", "19_Touvet",
)  # fmt: skip

_NAME = r"0*([1-9]\d*_\w+)"


def find(source: Path) -> FoundItems:
    """Find the videos that have scanpaths; the three folders may lie apart from each other.

    Raises `DataError` if there is no scanpath of the set.
    """
    logs = {
        folder: first_by_name(find_files(source, f"{folder}/*_fixations.csv"), _NAME + r"_fixations\.csv")
        for folder in LOG_FOLDERS.values()
    }
    stimuli = first_by_name(find_files(source, "Stimuli/*"), _NAME + r"\.mp4")
    found = [name for name in VIDEOS if any(name.lower() in files for files in logs.values())]
    if not found:
        raise nothing_found(source, "scanpaths of Salient360! videos", _FILES, URL)
    items = []
    for name in found:
        own = tuple(files[name.lower()] for files in logs.values() if name.lower() in files)
        items.append(RawItem(name, stimuli.get(name.lower()), own))
    missing = []
    files_by_kind = {"Stimuli/<n>_<name>.mp4": stimuli}
    files_by_kind |= {f"{folder}/<n>_<name>_fixations.csv": files for folder, files in logs.items()}
    for kind, files in files_by_kind.items():
        missing += report_missing(source, [name for name in VIDEOS if name.lower() not in files], kind)
    return FoundItems(tuple(items), tuple(missing))


def read(item: RawItem, direction: Direction, stimulus: Stimulus) -> ItemGaze:
    """Read the fixations of all viewers: `head` from the H file, `head_eye` from that of one eye (`choose_log`)."""
    log, notes = choose_log(item, direction)
    reading = read_salient360(log)
    notes = (*reading.notes, *notes, *_compare_map_lengths(item, log, stimulus.frames))
    return ItemGaze(fixations=reading.records, drops=reading.drops, notes=notes)


def _compare_map_lengths(item: RawItem, log: Path, frames: int | None) -> Iterator[str]:
    """Yield a note for each file of the authors' maps with another number of frames than the video."""
    folder = next((folder for folder in log.parents if folder.name in ("H", "HE")), None)
    if folder is None or frames is None:
        return
    for file in sorted((folder / "SalMaps").glob("*.bin")):
        match = re.fullmatch(_NAME + r"_\d+x\d+x(\d+)_\d+b(?:_[a-z]+)?\.bin", file.name, re.IGNORECASE)
        if match and match[1].lower() == item.id.lower() and int(match[2]) != frames:
            yield f"{file}: {match[2]} maps for a video of {frames} frames: they do not go together frame by frame"


SALIENT360_VIDEOS = Dataset(
    name="salient360-videos",
    title="Salient360! videos",
    stimuli="videos",
    items=len(VIDEOS),
    observers="57",
    directions=("head_eye", "head"),
    events="fixations",
    has_samples=False,
    sampling="fixations of each eye; for the head one position every 200 ms, 100 a viewer",
    sigma_deg={"head_eye": 2.0, "head": 3.34},
    licence="none stated with the data; for research",
    url=URL,
    citation=(
        "E. David, J. Gutiérrez, A. Coutrot, M. Perreira Da Silva, P. Le Callet: A Dataset of Head and Eye Movements "
        "for 360° Videos, MMSys 2018"
    ),
    expected_files=_FILES,
    find=find,
    read=read,
    splits={
        "track": {
            "train": tuple(VIDEOS[n] for n in (1, 3, 5, 7, 8, 9, 11, 14, 16, 18)),
            "test": tuple(VIDEOS[n] for n in (0, 2, 4, 13, 15)),
        }
    },
    notes=(
        "Half of the viewers start at longitude 180°, half at 0°: no start position can be left out for all.",
        "Viewers have no names: the same number in two files need not be the same person.",
        "The two eyes' files tell of the same looks: the left eye's is read, the right eye's only where it is alone.",
        "The published maps pool windows of 200 ms, round(frames / 20 * 0.2) frames; neighbours may share a frame.",
        "The readme speaks of seconds and four columns for H; the files have milliseconds and seven. Both are read.",
        "Split `track`: the videos of Romero Rondón et al., TRACK (TPAMI 2022), which leaves out 7, 11, 13 and 18 and "
        "also separates the viewers, which this does not.",
    ),
)

DATASETS = (SALIENT360_VIDEOS,)
