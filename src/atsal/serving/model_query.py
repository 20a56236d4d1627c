"""What requests that predict at once may ask for: the parameters that photos and live frames have in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from atsal.errors import ConfigError
from atsal.models import Direction
from atsal.prediction.model_choice import ModelChoice
from atsal.prediction.streams import STREAMS, choose_streams
from atsal.video.stereo_layout import StereoChoice

REGION_LIMITS = ("max_regions", "min_weight")


class ModelQuery(BaseModel):
    """Options of the commands, by their names without dashes at the start. The model is `lite`."""

    model_config = ConfigDict(extra="forbid")

    stream: str = Field("fused", description="The map.", json_schema_extra={"enum": list(STREAMS)})
    direction: Direction = Field("head_eye", description="Where people look, or where their heads point.")
    front: float | None = Field(
        None, ge=-180, le=180, description="Where the front of the picture is, in degrees to the right; by default 0."
    )
    no_front: bool = Field(False, alias="no-front", description="The picture has no front.")
    stereo: StereoChoice = Field("auto", description="How the two views of a stereo picture are arranged.")
    max_regions: int = Field(8, alias="max-regions", ge=1, le=1000, description="The most regions, the heaviest.")
    min_weight: float = Field(
        0.01,
        alias="min-weight",
        ge=0,
        lt=1,
        description="The smallest share of the predicted gaze that makes a region.",
    )

    def check(self) -> None:
        """Raise `ConfigError` for what cannot be asked for."""
        if self.stream not in STREAMS:
            choose_streams([self.stream])
        if self.no_front and self.front is not None:
            raise ConfigError("front and no-front exclude each other; give one of them")

    def model(self, device: str) -> ModelChoice:
        """Return the model to load on a device."""
        front_deg = None if self.no_front else (self.front or 0.0)
        return ModelChoice(device=device, direction=self.direction, front_deg=front_deg)

    def region_limits(self) -> dict[str, Any]:
        """Return the limits of `find_regions`."""
        return {name: getattr(self, name) for name in REGION_LIMITS}
