"""A plan as a file: `plan.json`, which a person can edit. docs/directing.md has the schema."""

from dataclasses import asdict, dataclass
from pathlib import Path

from atsal.config import from_mapping
from atsal.directing.aspect import Aspect
from atsal.directing.camera import Camera, Keyframe
from atsal.directing.in_frame import InFrame
from atsal.errors import ConfigError
from atsal.jobs.atomic_write import write_json
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import read_object
from atsal.untrusted.text import short_repr
from atsal.video.probe import probe_video
from atsal.video.stereo_layout import StereoChoice

FORMAT, VERSION = "atsal-plan", 1
_TOLERANCE_S = 0.1  # between times of the plan and of the video
_OPEN_END_S = 1.0  # the last keyframe is within this time of the end


@dataclass(frozen=True)
class MadeFrom:
    """What a plan was made from: for people, and to recognise the plan that an interrupted run with these left."""

    sha256: str  # of the video
    aspect: Aspect
    fov_deg: float
    stream: str
    start_s: float = 0.0
    duration_s: float | None = None  # that was asked for; None: to the end
    model: str | None = None
    model_sha256: str | None = None
    direction: str | None = None
    front_deg: float | None = None
    maps: str | None = None  # name of the manifest of the maps
    maps_sha256: str | None = None
    stereo: StereoChoice = "auto"  # the layout that was asked for


@dataclass(frozen=True)
class Plan:
    """The camera of a film. Times are those of the source, in seconds since its first frame.

    Raises `ConfigError` for a plan that leaves a part of the film open, or that no camera can follow.
    """

    source: str  # name of the video
    source_duration_s: float
    aspect: Aspect
    start_s: float  # of the film's first frame
    duration_s: float
    keyframes: tuple[Keyframe, ...]
    made_from: MadeFrom | None = None
    predicted_in_frame: InFrame | None = None
    recorded_in_frame: InFrame | None = None

    def __post_init__(self) -> None:
        """Check that the keyframes cover the film, and that the film is a part of the source."""
        Camera(self.keyframes)
        first_s, last_s = self.keyframes[0].timestamp_s, self.keyframes[-1].timestamp_s
        if abs(first_s - self.start_s) > _TOLERANCE_S:
            raise ConfigError(
                f"the first keyframe is at {first_s:g} s; expected one at {self.start_s:g} s, where the film starts"
            )
        if not self.end_s - _OPEN_END_S <= last_s <= self.end_s + _TOLERANCE_S:
            raise ConfigError(
                f"the last keyframe is at {last_s:g} s; expected one in the last second of the film, which ends at "
                f"{self.end_s:g} s"
            )
        if self.end_s > self.source_duration_s + _TOLERANCE_S:
            raise ConfigError(
                f"the film ends at {self.end_s:g} s; expected an end within the {self.source_duration_s:g} s of the "
                "source"
            )

    @property
    def end_s(self) -> float:
        """When the film ends, in the time of the source."""
        return self.start_s + self.duration_s

    @property
    def camera(self) -> Camera:
        """The camera that the keyframes describe."""
        return Camera(self.keyframes)

    def check_video(self, path: Path, name: str, duration_s: float | None) -> None:
        """Raise `ConfigError` if the plan, read from `path`, is for a video of another name or length."""
        remedy = "give its own video, or correct `source` and `source_duration_s` in it if this is the same film"
        if self.source != name:
            raise ConfigError(f"{path}: is a plan for {short_repr(self.source)}, not for {short_repr(name)}; {remedy}")
        if duration_s is not None and abs(self.source_duration_s - duration_s) > _TOLERANCE_S:
            raise ConfigError(
                f"{path}: is a plan for a video of {self.source_duration_s:g} s, but {name} lasts {duration_s:.2f} s; "
                f"{remedy}"
            )


def write_plan(path: Path, plan: Plan) -> None:
    """Write a plan atomically; raise `OutputError` where that fails."""
    write_json(path, {"format": FORMAT, "version": VERSION} | asdict(plan))


def read_plan(path: Path) -> Plan:
    """Read a plan strictly: every key is known, every keyframe complete and in order, and the film is covered.

    Raises `ConfigError`, which names the keyframe (counted from 0) and says what was expected.
    """
    document = read_object(path, ErrorFactory(ConfigError, path, "correct it, or plan again without --plan"))
    found = document.pop("format", None), document.pop("version", None)
    if found != (FORMAT, VERSION):
        raise ConfigError(
            f"{path}: has format {short_repr(found[0])}, version {short_repr(found[1])}; expected format {FORMAT!r}, "
            f"version {VERSION}: a plan of `atsal direct`"
        )
    return from_mapping(Plan, document, str(path))


def read_plan_of(video: Path, stereo: StereoChoice, path: Path) -> Plan:
    """Read the plan at `path` as `read_plan` does; also raise `ConfigError` if it is not the plan of `video`."""
    plan = read_plan(path)
    plan.check_video(path, video.name, probe_video(video, stereo).duration_s)
    return plan
