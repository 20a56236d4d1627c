"""Salient360! images: 85 training images of the 2018 challenge with scanpaths of the head and of head and eyes.

`choose_log` and the names of the folders serve the videos of Salient360!, too.
"""

from pathlib import Path

from atsal.datasets.dataset import Dataset, FoundItems, ItemGaze, RawItem, Stimulus
from atsal.datasets.raw_files import find_files, first_by_name, nothing_found, report_missing
from atsal.errors import DataError
from atsal.gaze.readers.salient360 import read_salient360
from atsal.gaze.records import Direction

URL = "https://salient360.ls2n.fr/datasets/"
LOG_FOLDERS = {"H": "H/Scanpaths", "L": "HE/Scanpaths/L", "R": "HE/Scanpaths/R"}

_FILES = """\
Stimuli/P<n>_<W>x<H>.jpg
H/Scanpaths/Hscanpath_<n>.txt
HE/Scanpaths/L/HEscanpath_<n>.txt
HE/Scanpaths/R/HEscanpath_<n>.txt
H/SalMaps/Hsalmap_<n>_2048x1024_32b.bin     (the authors' maps; not needed)
HE/SalMaps/HEsalmap_<n>_2048x1024_32b.bin"""
_COUNT = 85
_LOGS = {kind: f"{folder}/{folder.split('/')[0]}scanpath_" for kind, folder in LOG_FOLDERS.items()}


def find(source: Path) -> FoundItems:
    """Find the images that have scanpaths; the three folders may lie apart from each other.

    Raises `DataError` if there is no scanpath of the set.
    """
    logs = {k: first_by_name(find_files(source, f"{v}*.txt"), r"HE?scanpath_0*(\d+)\.txt") for k, v in _LOGS.items()}
    stimuli = first_by_name(find_files(source, "Stimuli/*"), r"P0*(\d+)(?:_\d+x\d+)?\.(?:jpe?g|png)")
    numbers = sorted(set().union(*logs.values()), key=int)
    if not numbers:
        raise nothing_found(source, "scanpaths of Salient360! images", _FILES, URL)
    items = [
        RawItem(f"P{n}", stimuli.get(n), tuple(files[n] for files in logs.values() if n in files)) for n in numbers
    ]
    missing = report_missing(source, [f"P{n}" for n in numbers if n not in stimuli], "Stimuli/P<n>_<W>x<H>.jpg")
    for kind, start in _LOGS.items():
        missing += report_missing(source, [f"P{n}" for n in numbers if n not in logs[kind]], f"{start}<n>.txt")
    if len(numbers) < _COUNT:
        missing.append(f"{_COUNT - len(numbers)} of the {_COUNT} training images: no scanpaths below {source}")
    return FoundItems(tuple(items), tuple(missing))


def read(item: RawItem, direction: Direction, _stimulus: Stimulus) -> ItemGaze:
    """Read the fixations of all viewers: `head` from the H file, `head_eye` from that of one eye (`choose_log`)."""
    log, notes = choose_log(item, direction)
    reading = read_salient360(log)
    return ItemGaze(fixations=reading.records, drops=reading.drops, notes=(*reading.notes, *notes))


def choose_log(item: RawItem, direction: Direction) -> tuple[Path, tuple[str, ...]]:
    """Return the log of a direction and a note if the choice is unusual.

    The files of both eyes hold the same looks of the same viewers, so one of them is read: the left one, or the right
    one if there is no left one. `merge_eyes` (`gaze/readers/salient360.py`) joins them for those who want both.
    """
    logs = {log.parent.name.upper() if log.parent.name.upper() in ("L", "R") else "H": log for log in item.logs}
    if direction == "head" and "H" in logs:
        return logs["H"], ()
    if direction == "head_eye" and "L" in logs:
        return logs["L"], ()
    if direction == "head_eye" and "R" in logs:
        return logs["R"], ("right eye: there is no file of the left one",)
    expected = {"head": LOG_FOLDERS["H"], "head_eye": f"{LOG_FOLDERS['L']} or R"}.get(direction)
    if expected is None:
        raise DataError(f"{item.id}: Salient360! has no {direction} direction; it has head and head_eye")
    found = ", ".join(str(log) for log in item.logs) or "no file"
    raise DataError(f"{item.id}: no {direction} scanpaths; expected a file in {expected}, found {found}")


SALIENT360_IMAGES = Dataset(
    name="salient360-images",
    title="Salient360! images (training set of 2018)",
    stimuli="images",
    items=_COUNT,
    observers="40 to 42 an image in the first 60; of the others not stated",
    directions=("head_eye", "head"),
    events="fixations",
    has_samples=False,
    sampling="scanpaths as released: fixations of each eye, and a path of the head; 25 s an image",
    sigma_deg={"head_eye": 2.0, "head": 3.34},
    licence="none stated with the data; for research, images under their photographers' Creative Commons licences",
    url=URL,
    citation=(
        "Y. Rai, J. Gutiérrez, P. Le Callet: A Dataset of Head and Eye Movements for 360 Degree Images, MMSys 2017; "
        "J. Gutiérrez, E. David, Y. Rai, P. Le Callet: Toolbox and Dataset for the Development of Saliency and "
        "Scanpath Models for Omnidirectional/360° Still Images, Signal Processing: Image Communication, 2018"
    ),
    expected_files=_FILES,
    find=find,
    read=read,
    notes=(
        "Viewers have no names: the same number in two files need not be the same person.",
        "The two eyes' files tell of the same looks: the left eye's is read, the right eye's only where it is alone.",
        "σ of the authors' maps is not verified for the images: the values are those of the videos.",
        "No split is published with the 85 images; their numbers lie between 1 and 98.",
    ),
)

DATASETS = (SALIENT360_IMAGES,)
