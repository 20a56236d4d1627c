"""What is asked of a photo, and what is answered."""

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from atsal.errors import ConfigError
from atsal.prediction.model_choice import ModelChoice
from atsal.prediction.overlay import DEFAULT_OVERLAY, Overlay
from atsal.serving.model_query import REGION_LIMITS, ModelQuery
from atsal.video.colormaps import COLORMAPS
from atsal.video.stereo_layout import StereoChoice

Output = Literal["png", "png16", "npy", "overlay", "regions"]
MEDIA_TYPES: dict[Output, str] = {
    "png": "image/png",
    "png16": "image/png",
    "overlay": "image/png",
    "npy": "application/octet-stream",
    "regions": "application/json",
}
_LOOK = ("colormap", "opacity", "legend")


class PhotoQuery(ModelQuery):
    """The parameters of `POST /v1/images`."""

    output: Output = Field(
        "png",
        description="As the formats of `atsal predict`: png is grey in 8 bits, png16 in 16 bits, each up to the map's "
        "own peak; npy is the map in float32; overlay the colours over the photo. regions is the JSON that "
        "`atsal regions` writes.",
    )
    still_at: float | None = Field(
        None, alias="still-at", ge=0, le=1e6, description="Treat it as shown so many seconds after a video's start."
    )
    colormap: str = Field(DEFAULT_OVERLAY.colormap, json_schema_extra={"enum": list(COLORMAPS)})
    opacity: float = Field(DEFAULT_OVERLAY.opacity, ge=0, le=1, description="Of the colours at the map's peak.")
    legend: bool = Field(DEFAULT_OVERLAY.legend, description="Draw what the colours mean.")

    def check(self) -> None:
        """Raise `ConfigError` for what cannot be asked for, or would change nothing."""
        super().check()
        self._refuse(_LOOK, "overlay")
        self._refuse(REGION_LIMITS, "regions")

    def question(self, content: bytes, device: str) -> "PhotoQuestion":
        """Return the question about a photo. Raises `ConfigError`."""
        self.check()
        look = Overlay(self.colormap, self.opacity, self.legend)
        return PhotoQuestion(
            content,
            self.output,
            self.model(device),
            self.stream,
            self.stereo,
            self.still_at,
            look,
            self.region_limits(),
        )

    def _refuse(self, names: tuple[str, ...], output: Output) -> None:
        given = [name.replace("_", "-") for name in names if name in self.model_fields_set]
        if given and self.output != output:
            raise ConfigError(
                f"{', '.join(given)} would change nothing in output={self.output}; ask for output={output}, or leave "
                f"{'them' if len(given) > 1 else 'it'} out"
            )


@dataclass(frozen=True)
class PhotoQuestion:
    """A photo, and what is asked of it."""

    content: bytes  # of its file
    output: Output
    model: ModelChoice
    stream: str = "fused"
    stereo: StereoChoice = "auto"
    still_at_s: float | None = None
    look: Overlay = DEFAULT_OVERLAY
    region_limits: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PhotoAnswer:
    """The answer, as a file of the output that was asked for."""

    content: bytes
    stereo: str  # the layout as which the photo was taken
