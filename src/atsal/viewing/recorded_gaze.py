"""The recorded gaze on an item of a prepared set, as the page shows it: fixations, and maps made from them.

Only what a prepared set keeps is shown: its fixations, or the samples that it takes as fixations.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from atsal.datasets.prepared.frame_times import frame_seconds
from atsal.datasets.prepared.prepared_set import PreparedSet
from atsal.directing.scene_cuts import FrameWatch
from atsal.errors import DataError
from atsal.gaze.directions import Floats, Integers
from atsal.gaze.records import Fixations, rows_of_each
from atsal.prediction.options import ReadOptions, Seconds
from atsal.prediction.predictor import Predictor
from atsal.prediction.sources import Source
from atsal.untrusted.text import plural
from atsal.video.media_files import classify
from atsal.viewing.frame_maps import FrameMaps, predict_frame_maps, predicted_streams
from atsal.viewing.media import prepare_media
from atsal.viewing.packing import RECORDED
from atsal.viewing.scene import Film, Gaze, ViewerGaze
from atsal.viewing.site import Subject

_DIRECTIONS = {"head": "head directions", "head_eye": "gaze (head and eyes)", "eye": "gaze"}


@dataclass(frozen=True)
class RecordedItem:
    """An item of a prepared set with a 360° picture."""

    prepared: PreparedSet
    item: str
    source: Source  # what the viewers saw
    fixations: Fixations

    def gaze(self, reading: ReadOptions) -> Gaze:
        """Return the fixations of each viewer. Raises what reading the times of the frames raises."""
        start_s, duration_s = self._times(reading)
        viewers = tuple(
            _viewer(name, self.fixations.select(rows), start_s[rows] if len(start_s) else start_s, duration_s[rows])
            for name, rows in rows_of_each(self.fixations.observer).items()
        )
        is_photo = self.source.kind == "image" and len(start_s)
        viewing_s = float((start_s + duration_s).max()) if is_photo else 0.0
        return Gaze(viewers, self._shows(len(viewers)), round(viewing_s, 4))

    def with_recorded_maps(self, frames: Iterable[FrameMaps]) -> Iterator[FrameMaps]:
        """Add to each frame the map (h, 2h) of the gaze in its window, or of all gaze for a photo."""
        window, saliency = None, None
        for frame in frames:
            height = len(next(iter(frame.maps.values())))
            its_window = self.prepared.window_at(self.item, frame.frame_index)
            if saliency is None or its_window != window:
                window = its_window
                saliency = self.prepared.saliency_map(self.item, window, erp_height=height)
            yield frame._replace(maps=frame.maps | {RECORDED.name: saliency})

    def notes(self) -> tuple[str, ...]:
        """Return sentences on what was seen, and on whose gaze it is: an export of the page holds data of others."""
        is_of_video = self.source.kind == "image" and self.prepared.dataset.still_s is not None
        still = "The picture is one frame of a video: the viewers saw the video, and the times are those of the video."
        return (*([still] if is_of_video else []), licence_note(self.prepared))

    def _times(self, reading: ReadOptions) -> tuple[Floats, Floats]:
        """Return the start (N,), empty where it is not known, and the duration (N,) of each fixation, in seconds."""
        found = self.fixations
        duration_s = np.zeros(len(found)) if found.duration_ms is None else found.duration_ms / 1000
        if (
            found.onset_s is not None and self.source.kind != "sequence"
        ):  # frames in a folder have no times of their own
            return found.onset_s, duration_s
        if found.first_frame is None or found.last_frame is None or self.source.kind == "image":
            return np.zeros(0), duration_s
        start_s, end_s = (self._seconds(frames, reading) for frames in (found.first_frame, found.last_frame + 1))
        return start_s, end_s - start_s

    def _seconds(self, frames: Integers, reading: ReadOptions) -> Floats:
        if self.source.kind == "sequence":
            return frames / self.source.output_rate(reading)
        return np.array(frame_seconds(self.prepared, self.item, frames.tolist()))

    def _shows(self, viewers: int) -> str:
        preparation = self.prepared.preparation
        kind = "sample" if preparation.events == "samples" else "fixation"
        direction = _DIRECTIONS[preparation.direction]
        return f"{plural(len(self.fixations), kind)} of {direction}, from {plural(viewers, 'viewer')}."


def open_item(prepared: PreparedSet, item: str) -> RecordedItem:
    """Open an item. Raises `ConfigError` for an unknown one, `DataError` for a flat photo and for a missing file."""
    fixations = prepared.fixations(item)
    if not isinstance(fixations, Fixations):
        raise flat_photos_error(prepared.folder)
    path = prepared.shown_file(item)
    return RecordedItem(prepared, item, Source(path, "sequence" if path.is_dir() else classify(path)), fixations)


def licence_note(prepared: PreparedSet) -> str:
    """Return sentences on whose gaze it is, and on what an export of the page holds."""
    about = prepared.manifest["about"]
    return (
        f"The recorded gaze is that of {about['title']}. Licence: {about['licence']}. "
        "An export of this page contains the gaze and the picture: pass it on only as the licence allows."
    )


def flat_photos_error(folder: Path) -> DataError:
    """Return the error for a set of flat photos."""
    inspect = f"`atsal inspect {folder} ITEM -o look` draws one with its gaze"
    return DataError(f"{folder}: holds flat photos, and the page shows 360° pictures; {inspect}")


def predict_item(
    recorded: RecordedItem,
    predictor: Predictor,
    reading: ReadOptions,
    still_at_s: Seconds,
    folder: Path,
    *,
    copy: bool,
    film: Film | None = None,
) -> tuple[Subject, Iterator[FrameMaps]]:
    """Return what `build_site` needs: the page shows the item with its gaze, the prediction, and maps of the gaze.

    A still of a video is predicted for the time that the set declares, unless `still_at_s` is given. `folder` and
    `copy` are those of `prepare_media`. Raises what reading the picture and the model raise.
    """
    if still_at_s is None:
        still_at_s = _still_at_s(recorded, predictor)
    watch = FrameWatch()
    frames = predict_frame_maps(predictor, recorded.source, reading, still_at_s, watch=watch)
    media, path = prepare_media(recorded.source, reading, folder, copy=copy)
    notes = (*recorded.source.notes(reading), *recorded.notes())
    streams, model = (*predicted_streams(predictor), RECORDED.name), predictor.bundle.folder.name
    direction, gaze = predictor.network.direction, recorded.gaze(reading)
    subject = Subject(media, path, streams, direction, model, notes, gaze, film, watch)
    return subject, recorded.with_recorded_maps(frames)


def _still_at_s(recorded: RecordedItem, predictor: Predictor) -> float | None:
    """Return the time in its video at which a still was taken; None for photos, and for videos, which have times."""
    if recorded.source.kind == "video" or not predictor.network.depends_on_time:
        return None
    seconds = frame_seconds(recorded.prepared, recorded.item, [0])
    return seconds[0] if seconds else None


def _viewer(name: str, fixations: Fixations, start_s: Floats, duration_s: Floats) -> ViewerGaze:
    return ViewerGaze(
        name,
        _rounded(start_s, 4),
        _rounded(duration_s, 4),
        _rounded(np.degrees(fixations.lon_rad), 2),
        _rounded(np.degrees(fixations.lat_rad), 2),
    )


def _rounded(values: Floats, digits: int) -> tuple[float, ...]:
    return tuple(round(float(value), digits) for value in values)
