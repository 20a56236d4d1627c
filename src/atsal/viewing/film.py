"""The film of a video, as the page shows its camera and writes its plan."""

from pathlib import Path

from atsal.directing.aspect import ASPECTS
from atsal.directing.camera import LEAST_FOV_DEG, LONGEST_TURN_DEG, MAX_SPEED_DEG_S, ROUNDING_S
from atsal.directing.plan import FORMAT, VERSION, read_plan_of
from atsal.directing.shot import MIN_CUT_S
from atsal.errors import ConfigError
from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import Source
from atsal.projection.perspective import MAX_FOV_DEG
from atsal.video.probe import probe_video
from atsal.viewing.scene import Film, Shape


def describe_film(source: Source, reading: ReadOptions, plan_path: Path | None) -> Film | None:
    """Return what the page needs to know about films of the source; None where it is no video.

    `plan_path` is the plan to show. Raises `ConfigError` for a plan that is wrong, or of another source.
    """
    if source.kind != "video":
        if plan_path is not None:
            raise ConfigError(f"--plan {plan_path}: is for a video, and {source.path} is none; leave it out")
        return None
    return Film(
        plan=None if plan_path is None else read_plan_of(source.path, reading.stereo, plan_path),
        format=FORMAT,
        version=VERSION,
        source_duration_s=round(probe_video(source.path, reading.stereo).duration_s or 0.0, 6),
        shapes=tuple(Shape(name, ratio) for name, ratio in ASPECTS.items()),
        fov_deg=(LEAST_FOV_DEG, MAX_FOV_DEG),
        rounding_s=ROUNDING_S,
        max_speed_deg_s=MAX_SPEED_DEG_S,
        min_cut_s=MIN_CUT_S,
        longest_turn_deg=LONGEST_TURN_DEG,
    )
