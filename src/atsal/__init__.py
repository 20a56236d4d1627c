"""Predict where people look in 360° images and video.

>>> import atsal
>>> model = atsal.load_model("lite")             # direction="head", front_deg=90.0, …
>>> saliency = model.predict_image(erp)          # (H, W, 3) uint8 RGB -> (h, w) float32 >= 0
>>> for r in model.predict_video("in.mp4"):      # streaming, constant memory
...     r.frame_index, r.timestamp_s, r.saliency, r.attention, r.experts
"""

from typing import TYPE_CHECKING

from atsal.errors import AtsalError
from atsal.version import __version__

if TYPE_CHECKING:
    from atsal.prediction.predictor import FrameResult, Predictor, load_model

__all__ = ["AtsalError", "FrameResult", "Predictor", "__version__", "load_model"]


def __getattr__(name: str) -> object:
    """Import what needs torch when it is first asked for, so that `atsal --help` answers at once."""
    if name in ("FrameResult", "Predictor", "load_model"):
        from atsal.prediction import predictor  # noqa: PLC0415 - late on purpose

        return getattr(predictor, name)
    raise AttributeError(f"module 'atsal' has no attribute {name!r}")
