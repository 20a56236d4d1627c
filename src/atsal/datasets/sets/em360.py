"""360_em (Agtzidis, Startsev & Dorr, ACM MM 2019): 15 videos, 13 viewers, head and eyes."""

from pathlib import Path

from atsal.datasets.dataset import Dataset, FoundItems, ItemGaze, RawItem, Stimulus
from atsal.datasets.raw_files import find_files, group_by_name, is_blank, nothing_found, report_missing
from atsal.gaze.checked_records import DropCounter
from atsal.gaze.readers.em360 import read_em360
from atsal.gaze.records import Direction, GazeSamples

_URL = "https://gin.g-node.org/ioannis.agtzidis/360_em_dataset"
_FILES = """\
gaze/<viewer>/<viewer>_<video>.arff                  (as gaze/014/014_01_park_6eLyo2Y7mZU.arff)
videos/<video>.mp4                                   (<video> is a number, a title and a YouTube id)
ground_truth/{train,test}/<viewer>_<video>.arff      (labelled by hand; not needed)"""

_VIDEOS, _VIEWERS = 15, 13


def find(source: Path) -> FoundItems:
    """Find the videos that have recordings. Raises `DataError` if there is no recording."""
    nearest = {file.name: file for file in reversed(find_files(source, "gaze/*/*.arff"))}  # of several of one name
    by_video = group_by_name(nearest.values(), r"\d+_([A-Za-z0-9][A-Za-z0-9_.-]*)\.arff")
    if not by_video:
        raise nothing_found(source, "recordings of 360_em", _FILES, _URL)
    stimuli = _find_stimuli(source)
    items = []
    for logs in by_video.values():
        video = logs[0].stem.partition("_")[2]
        stimulus = stimuli.get(video) or stimuli.get(_number(video))
        items.append(RawItem(video, stimulus, tuple(sorted(logs, key=_viewer))))
    items.sort(key=lambda item: item.id)
    missing = report_missing(source, [item.id for item in items if item.stimulus is None], "videos/<video>.mp4")
    few = [item.id for item in items if len(item.logs) < _VIEWERS]
    missing += report_missing(source, few, f"recordings of all {_VIEWERS} viewers")
    if len(items) < _VIDEOS:
        missing.append(f"{_VIDEOS - len(items)} of the {_VIDEOS} videos: no recordings below {source}")
    return FoundItems(tuple(items), tuple(missing))


def read(item: RawItem, direction: Direction, _stimulus: Stimulus) -> ItemGaze:
    """Read the samples of all viewers in one direction: where the eyes were lost the head still counts."""
    counter = DropCounter()
    tracks, notes = [], []
    for log in item.logs:
        if is_blank(log):
            counter.add("empty log of a viewer", str(log))
            continue
        reading = read_em360(log, _viewer(log))
        counter.merge(reading.drops)
        notes += [f"{log.name}: {note}" for note in reading.notes]
        if len(reading.records.samples):
            tracks.append(_select_direction(reading.records.samples, direction))
        else:
            counter.add("log of a viewer without a usable row", str(log))
    return ItemGaze(tuple(tracks), None, counter.result(), tuple(notes))


def _select_direction(samples: GazeSamples, direction: Direction) -> GazeSamples:
    if direction == "head":
        return GazeSamples(samples.observer, samples.timestamp_s, head=samples.vectors("head"))
    vectors = samples.vectors(direction)
    return GazeSamples(samples.observer, samples.timestamp_s, head_eye=vectors, valid=samples.valid)


def _find_stimuli(source: Path) -> dict[str, Path]:
    """Return the videos by name and, where it is unique, by number: "01"."""
    files = {file.stem: file for file in reversed(find_files(source, "videos/*.mp4"))}
    numbers = [_number(name) for name in files]
    return files | {_number(name): file for name, file in files.items() if numbers.count(_number(name)) == 1}


def _number(video: str) -> str:
    return video.partition("_")[0]


def _viewer(log: Path) -> str:
    return log.name.partition("_")[0]


EM360 = Dataset(
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
    url=_URL,
    citation=(
        "I. Agtzidis, M. Startsev, M. Dorr: 360-degree Video Gaze Behaviour: A Ground-Truth Data Set and a "
        "Classification Algorithm for Eye Movements, ACM MM 2019"
    ),
    expected_files=_FILES,
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

DATASETS = (EM360,)
