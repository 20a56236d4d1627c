"""Pictures of a prepared set: the sheet of all of it, and one item with its gaze."""

from atsal.datasets.prepared.checks import warnings
from atsal.datasets.prepared.drawing import draw_item
from atsal.datasets.prepared.prepared_set import PreparedSet
from atsal.datasets.prepared.sheet import draw_sheet
from atsal.datasets.stimulus import Picture
from atsal.gaze.records import Fixations


def draw_set(prepared: PreparedSet) -> Picture:
    """The sheet of a prepared set, (H, W, 3) uint8; `MissingDependencyError` without matplotlib."""
    statistics = prepared.statistics()
    return draw_sheet(statistics, prepared.dataset, warnings(statistics, prepared.dataset))


def draw_prepared_item(
    prepared: PreparedSet, item: str, *, frame_index: int | None = None, scanpaths: bool = False
) -> Picture:
    """One item with its fixations and its saliency map over it, (H, W, 3) uint8.

    With `frame_index`, the gaze of the window of that frame over that frame; without, all gaze over the middle of a
    video. Where there is no stimulus the ground is plain. Raises `DataError` for a frame past the end.
    """
    fixations, stimulus = prepared.fixations(item), prepared.stimulus(item)
    window = None if frame_index is None else prepared.window_at(item, frame_index)
    name = item if frame_index is None else f"{item}, frame {frame_index}"
    if window is not None and isinstance(fixations, Fixations):
        fixations = fixations.in_frames(window.first_frame, window.last_frame)
    picture = None
    if stimulus.kind is not None:
        middle = (stimulus.frames or 1) // 2
        picture = prepared.picture(item, middle if frame_index is None else frame_index)
    return draw_item(
        picture,
        fixations,
        prepared.saliency_map(item, window, erp_height=256),
        name=name,
        sigma_deg=prepared.preparation.sigma_deg,
        events="samples" if prepared.preparation.events == "samples" else "fixations",
        scanpaths=scanpaths,
    )
