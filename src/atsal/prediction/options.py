"""What to read of a source, what to predict, and how to write it. Importing this needs no torch."""

import math
from dataclasses import dataclass, field
from itertools import combinations

from atsal.config import suggest_name
from atsal.errors import ConfigError
from atsal.prediction.formats import DEFAULT_FORMAT, FORMATS
from atsal.prediction.overlay import DEFAULT_OVERLAY, Overlay
from atsal.prediction.streams import FUSED, choose_streams
from atsal.video.stereo_layout import StereoChoice

Seconds = float | None  # since the start of the video; None for a photo, which has no time
STILL_AT = "still_at_s (--still-at)"  # the name in messages, for users of the library and of the command line


@dataclass(frozen=True)
class ReadOptions:
    """Which frames of a source to read, and how; see `atsal.video.read_frames`."""

    stereo: StereoChoice = "auto"
    stride: int = 1
    fps: float | None = None
    start_s: float = 0.0
    duration_s: float | None = None
    max_frames: int | None = None  # 1: the results are those of a still

    def __post_init__(self) -> None:
        """Check what the readers of files do not."""
        if self.max_frames is not None and self.max_frames < 1:
            raise ConfigError(f"max_frames {self.max_frames}: expected the most frames to read, 1 or more")


@dataclass(frozen=True)
class Options:
    """What to predict and how to write it. `ConfigError` for names and values that are not allowed.

    `streams` are names of `STREAMS`, or "all"; `formats` are names of `FORMATS`.
    """

    streams: tuple[str, ...] = (FUSED.name,)
    formats: tuple[str, ...] = (DEFAULT_FORMAT,)
    reading: ReadOptions = field(default_factory=ReadOptions)
    height: int | None = None  # rows of the maps; None: the model's own
    overwrite: bool = False
    # The time since the start of the video at which images are shown, and all frames of a folder. None: images are
    # photos, and the frames of a folder have the times of its rate.
    still_at_s: Seconds = None
    overlay: Overlay = DEFAULT_OVERLAY

    def __post_init__(self) -> None:
        """Check the options, and drop repeated names."""
        object.__setattr__(self, "streams", choose_streams(self.streams))
        object.__setattr__(self, "formats", tuple(dict.fromkeys(self.formats)))
        for name in self.formats:
            if name not in FORMATS:
                raise ConfigError(f"format {name!r}{suggest_name(name, FORMATS)}")
        for one, other in combinations([FORMATS[name] for name in self.formats], 2):
            if one.suffix == other.suffix and one.video == other.video:
                raise ConfigError(
                    f"formats {one.name} and {other.name} write files of the same name: choose one of them"
                )
        check_seconds(self.still_at_s, "still_at_s")
        if self.overlay != DEFAULT_OVERLAY and not self.draws_overlay:
            raise ConfigError(
                f"--colormap, --opacity and --legend change overlays, and format {', '.join(self.formats)} has none; "
                "add --format overlay, or leave them out"
            )

    @property
    def draws_overlay(self) -> bool:
        """Whether a format draws maps over the source."""
        return any(FORMATS[name].shows_source for name in self.formats)


def check_seconds(seconds: Seconds, name: str) -> None:
    """Raise `ConfigError` unless `seconds` is None or a time since the start of a video: finite, 0 or more."""
    if seconds is not None and not 0 <= seconds < math.inf:
        raise ConfigError(f"{name} {seconds}: expected seconds since the start of the video, 0 or more; None: a photo")
