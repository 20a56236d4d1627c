"""Sitzmann et al., IEEE TVCG 2018: 22 static scenes, here in the standing VR condition (780 of the 1,980 runs)."""

from pathlib import Path

from atsal.datasets.dataset import Dataset, FoundItems, ItemGaze, RawItem, Stimulus
from atsal.datasets.raw_files import find_files, first_by_name, nothing_found, report_missing
from atsal.gaze.readers.sitzmann import read_sitzmann
from atsal.gaze.records import Direction, Fixations

_URL = "https://github.com/vsitzmann/vr-saliency"
_FILES = """\
data/vr/cubemap_0000.pck ... cubemap_0021.pck
data/img_files/cubemap_0000.png ... cubemap_0021.png
data/seated_vr/*.pck, data/browser/0.pck ... 21.pck      (the other conditions; not needed)"""

IDS = tuple(f"cubemap_{number:04d}" for number in range(22))
_SCANDMM_TEST = ("cubemap_0000", "cubemap_0006", "cubemap_0009")


def find(source: Path) -> FoundItems:
    """Find the scenes of the standing VR condition: `vr/cubemap_*.pck`, or `source` itself if it is the folder `vr`.

    Raises `DataError` if there is none.
    """
    files = find_files(source, "vr/cubemap_*.pck")
    if source.name == "vr" or not files:
        files += sorted(file for file in source.glob("cubemap_*.pck") if source.name not in ("seated_vr", "browser"))
    logs = first_by_name(files, r"(cubemap_\d{4})\.pck")
    if not logs:
        raise nothing_found(source, "vr/cubemap_*.pck of Sitzmann et al.", _FILES, _URL)
    above = source.parent if source.name == "vr" else source
    pictures = [*find_files(above, "img_files/cubemap_*.*"), *find_files(above, "cubemap_*.*")]
    stimuli = first_by_name(pictures, r"(cubemap_\d{4})\.(?:png|jpe?g)")
    items = tuple(RawItem(name, stimuli.get(name), (logs[name],)) for name in sorted(logs))
    missing = report_missing(source, [name for name in sorted(logs) if name not in stimuli], "img_files/<scene>.png")
    missing += report_missing(source, [name for name in IDS if name not in logs], "vr/<scene>.pck")
    return FoundItems(items, tuple(missing))


def read(item: RawItem, direction: Direction, _stimulus: Stimulus) -> ItemGaze:
    """Read the samples of each run, and the authors' fixations of the gaze; of the head there are samples only."""
    reading = read_sitzmann(item.logs[0])
    samples = tuple(run.samples for run in reading.records if len(run.samples))
    fixations = Fixations.concatenate([run.fixations for run in reading.records])
    return ItemGaze(samples, fixations if direction == "head_eye" else None, reading.drops, reading.notes)


SITZMANN = Dataset(
    name="sitzmann",
    title="Saliency in VR (Sitzmann et al.), standing VR",
    stimuli="images",
    items=22,
    observers="780 runs of unnamed viewers, at least 26 a scene",
    directions=("head_eye", "head"),
    events="fixations",
    directions_without_fixations=("head",),
    sampling="Pupil Labs eye tracker in an Oculus DK2, 30 s a scene; the rate stands in the times",
    sigma_deg={"head_eye": 1.0, "head": 4.75},
    licence="none stated; ask the authors for other than research use",
    url=_URL,
    citation=(
        "Sitzmann, Serrano, Pavel, Agrawala, Gutierrez, Masia, Wetzstein: Saliency in VR: How Do People Explore "
        "Virtual Environments? IEEE TVCG 24(4), 2018"
    ),
    expected_files=_FILES,
    find=find,
    read=read,
    splits={
        # xiangjieSui/ScanDMM, config.py
        "scandmm": {"train": tuple(name for name in IDS if name not in _SCANDMM_TEST), "test": _SCANDMM_TEST}
    },
    notes=(
        "runs start at one of four viewpoints of the scene: there is no common start",
        "a viewer's name is not known: one viewer has another name in each scene",
        "the authors' map of the head is of samples slower than 37.2° a second; here all samples, or choose ivt",
        "seated_vr and browser are read by `read_sitzmann`, not by this set",
    ),
)

DATASETS = (SITZMANN,)
