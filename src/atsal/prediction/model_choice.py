"""Which model a run uses: what one process can tell others, so that each loads the same one once."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from atsal.models import Direction

if TYPE_CHECKING:
    from atsal.models.two_stream import Procedure
    from atsal.prediction.predictor import Predictor
    from atsal.prediction.runtimes import Precision


@dataclass(frozen=True)
class ModelChoice:
    """The arguments of `load_model`, for processes that load the same model."""

    name: str | Path = "lite"
    device: str = "auto"
    runtime: str = "auto"
    precision: "Precision" = "float32"
    face_size: int | None = None
    procedure: "Procedure" = "corrected"
    direction: Direction = "head_eye"
    front_deg: float | None = 0.0

    def load(self) -> "Predictor":
        """Load the model; raise what `load_model` raises."""
        from atsal.prediction.predictor import load_model  # noqa: PLC0415 - imports torch

        return load_model(
            self.name,
            device=self.device,
            runtime=self.runtime,
            precision=self.precision,
            face_size=self.face_size,
            procedure=self.procedure,
            direction=self.direction,
            front_deg=self.front_deg,
        )


@lru_cache(maxsize=1)
def load_once(choice: ModelChoice) -> "Predictor":
    """Return the model, which this process loads at the first call."""
    return choice.load()
