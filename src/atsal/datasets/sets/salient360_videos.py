"""Salient360! videos (David et al., MMSys 2018): 19 videos of 20 s, 57 viewers, head and head-and-eye scanpaths."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from atsal.datasets.dataset import Dataset, Found, ItemGaze, RawItem, Stimulus
from atsal.datasets.raw_files import collect, files_below, missing_files, nothing_found
from atsal.datasets.sets.salient360_images import (
    LOG_FOLDERS,
    URL,
    choose_log,
)
from atsal.errors import DataError
from atsal.gaze.checked_records import CheckedRecords, DropCounter
from atsal.gaze.readers.salient360 import read_salient360
from atsal.gaze.records import Direction, Fixations

TREE = """\
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

_BY_NAME = {name.lower(): number for number, name in enumerate(VIDEOS, 1)}


def find(source: Path) -> Found:
    """The videos that have scanpaths; the folders may lie in `source` or up to three folders deeper, each anywhere.

    Raises `DataError` where there is no scanpath of the set.
    """
    logs = {
        kind: collect(files_below(source, f"{folder}/*_fixations.csv"), lambda name: _number(name, "_fixations.csv"))
        for kind, folder in LOG_FOLDERS.items()
    }
    stimuli = collect(files_below(source, "Stimuli/*"), lambda name: _number(name, ".mp4"))
    numbers = sorted(set().union(*logs.values()))
    if not numbers:
        raise nothing_found(source, "scanpaths of Salient360! videos", TREE, URL)
    items = [
        RawItem(VIDEOS[n - 1], stimuli.get(n), tuple(files[n] for files in logs.values() if n in files))
        for n in numbers
    ]
    everywhere = {"Stimuli/<n>_<name>.mp4": stimuli}
    everywhere |= {f"{folder}/<n>_<name>_fixations.csv": logs[kind] for kind, folder in LOG_FOLDERS.items()}
    missing = []
    for where, files in everywhere.items():
        missing += missing_files(source, [name for n, name in enumerate(VIDEOS, 1) if n not in files], where)
    return Found(tuple(items), tuple(missing))


def read(item: RawItem, direction: Direction, stimulus: Stimulus) -> ItemGaze:
    """The fixations of all viewers: `head` from the H file, `head_eye` from the left eye's (see `choose_log`).

    Fixations that begin past the last frame of the video are dropped and counted; one that lasts beyond ends with it.
    """
    log, note = choose_log(item, direction)
    reading, drops = read_salient360(log), DropCounter()
    drops.merge(reading.drops)
    within = _within(reading.records, stimulus.frames, log, drops)
    notes = (*reading.notes, *note, *within.notes, *_other_lengths(item, log, stimulus.frames))
    return ItemGaze(fixations=within.records, drops=drops.result(), notes=notes)


def _other_lengths(item: RawItem, log: Path, frames: int | None) -> Iterator[str]:
    """A note for each file of the authors' maps that has another number of frames than the video."""
    kind = next((folder for folder in log.parents if folder.name in ("H", "HE")), None)
    if kind is None or frames is None:
        return
    for file in sorted((kind / "SalMaps").glob("*.bin")):
        match = re.fullmatch(r"(.+)_\d+x\d+x(\d+)_\d+b(?:_[a-z]+)?\.bin", file.name, re.IGNORECASE)
        if match and match[1].lower().lstrip("0") == item.id.lower() and int(match[2]) != frames:
            yield f"{file}: {match[2]} maps for a video of {frames} frames: they do not go together frame by frame"


def _within(fixations: Fixations, frames: int | None, log: Path, drops: DropCounter) -> CheckedRecords[Fixations]:
    """The fixations on the frames of the video; what is left out goes to `drops`."""
    first, last = fixations.first_frame, fixations.last_frame
    if frames is None or first is None or last is None or not len(first):
        return CheckedRecords(fixations)
    late = first >= frames
    if late.sum() > len(late) / 2:
        raise DataError(
            f"{log}: {late.sum()} of {len(late)} fixations begin past the last of the video's {frames} frames (as frame"
            f" {first.max() + 1}): the video is another one, or cut short"
        )
    where = f"{log}, observer {fixations.observer[np.argmax(late)]}"
    drops.add(f"begins past the video's {frames} frames", where, int(late.sum()))
    beyond = int((~late & (last >= frames)).sum())
    kept = replace(fixations, last_frame=np.minimum(last, np.maximum(first, frames - 1))).select(~late)
    note = f"{log}: {beyond} fixations last beyond the video's {frames} frames and end with it"
    return CheckedRecords(kept, notes=(note,) if beyond else ())


def _number(name: str, ending: str) -> int | None:
    """The number of the video a file is about; leading zeros and capitals do not count."""
    match = re.fullmatch(r"0*([1-9]\d*_\w+)" + re.escape(ending), name, re.IGNORECASE)
    return _BY_NAME.get(match[1].lower()) if match else None


DATASET = Dataset(
    name="salient360-videos",
    title="Salient360! videos",
    stimuli="videos",
    items=len(VIDEOS),
    observers="57",
    directions=("head_eye", "head"),
    events="fixations",
    without_samples=True,
    sampling="fixations of each eye; for the head one position every 200 ms, 100 a viewer",
    sigma_deg={"head_eye": 2.0, "head": 3.34},
    licence="none stated with the data; for research",
    url=URL,
    citation=(
        "E. David, J. Gutiérrez, A. Coutrot, M. Perreira Da Silva, P. Le Callet: A Dataset of Head and Eye Movements "
        "for 360° Videos, MMSys 2018"
    ),
    tree=TREE,
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
