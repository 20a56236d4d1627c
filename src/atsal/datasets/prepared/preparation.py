"""What `prepare` is asked to make, and how the gaze of one item becomes its fixations."""

import dataclasses
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from atsal.config import check_range
from atsal.datasets.dataset import Dataset, ItemGaze, Stimulus
from atsal.errors import ConfigError, DataError
from atsal.gaze.checked_records import CheckedRecords, DropCounter
from atsal.gaze.maps import Window, frames_per_window, windows
from atsal.gaze.records import MOST_FRAMES, Direction, Fixations, PlanarFixations, fixations_from_samples

Events = Literal["fixations", "samples", "ivt", "idt"]
WindowKind = Literal["frame", "200ms", "clip"]
WINDOW_S = 0.2  # the pooling of the Salient360! protocol


@dataclass(frozen=True)
class Preparation:
    """The settings of a prepared set; everything in it follows from them and the raw files."""

    direction: Direction
    events: Events  # fixations: as the data set's authors detected them; ivt, idt: detected here
    sigma_deg: float | None  # None: flat photos, whose σ is the data set's `sigma_width`
    erp_height: int = 1024  # of maps and of frames written
    maps: Literal["none", "npy", "png"] = "none"  # none: made when a sample is read
    window: WindowKind = "frame"
    frames: Literal["reference", "extract"] = "reference"
    augment: Literal["none", "published"] = "none"

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check_range(self, erp_height=(1, 8192))
        if self.sigma_deg is not None and not 0 < self.sigma_deg < 180:
            raise ConfigError(f"sigma {self.sigma_deg}°: expected more than 0 and less than 180 degrees")

    @property
    def sphere_sigma_deg(self) -> float:
        """σ of maps on the sphere; `ConfigError` for flat photos."""
        if self.sigma_deg is None:
            raise ConfigError("flat photos have no σ in degrees")
        return self.sigma_deg

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return dataclasses.asdict(self)


def preparation_for(dataset: Dataset, **chosen: Any) -> Preparation:
    """The data set's own settings, where nothing else was chosen (None counts as nothing).

    Raises `ConfigError` for what the data set does not have.
    """
    given = {name: value for name, value in chosen.items() if value is not None}
    direction = given.setdefault("direction", dataset.directions[0])
    if direction not in dataset.directions:
        raise ConfigError(f"{dataset.name} has no {direction} direction; it has {' and '.join(dataset.directions)}")
    given.setdefault("events", "samples" if direction in dataset.without_fixations else dataset.events)
    _check_events(dataset, direction, given["events"])
    if dataset.stimuli == "photos":
        _refuse_for_photos(dataset, given)
    given.setdefault("sigma_deg", None if dataset.stimuli == "photos" else dataset.sigma_deg[direction])
    if given.get("augment", "none") != "none" and dataset.stimuli not in ("images", "mixed"):
        raise ConfigError(
            f"{dataset.name} holds {dataset.stimuli}: only 360° images are written out in variants; for the rest they "
            "are drawn while training"
        )
    chosen_now = Preparation(**given)
    if chosen_now.augment != "none" and chosen_now.erp_height % 4:
        raise ConfigError(f"maps of {chosen_now.erp_height} rows: turns by an eighth need a multiple of 4")
    return chosen_now


def _check_events(dataset: Dataset, direction: Direction, events: Events) -> None:
    if events != "fixations" and dataset.without_samples:
        raise ConfigError(f"{dataset.name} comes without samples; choose fixations as events")
    samples_only = dataset.events == "samples" or direction in dataset.without_fixations
    if events == "fixations" and samples_only:
        raise ConfigError(f"{dataset.name} comes without fixations of {direction}; choose samples, ivt or idt")


def _refuse_for_photos(dataset: Dataset, given: dict[str, Any]) -> None:
    useless = [name for name in ("sigma_deg", "erp_height", "window") if name in given]
    if useless:
        raise ConfigError(
            f"{dataset.name} holds flat photos: {' and '.join(useless)} cannot be chosen; a map has its photo's size, "
            f"and σ is {dataset.sigma_width:.3g} of the width"
        )


def fixations_of(
    gaze: ItemGaze, stimulus: Stimulus, dataset: Dataset, preparation: Preparation
) -> CheckedRecords[Fixations | PlanarFixations]:
    """The fixations that count, with their frames where the stimulus has any, all that was left out, and notes.

    Left out are those that begin before `skip_s` of the data set and those past the end of the video; what lasts beyond
    it ends with it. Raises `DataError` where most begin past the end.
    """
    drops = DropCounter()
    drops.merge(gaze.drops)
    fixations = _events(gaze, preparation)
    if isinstance(fixations, PlanarFixations):
        return CheckedRecords(fixations, drops.result())
    if fixations.first_frame is None and fixations.onset_s is not None:
        fixations = _in_time(fixations, stimulus, drops)
    notes: tuple[str, ...] = ()
    if fixations.first_frame is not None and stimulus.frames is not None:
        kept = fixations.first_frame < stimulus.frames
        _check_late(~kept, fixations.first_frame, f"the video's frames 0 to {stimulus.frames - 1}")
        reason = f"past the end of the video ({stimulus.frames} frames)"
        if (~kept).any():
            last = int(fixations.first_frame[~kept].min())
            drops.add(reason, f"frame {last}", int((~kept).sum()))
        fixations, notes = _ending_with(fixations.select(kept), stimulus.frames, preparation.events)
    if dataset.skip_s and fixations.onset_s is not None:
        kept = fixations.onset_s >= dataset.skip_s
        reason = f"in the first {dataset.skip_s:g} s, where all start from one place"
        drops.add(reason, "the start of each recording", int((~kept).sum()))
        fixations = fixations.select(kept)
    return CheckedRecords(fixations, drops.result(), notes)


def _ending_with(fixations: Fixations, frames: int, events: Events) -> tuple[Fixations, tuple[str, ...]]:
    """The fixations, none in a frame beyond the last; a note on how many would be, but for samples: they last 0."""
    last = fixations.last_frame
    beyond = 0 if last is None else int((last >= frames).sum())
    if last is None or not beyond:
        return fixations, ()
    note = f"{beyond} fixations last beyond the video's {frames} frames and end with it"
    return replace(fixations, last_frame=np.minimum(last, frames - 1)), () if events == "samples" else (note,)


def _check_late(late: NDArray[np.bool_], starts: NDArray[Any], video: str) -> None:
    if 2 * late.sum() > len(late):
        raise DataError(
            f"{late.sum()} of {len(late)} fixations or samples begin past the end of the video: they run from "
            f"{starts.min():.10g} to {starts.max():.10g}, outside {video}: the video is another one, or cut short, or "
            "the clock of the log does not start with it"
        )


def _in_time(fixations: Fixations, stimulus: Stimulus, drops: DropCounter) -> Fixations:
    """With frames, where the stimulus has any."""
    if stimulus.frame_times_s is None or stimulus.duration_s is None or fixations.onset_s is None:
        return fixations if stimulus.frames_per_s is None else fixations.with_frames(stimulus.frames_per_s)
    late = fixations.onset_s >= stimulus.duration_s
    _check_late(late, fixations.onset_s, f"the {stimulus.duration_s:g} s of the video")
    drops.add(f"past the end of the video ({stimulus.duration_s:g} s)", "the end of a recording", int(late.sum()))
    return fixations.select(~late).with_frame_times(stimulus.frame_times_s)


def _events(gaze: ItemGaze, preparation: Preparation) -> Fixations | PlanarFixations:
    if preparation.events == "fixations":
        if gaze.fixations is None:
            raise ConfigError("this data set comes without fixations; choose samples, ivt or idt as events")
        return gaze.fixations
    if not gaze.samples:
        if gaze.fixations is not None:
            raise ConfigError("this data set comes without samples; choose fixations as events")
        return Fixations.empty()
    if preparation.events == "samples":
        return fixations_from_samples(gaze.samples, preparation.direction)
    from atsal.gaze.detection import detect_fixations  # noqa: PLC0415 - only here

    return detect_fixations(gaze.samples, preparation.direction, method=preparation.events)


def windows_of(
    stimulus: Stimulus, fixations: Fixations | PlanarFixations, kind: WindowKind, *, stills: bool
) -> tuple[Window, ...] | None:
    """The windows of the maps; None for one map of everything: stills (as of sets of images), and whole clips.

    Without a video the frames are counted to the last one that was looked at. Raises `DataError` where nothing tells
    the frames.
    """
    if kind == "clip" or stills or stimulus.kind in ("image", "photo") or isinstance(fixations, PlanarFixations):
        return None
    frames = stimulus.frames
    if frames is None:
        if fixations.last_frame is None or not len(fixations):
            raise DataError("neither a video nor the gaze tells the frames; put the video beside, or choose clip maps")
        frames = int(fixations.last_frame.max()) + 1
    if frames > MOST_FRAMES:
        raise DataError(f"{frames} frames, as the gaze or the record of the video tells; no video has so many")
    if kind == "frame":
        return windows(frames, 1)
    if stimulus.frames_per_s is None:
        raise DataError("windows of 200 ms need the video's rate; put the video beside, or choose frame or clip maps")
    return windows(frames, frames_per_window(frames, frames / stimulus.frames_per_s, WINDOW_S))
