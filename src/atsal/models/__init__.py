"""The networks, and the weights that go with them."""

from atsal.models.attention import AttentionStream
from atsal.models.checkpoints import load_published
from atsal.models.config import ModelConfig
from atsal.models.lite import LiteAttention, LiteExpert
from atsal.models.salema import SalEMA
from atsal.models.two_stream import ATSal, Prediction
from atsal.models.weight_folder import import_published

__all__ = [
    "ATSal",
    "AttentionStream",
    "LiteAttention",
    "LiteExpert",
    "ModelConfig",
    "Prediction",
    "SalEMA",
    "import_published",
    "load_published",
]
