"""Reduce the gaze on an item to the fixations that count: those on the video, with their frames."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from atsal.datasets.dataset import Dataset, ItemGaze, Stimulus
from atsal.datasets.implausible_gaze import check_coverage, drop_implausible
from atsal.datasets.prepared.preparation import Preparation, wrong_events
from atsal.errors import DataError
from atsal.gaze.checked_records import Drop, DropCounter
from atsal.gaze.detection import detect_fixations
from atsal.gaze.records import Direction, Fixations, fixations_from_samples, rows_of_each
from atsal.untrusted.text import shorten_list


def item_fixations(gaze: ItemGaze, stimulus: Stimulus, dataset: Dataset, preparation: Preparation) -> ItemGaze:
    """Return the gaze that `Dataset.read` gave, with the fixations that count in place of its own.

    Drops what begins past the end of the video, recordings that cannot be right, and what begins before `skip_s` of the
    data set. Detects fixations if `preparation.events` asks for that. Raises `DataError` if most of the gaze begins
    past the end, `ConfigError` if the gaze does not have these events.
    """
    gaze = drop_implausible(drop_past_end(gaze, stimulus), stimulus)
    if preparation.events == "fixations":
        if gaze.fixations is None:
            raise wrong_events(dataset, preparation.events, "its log holds")
    else:
        if not gaze.samples and gaze.fixations is not None:
            raise wrong_events(dataset, preparation.events, "its log holds")
        detected = ItemGaze(fixations=_from_samples(gaze, preparation.direction, preparation.events), drops=gaze.drops)
        detected = drop_past_end(detected, stimulus)
        notes = gaze.notes if preparation.events == "samples" else (*gaze.notes, *detected.notes)
        gaze = replace(gaze, fixations=detected.fixations, drops=detected.drops, notes=notes)
    if not isinstance(gaze.fixations, Fixations):
        return gaze
    fixations, drops = _skip_start(gaze.fixations, gaze.drops, dataset.skip_s)
    warnings = (*gaze.warnings, *check_coverage(fixations, stimulus))
    return replace(gaze, fixations=fixations, drops=drops, warnings=warnings)


def drop_past_end(gaze: ItemGaze, stimulus: Stimulus) -> ItemGaze:
    """Return the gaze without what begins past the end of the video. This rule is the same for all data sets.

    A row with a frame is past the end if the video has no such frame, a row with only a time if the time is the video's
    duration or later. Fixations with times get their frames here; those that last beyond the last frame end with it,
    and a note says how many. Drops are counted: as samples if the gaze has samples, else as fixations. An observer
    without any row on the video gets a warning. Raises `DataError` if more than half of the rows are past the end.
    """
    drops, notes, fixations = DropCounter(), gaze.notes, gaze.fixations
    drops.merge(gaze.drops)
    late_rows = [_past_end(track.frame_index, track.timestamp_s, len(track), stimulus) for track in gaze.samples]
    samples = tuple(track.select(~late) for track, late in zip(gaze.samples, late_rows, strict=True))
    observer = np.concatenate([np.zeros(0, np.str_), *(np.full(len(t), t.observer) for t in gaze.samples)])
    start = _join([track.timestamp_s if track.frame_index is None else track.frame_index for track in gaze.samples])
    late = np.concatenate([np.zeros(0, bool), *late_rows])
    if isinstance(fixations, Fixations):
        with_frames = _with_frames(fixations, stimulus)
        late_fixations = _past_end(fixations.first_frame, fixations.onset_s, len(fixations), stimulus)
        late_fixations |= _past_end(with_frames.first_frame, None, len(fixations), stimulus)
        if not gaze.samples:
            observer, late = fixations.observer, late_fixations
            start = fixations.onset_s if fixations.first_frame is None else fixations.first_frame
        fixations, note = _end_with_video(with_frames.select(~late_fixations), stimulus)
        notes += note
    warnings = gaze.warnings
    if start is not None and late.any():
        _check_late(start, late, stimulus)
        first = int(np.argmax(late))
        drops.add(f"past the end of the video ({_length(stimulus)})", f"observer {observer[first]}", int(late.sum()))
        lost = [name for name, rows in rows_of_each(observer).items() if late[rows].all()]
        if lost:
            warnings += (f"all gaze of {shorten_list(lost)} lies past the end of the video: another clock?",)
    samples = tuple(track for track in samples if len(track))
    return ItemGaze(samples, fixations, drops.result(), notes, warnings)


def _past_end(
    frame: NDArray[np.int64] | None, time_s: NDArray[np.float64] | None, count: int, stimulus: Stimulus
) -> NDArray[np.bool_]:
    if frame is not None and stimulus.frames is not None:
        return frame >= stimulus.frames
    if frame is None and time_s is not None and stimulus.duration_s is not None:
        return time_s >= stimulus.duration_s
    return np.zeros(count, bool)


def _join(parts: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
    there = [part for part in parts if part is not None]
    return np.concatenate(there) if there else None


def _with_frames(fixations: Fixations, stimulus: Stimulus) -> Fixations:
    """Return the fixations with frames, if they have times and the frames of the stimulus have, too."""
    if fixations.first_frame is not None or fixations.onset_s is None:
        return fixations
    if stimulus.frame_times_s is not None and stimulus.duration_s is not None:
        return fixations.with_frame_times(stimulus.frame_times_s)
    return fixations if stimulus.frames_per_s is None else fixations.with_frames(stimulus.frames_per_s)


def _end_with_video(fixations: Fixations, stimulus: Stimulus) -> tuple[Fixations, tuple[str, ...]]:
    last, frames = fixations.last_frame, stimulus.frames
    if last is None or frames is None or not (last >= frames).any():
        return fixations, ()
    note = f"{int((last >= frames).sum())} fixations last beyond the video's {frames} frames and end with it"
    return replace(fixations, last_frame=np.minimum(last, frames - 1)), (note,)


def _check_late(start: NDArray[Any], late: NDArray[np.bool_], stimulus: Stimulus) -> None:
    if 2 * late.sum() > len(late):
        raise DataError(
            f"{late.sum()} of {len(late)} fixations or samples begin past the end of the video ({_length(stimulus)}): "
            f"they run from {start.min():.10g} to {start.max():.10g}: the video is another one, or cut short, or the "
            "clock of the log does not start with it"
        )


def _length(stimulus: Stimulus) -> str:
    lengths = [] if stimulus.frames is None else [f"{stimulus.frames} frames"]
    lengths += [] if stimulus.duration_s is None else [f"{stimulus.duration_s:g} s"]
    return ", ".join(lengths)


def _from_samples(gaze: ItemGaze, direction: Direction, events: Literal["samples", "ivt", "idt"]) -> Fixations:
    if not gaze.samples:
        return Fixations.empty()
    if events == "samples":
        return fixations_from_samples(gaze.samples, direction)
    return detect_fixations(gaze.samples, direction, method=events)


def _skip_start(fixations: Fixations, drops: tuple[Drop, ...], skip_s: float) -> tuple[Fixations, tuple[Drop, ...]]:
    if not skip_s or fixations.onset_s is None:
        return fixations, drops
    kept, counter = fixations.onset_s >= skip_s, DropCounter()
    counter.merge(drops)
    reason = f"in the first {skip_s:g} s, where all start from one place"
    counter.add(reason, "the start of each recording", int((~kept).sum()))
    return fixations.select(kept), counter.result()
