"""Two videos frame by frame: each frame of the reference with the frame of the other that is shown at its time."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from atsal.errors import MediaError
from atsal.video.luma_reader import LumaFrame, read_luma
from atsal.video.stereo_layout import StereoChoice

_EARLY_S = 0.002  # containers round times to milliseconds


def paired_frames(
    reference: Path, distorted: Path, stereo: StereoChoice = "auto"
) -> Iterator[tuple[LumaFrame, LumaFrame]]:
    """Yield each frame of the reference with the frame of the other video that is on the screen at its time.

    Pictures of another size are scaled to the size of the reference. Frame rates may differ. Raises MediaError if one
    video ends more than a frame before the other, or if their ranges of luma differ, and what `read_luma` raises.
    """
    frames = read_luma(reference, stereo=stereo)
    first = next(frames)
    others = read_luma(distorted, height=len(first.luma), stereo=stereo)
    shown, following = next(others), next(others, None)
    if first.is_full_range != shown.is_full_range:
        raise MediaError(
            f"{distorted}: its luma has the {_range(shown)} range, that of {reference} the {_range(first)} range; "
            "expected one range. Encode it again with the range of the reference"
        )
    step_s = following.timestamp_s - shown.timestamp_s if following else 0.0
    last_s, own_step_s = 0.0, step_s
    for frame in chain([first], frames):
        while following is not None and following.timestamp_s <= frame.timestamp_s + _EARLY_S:
            step_s = following.timestamp_s - shown.timestamp_s
            shown, following = following, next(others, None)
        if following is None and frame.timestamp_s > shown.timestamp_s + 2 * (step_s or frame.timestamp_s - last_s):
            raise _length_error(distorted, shown.timestamp_s, reference, frame.timestamp_s)
        yield frame, shown
        own_step_s, last_s = frame.timestamp_s - last_s or own_step_s, frame.timestamp_s
    for later in chain([following] if following else [], others):
        if later.timestamp_s > last_s + 2 * max(step_s, own_step_s):
            raise _length_error(reference, last_s, distorted, later.timestamp_s)


def _range(frame: LumaFrame) -> str:
    return "full" if frame.is_full_range else "limited"


def _length_error(short: Path, end_s: float, long: Path, later_s: float) -> MediaError:
    return MediaError(
        f"{short}: its last frame is at {end_s:.2f} s, but {long} goes on at {later_s:.2f} s; expected two versions of "
        "one video. Cut both to the same part"
    )
