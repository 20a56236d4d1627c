"""360_em (Agtzidis, Startsev & Dorr, ACM MM 2019): 15 videos, 13 viewers, head and eyes."""

import re
from pathlib import Path

import numpy as np

from atsal.datasets.dataset import Dataset, Found, ItemGaze, RawItem, Stimulus
from atsal.datasets.raw_files import files_below, is_blank, missing_files, nothing_found
from atsal.errors import DataError
from atsal.gaze.checked_records import DropCounter
from atsal.gaze.readers.em360 import read_em360
from atsal.gaze.records import Direction, GazeSamples

URL = "https://gin.g-node.org/ioannis.agtzidis/360_em_dataset"
TREE = """\
gaze/<viewer>/<viewer>_<video>.arff                  (as gaze/014/014_01_park_6eLyo2Y7mZU.arff)
videos/<video>.mp4                                   (<video> is a number, a title and a YouTube id)
ground_truth/{train,test}/<viewer>_<video>.arff      (labelled by hand; not needed)"""

_VIDEOS, _VIEWERS = 15, 13
_LOG = re.compile(r"(\d+)_([A-Za-z0-9][A-Za-z0-9_.-]*)\.arff", re.IGNORECASE)


def find(source: Path) -> Found:
    """The videos that have recordings; the folders may lie in `source` or up to three folders deeper.

    Raises `DataError` where there is no recording.
    """
    logs: dict[str, dict[str, Path]] = {}
    for file in files_below(source, "gaze/*/*.arff"):
        match = _LOG.fullmatch(file.name)
        if match:
            logs.setdefault(match[2], {}).setdefault(match[1], file)
    if not logs:
        raise nothing_found(source, "recordings of 360_em", TREE, URL)
    stimuli = _stimuli(source)
    items = tuple(
        RawItem(name, stimuli.get(name) or stimuli.get(_number(name)), tuple(logs[name][v] for v in sorted(logs[name])))
        for name in sorted(logs)
    )
    missing = missing_files(source, [item.id for item in items if item.stimulus is None], "videos/<video>.mp4")
    few = [name for name in sorted(logs) if len(logs[name]) < _VIEWERS]
    missing += missing_files(source, few, f"recordings of all {_VIEWERS} viewers")
    if len(logs) < _VIDEOS:
        missing.append(f"{_VIDEOS - len(logs)} of the {_VIDEOS} videos: no recordings below {source}")
    return Found(items, tuple(missing))


def read(item: RawItem, direction: Direction, stimulus: Stimulus) -> ItemGaze:
    """The samples of all viewers, of one direction: where the eyes were lost the head still counts.

    Samples past the end of the video are dropped and counted.
    """
    counter = DropCounter()
    tracks, notes = [], []
    for log in item.logs:
        if is_blank(log):
            counter.add("empty log of a viewer", str(log))
            continue
        reading = read_em360(log, log.name.split("_")[0])
        counter.merge(reading.drops)
        notes += [f"{log.name}: {note}" for note in reading.notes]
        if not len(reading.records.samples):
            counter.add("log of a viewer without a usable row", str(log))
        track = _within(_only(reading.records.samples, direction), stimulus.duration_s, counter, log)
        if len(track):
            tracks.append(track)
    return ItemGaze(tuple(tracks), None, counter.result(), tuple(notes))


def _only(samples: GazeSamples, direction: Direction) -> GazeSamples:
    if direction == "head":
        return GazeSamples(samples.observer, samples.timestamp_s, head=samples.vectors("head"))
    seen = samples.vectors(direction)
    return GazeSamples(samples.observer, samples.timestamp_s, head_eye=seen, valid=samples.valid)


def _within(track: GazeSamples, duration_s: float | None, counter: DropCounter, log: Path) -> GazeSamples:
    if duration_s is None or track.timestamp_s is None:
        return track
    late = track.timestamp_s >= duration_s
    if late.sum() > len(late) / 2:
        raise DataError(
            f"{log}: {late.sum()} of {len(late)} samples come after the {duration_s:g} s of the video: they run from "
            f"{track.timestamp_s.min():.10g} to {track.timestamp_s.max():.10g} s: it is another one, or cut short, or "
            "the clock of the log does not start with it"
        )
    counter.add(f"past the end of the video ({duration_s:g} s)", str(log), int(late.sum()))
    return track.select(np.flatnonzero(~late))


def _stimuli(source: Path) -> dict[str, Path]:
    """The videos by name and, where that is unique, by number: "01"."""
    files = {file.stem: file for file in reversed(files_below(source, "videos/*.mp4"))}
    numbers = [_number(name) for name in files]
    return files | {_number(name): file for name, file in files.items() if numbers.count(_number(name)) == 1}


def _number(name: str) -> str:
    return name.split("_", maxsplit=1)[0]


DATASET = Dataset(
    name="360-em",
    title="360_em",
    stimuli="videos",
    items=_VIDEOS,
    observers=str(_VIEWERS),
    directions=("head_eye", "head"),
    events="samples",
    sampling="about 120 Hz, head-mounted display with an eye tracker",
    sigma_deg={"head_eye": 2.0, "head": 3.34},
    licence="see LICENSE in the release; the videos are Creative Commons, from YouTube",
    url=URL,
    citation=(
        "I. Agtzidis, M. Startsev, M. Dorr: 360-degree Video Gaze Behaviour: A Ground-Truth Data Set and a "
        "Classification Algorithm for Eye Movements, ACM MM 2019"
    ),
    tree=TREE,
    find=find,
    read=read,
    notes=(
        "No maps are published: σ is chosen here, as in the Salient360! video set.",
        "Samples whose confidence is below 0.5 are not valid for the eyes; the head counts all the same.",
        "One video is made up (a moving target) to elicit eye movements: leave it out when the scene matters.",
        "The labelled recordings (about 16 %, two a video) are divided into train and test by viewer, not by video: no "
        "split of videos is published. `read_em360` gives their labels.",
    ),
)
