"""How many frames a chunk of a video must see before its first own frame.

Two things remember earlier frames:

* the experts' moving average (`models/moving_average.py`): `h_t = s x_t + (1 - s) h_(t-1)` with `s = sigmoid(alpha)`,
* the peak up to which videos are drawn (`PeakTracker`): `p_t = (1 - m) peak_t + m p_(t-1)` with `m = 0.95`.

A chunk begins both anew, with the first frame that it sees. Both are linear, so the difference from an unbroken run
shrinks by `1 - s` or `m` with each frame, whatever the video shows. The warm-up is the smallest n for which `(1 - s)^n`
and `m^n` are at most a tolerance. Both memories run over the same frames. What uses neither needs no frame.
"""

import math

from atsal.models.two_stream import ATSal
from atsal.prediction.formats import FORMATS
from atsal.prediction.options import Options
from atsal.prediction.streams import needed_parts
from atsal.video.render import PEAK_MEMORY

STATE_TOLERANCE = 1e-5  # maps then differ by less than 1e-4 of their peak, also after a scene cut (docs/scale.md)
# The drawn levels, 0 to 255, then differ by less than 1, unless peaks before the chunk were more than three times as
# high as in it: 255 * 2 * 1 / 512 < 1.
PEAK_TOLERANCE = 1 / 512


def warm_up_frames(network: ATSal, options: Options) -> int:
    """Return how many frames a chunk sees before its first own frame, so that it equals a part of an unbroken run."""
    has_state = "experts" in needed_parts(options.streams)
    has_peak = any(FORMATS[name].video for name in options.formats)
    return max(
        count_frames(network.state_memory, STATE_TOLERANCE) if has_state else 0,
        count_frames(PEAK_MEMORY, PEAK_TOLERANCE) if has_peak else 0,
    )


def count_frames(memory: float, tolerance: float) -> int:
    """Return the smallest n >= 0 with `memory ** n <= tolerance`, for a memory from 0 to below 1."""
    return 0 if memory == 0 else max(0, math.ceil(math.log(tolerance) / math.log(memory) - 1e-9))
