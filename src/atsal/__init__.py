"""Predict where people look in 360° images and video.

>>> import atsal
>>> model = atsal.load_model("lite")             # direction="head", front_deg=90.0, …
>>> saliency = model.predict_image(erp)          # (H, W, 3) uint8 RGB -> (h, w) float32 >= 0
>>> picture = atsal.overlay(erp, saliency)       # in colours over the image
>>> atsal.peaks(saliency, 3)                     # where most of the gaze is predicted, in degrees
>>> for r in model.predict_video("in.mp4"):      # streaming, constant memory
...     r.frame_index, r.timestamp_s, r.saliency, r.attention, r.experts
>>> maps, state = model.step(frame, state, seconds=2.5)   # frame by frame
"""

from importlib import import_module
from typing import TYPE_CHECKING

from atsal.errors import AtsalError
from atsal.version import __version__

if TYPE_CHECKING:
    from atsal.prediction.overlay import overlay
    from atsal.prediction.predictor import FrameResult, Predictor, load_model
    from atsal.regions.finding import Peak, peaks

__all__ = ["AtsalError", "FrameResult", "Peak", "Predictor", "__version__", "load_model", "overlay", "peaks"]
_LATE = {
    "atsal.prediction.overlay": ("overlay",),
    "atsal.prediction.predictor": ("FrameResult", "Predictor", "load_model"),
    "atsal.regions.finding": ("Peak", "peaks"),
}


def __getattr__(name: str) -> object:
    """Import what needs torch when it is first asked for, so that `atsal --help` answers at once."""
    for module, names in _LATE.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'atsal' has no attribute {name!r}")
