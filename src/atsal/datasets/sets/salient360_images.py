"""Salient360! images: 85 training images of the 2018 challenge with scanpaths of the head and of head and eyes.

What its find and read share with those of the videos is here too.
"""

import re
from pathlib import Path

from atsal.datasets.dataset import Dataset, Found, ItemGaze, RawItem, Stimulus
from atsal.datasets.raw_files import collect, files_below, missing_files, nothing_found
from atsal.errors import DataError
from atsal.gaze.readers.salient360 import read_salient360
from atsal.gaze.records import Direction

URL = "https://salient360.ls2n.fr/datasets/"

TREE = """\
Stimuli/P<n>_<W>x<H>.jpg
H/Scanpaths/Hscanpath_<n>.txt
HE/Scanpaths/L/HEscanpath_<n>.txt
HE/Scanpaths/R/HEscanpath_<n>.txt
H/SalMaps/Hsalmap_<n>_2048x1024_32b.bin     (the authors' maps; not needed)
HE/SalMaps/HEsalmap_<n>_2048x1024_32b.bin"""

LOG_FOLDERS = {"H": "H/Scanpaths", "L": "HE/Scanpaths/L", "R": "HE/Scanpaths/R"}

_COUNT = 85
_LOGS = {kind: f"{folder}/{folder.split('/')[0]}scanpath_" for kind, folder in LOG_FOLDERS.items()}
_STIMULUS = re.compile(r"P0*(\d+)(?:_\d+x\d+)?\.(?:jpe?g|png)", re.IGNORECASE)
_SCANPATH = re.compile(r"HE?scanpath_0*(\d+)\.txt", re.IGNORECASE)


def find(source: Path) -> Found:
    """The images that have scanpaths; the folders may lie in `source` or up to three folders deeper, each anywhere.

    Raises `DataError` where there is no scanpath of the set.
    """
    logs = {kind: _numbered(source, f"{start}*.txt", _SCANPATH) for kind, start in _LOGS.items()}
    stimuli = _numbered(source, "Stimuli/*", _STIMULUS)
    numbers = sorted(set().union(*logs.values()))
    if not numbers:
        raise nothing_found(source, "scanpaths of Salient360! images", TREE, URL)
    items = [
        RawItem(f"P{n}", stimuli.get(n), tuple(files[n] for files in logs.values() if n in files)) for n in numbers
    ]
    missing = missing_files(source, [f"P{n}" for n in numbers if n not in stimuli], "Stimuli/P<n>_<W>x<H>.jpg")
    for kind, start in _LOGS.items():
        missing += missing_files(source, [f"P{n}" for n in numbers if n not in logs[kind]], f"{start}<n>.txt")
    if len(numbers) < _COUNT:
        missing.append(f"{_COUNT - len(numbers)} of the {_COUNT} training images: no scanpaths below {source}")
    return Found(tuple(items), tuple(missing))


def read(item: RawItem, direction: Direction, _stimulus: Stimulus) -> ItemGaze:
    """The fixations of all viewers: `head` from the H file, `head_eye` from the left eye's (see `choose_log`)."""
    log, note = choose_log(item, direction)
    reading = read_salient360(log)
    return ItemGaze(fixations=reading.records, drops=reading.drops, notes=(*reading.notes, *note))


def choose_log(item: RawItem, direction: Direction) -> tuple[Path, tuple[str, ...]]:
    """The log of a direction and a note on what was chosen.

    Both eyes' files tell of the same looks of the same viewers, so one of them is read: the left one, or the right one
    where there is no left one. `merge_eyes` (`gaze/readers/salient360.py`) joins them for who wants both.
    """
    logs = {_kind(log): log for log in item.logs}
    if direction == "head" and "H" in logs:
        return logs["H"], ()
    if direction == "head_eye" and "L" in logs:
        return logs["L"], ()
    if direction == "head_eye" and "R" in logs:
        return logs["R"], ("right eye: there is no file of the left one",)
    expected = {"head": LOG_FOLDERS["H"], "head_eye": f"{LOG_FOLDERS['L']} or R"}.get(direction)
    found = ", ".join(str(log) for log in item.logs) or "no file"
    if expected is None:
        raise DataError(f"{item.id}: Salient360! has no {direction} direction; it has head and head_eye")
    raise DataError(f"{item.id}: no {direction} scanpaths; expected a file in {expected}, found {found}")


def _kind(log: Path) -> str:
    eye = log.parent.name.upper()
    return eye if eye in ("L", "R") else "H"


def _numbered(source: Path, pattern: str, name: re.Pattern[str]) -> dict[int, Path]:
    def key(text: str) -> int | None:
        match = name.fullmatch(text)
        return int(match[1]) if match else None

    return collect(files_below(source, pattern), key)


DATASET = Dataset(
    name="salient360-images",
    title="Salient360! images (training set of 2018)",
    stimuli="images",
    items=_COUNT,
    observers="40 to 42 an image in the first 60; of the others not stated",
    directions=("head_eye", "head"),
    events="fixations",
    without_samples=True,
    sampling="scanpaths as released: fixations of each eye, and a path of the head; 25 s an image",
    sigma_deg={"head_eye": 2.0, "head": 3.34},
    licence="none stated with the data; for research, images under their photographers' Creative Commons licences",
    url=URL,
    citation=(
        "Y. Rai, J. Gutiérrez, P. Le Callet: A Dataset of Head and Eye Movements for 360 Degree Images, MMSys 2017; "
        "J. Gutiérrez, E. David, Y. Rai, P. Le Callet: Toolbox and Dataset for the Development of Saliency and "
        "Scanpath Models for Omnidirectional/360° Still Images, Signal Processing: Image Communication, 2018"
    ),
    tree=TREE,
    find=find,
    read=read,
    notes=(
        "Viewers have no names: the same number in two files need not be the same person.",
        "The two eyes' files tell of the same looks: the left eye's is read, the right eye's only where it is alone.",
        "σ of the authors' maps is not verified for the images: the values are those of the videos.",
        "No split is published with the 85 images; their numbers lie between 1 and 98.",
    ),
)
