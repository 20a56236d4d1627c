"""The networks, and the weights that go with them."""

from atsal.models.atsal import ATSal, Prediction
from atsal.models.attention import AttentionStream
from atsal.models.bundle import import_published
from atsal.models.checkpoints import load_published
from atsal.models.config import ModelConfig
from atsal.models.lite import LiteAttention, LiteExpert
from atsal.models.salema import SalEMA

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
