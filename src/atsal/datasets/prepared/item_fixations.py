"""What of the gaze on a video lies on its frames."""

from typing import TypeVar

from atsal.gaze.checked_records import DropCounter
from atsal.gaze.records import Fixations, GazeSamples

T = TypeVar("T", GazeSamples, Fixations)


def within_video(gaze: T, frames: int | None, where: str, drops: DropCounter) -> T:
    """The samples, or the fixations that begin, on the `frames` frames of a video; the others are counted as dropped.

    All of them where the frames of the video or of the gaze are not known. `where` names the log.
    """
    first = gaze.frame_index if isinstance(gaze, GazeSamples) else gaze.first_frame
    if frames is None or first is None:
        return gaze
    inside = first < frames
    drops.add(f"past the end of the video ({frames} frames)", where, int((~inside).sum()))
    return gaze.select(inside)
