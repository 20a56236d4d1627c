"""`atsal direct`: a flat film of a 360° video."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.console import output_options, print_line, print_warning
from atsal.cli.exit_code import exit_if_broken
from atsal.cli.model_run import (
    FEW_FRAMES,
    check_targets,
    find_video,
    load_chosen_model,
    model_options,
    print_notes,
    span_options,
    stereo_option,
    take_reading,
)
from atsal.cli.parameters import (
    FIELD_OF_VIEW,
    PATH,
    SOURCE,
    STREAMS,
    NameOf,
    isolate_option,
    overwrite_option,
    refuse_inputs,
)
from atsal.cli.progress import progress_bar
from atsal.directing.aspect import ASPECTS
from atsal.errors import ConfigError
from atsal.jobs.atomic_write import create_folder

if TYPE_CHECKING:
    from atsal.directing.in_frame import CameraPath, InFrame
    from atsal.directing.plan import Plan
    from atsal.gaze.records import GazeSamples
    from atsal.prediction.options import ReadOptions
    from atsal.prediction.sources import Source

_FILM, _PLAN = ".mp4", ".json"
_OF_THE_PLAN = ("aspect", "fov", "start_s", "duration_s", "end_s")


@click.command(
    epilog="Examples: atsal direct VIDEO.mp4 -o flat.mp4; atsal direct VIDEO.mp4 --plan flat.plan.json -o edited.mp4."
)
@click.argument("video", type=SOURCE)
@click.option("-o", "--output", required=True, type=PATH, help="The film (.mp4), or only its plan (.json).")
@click.option(
    "--aspect",
    type=NameOf("atsal.directing.aspect", "ASPECTS"),
    help="Shape of the film.  [default: 16:9, or that of --plan]",
)
@click.option(
    "--resolution",
    type=click.IntRange(min=64, max=4320),
    default=720,
    help="Pixels of the shorter side of the film, an even number.",
)
@click.option(
    "--fov",
    type=FIELD_OF_VIEW,
    help="Field of view along the longer side, in degrees.  [default: 90, or that of --plan]",
)
@click.option("--plan", "plan_path", type=PATH, help="Render this plan; an edited one, for example.")
@click.option("--trace", type=PATH, help="Render what the viewer of this head log saw.")
@click.option("--viewer", help="Which viewer of a --trace with several.")
@click.option("--split", is_flag=True, help="Show the source, with the frame drawn on it, beside the film.")
@click.option("--recorded", type=PATH, help="A head log: say how much of it is in frame, too.")
@click.option("--maps", type=PATH, help="Follow the maps of this manifest of `atsal predict --format npy`.")
@click.option("--stream", type=NameOf(*STREAMS), default="fused", help="The map that the camera follows.")
@isolate_option
@overwrite_option
@stereo_option
@span_options
@model_options
@output_options
def direct(video: Path, output: Path, **values: Any) -> None:
    """Make a flat film of VIDEO, whose camera follows what people would look at.

    A plan of the camera (.plan.json) and a storyboard (.storyboard.png) are written beside the film. An interrupted
    run goes on with its plan.
    """
    check_options(output, values)
    refuse_inputs(output, (values[name] for name in ("plan_path", "trace", "recorded", "maps")))
    source, reading = find_video(video), take_reading(values)
    with create_folder(output.parent):
        if values["trace"] is not None:
            check_targets(source, {output: _FILM}, values["overwrite"])
            problem = _render_trace(source, output, reading, values)
        else:
            problem = _follow_plan(source, output, reading, values)
    print_notes(source, reading)
    if output.suffix.lower() == _FILM:
        print_line(output)
    exit_if_broken(problem)


def _follow_plan(source: "Source", output: Path, reading: "ReadOptions", values: dict[str, Any]) -> str | None:
    """Make or read the plan, then write storyboard and film; return what is wrong with the source."""
    from atsal.directing.storyboard import write_storyboard  # noqa: PLC0415

    is_film, storyboard = output.suffix.lower() == _FILM, output.with_suffix(".storyboard.png")
    plan_path = output.with_suffix(".plan.json") if is_film else output
    goes_on = is_film and values["plan_path"] is None and plan_path.exists()
    targets = {output: output.suffix.lower()} | ({} if goes_on else {storyboard: ".png"})
    check_targets(source, targets, values["overwrite"])
    if values["plan_path"] is not None:
        plan, problem = _given_plan(source, reading, values), None
    else:
        plan, problem = _made_plan(source, plan_path, reading, values)
    _report("predicted", plan.predicted_in_frame)
    _report("recorded", plan.recorded_in_frame)
    if values["recorded"] is not None and plan.recorded_in_frame is None:
        print_warning(f"{values['recorded']}: has no sample in the film; expected the log of this video")
    camera = plan.camera.at
    span_s = (plan.start_s, plan.end_s)
    write_storyboard(storyboard, source.path, camera, ASPECTS[plan.aspect], span_s, reading.stereo)
    print_line(storyboard)
    if is_film:
        span = replace(reading, start_s=plan.start_s, duration_s=plan.duration_s)
        narrowest_deg = min(keyframe.fov_deg for keyframe in plan.keyframes)
        problem = _render(source, camera, output, span, narrowest_deg, ASPECTS[plan.aspect], values) or problem
    return problem


def check_options(output: Path, values: dict[str, Any]) -> None:
    """Refuse options that exclude each other, before any work, and fill in defaults."""
    if output.suffix.lower() not in (_FILM, _PLAN):
        raise ConfigError(f"{output}: expected a name ending in .mp4, for a film, or in .json, for a plan alone")
    if values["resolution"] % 2:
        raise ConfigError(f"--resolution {values['resolution']}: expected an even number, as H.264 halves its colour")
    origins = [name for name in ("plan_path", "trace", "maps") if values[name] is not None]
    if len(origins) > 1:
        names = " and ".join(f"--{name.removesuffix('_path')}" for name in origins)
        raise ConfigError(f"{names} exclude each other; give one of them")
    fixed = [name for name in _OF_THE_PLAN if values[name]] if values["plan_path"] is not None else []
    if fixed:
        name = fixed[0].removesuffix("_s")
        raise ConfigError(f"--{name} is that of the plan; leave it out with --plan, or edit the plan")
    if values["trace"] is not None and values["recorded"] is not None:
        raise ConfigError("--recorded measures a plan, and --trace has none; give one of them")
    values["aspect"], values["fov"] = values["aspect"] or "16:9", 90.0 if values["fov"] is None else values["fov"]
    if origins and origins[0] != "maps" and output.suffix.lower() == _PLAN:
        raise ConfigError(f"{output}: expected a name ending in .mp4, for the film to render")
    if values["viewer"] is not None and values["trace"] is None:
        raise ConfigError("--viewer names a viewer of --trace; give both, or neither")


def _viewers(path: Path | None) -> "tuple[GazeSamples, ...]":
    from atsal.gaze.readers.head_log import read_head_log  # noqa: PLC0415

    return () if path is None else read_head_log(path)


def _made_plan(
    source: "Source", path: Path, reading: "ReadOptions", values: dict[str, Any]
) -> "tuple[Plan, str | None]":
    """Plan the film and write the plan, or take the plan that an interrupted run with the same settings left."""
    from atsal.directing.direct import FilmOptions, PlanMaker  # noqa: PLC0415
    from atsal.directing.plan import write_plan  # noqa: PLC0415
    from atsal.directing.shot import STEPS_PER_S  # noqa: PLC0415
    from atsal.prediction.saved_maps import SavedMaps  # noqa: PLC0415

    options = FilmOptions(values["aspect"], values["fov"], values["stream"])
    viewers = _viewers(values["recorded"])
    maps = values["maps"]
    frames = source.expected_frames(reading)
    steps = FEW_FRAMES if frames is None else round(STEPS_PER_S * frames / source.frame_rate(reading))
    origin = SavedMaps(maps, options.stream) if maps is not None else load_chosen_model(values, steps)
    maker = PlanMaker(source, options, reading, origin)
    found = None if values["overwrite"] else maker.earlier(path)
    if found is not None:
        print_line(f"{path}: goes on with this plan")
        return _measured_anew(found, viewers), None
    with progress_bar(source, reading) as progress:
        plan, problem = maker.make(viewers, progress)
    write_plan(path, plan)
    print_line(path)
    return plan, problem


def _given_plan(source: "Source", reading: "ReadOptions", values: dict[str, Any]) -> "Plan":
    """Read a plan for this source."""
    from atsal.directing.plan import read_plan_of  # noqa: PLC0415

    plan = read_plan_of(source.path, reading.stereo, values["plan_path"])
    return _measured_anew(plan, _viewers(values["recorded"]))


def _measured_anew(plan: "Plan", viewers: "tuple[GazeSamples, ...]") -> "Plan":
    """Measure a plan that was read: what it says of attention may be of other viewers, or from before an edit."""
    from atsal.directing.in_frame import recorded_in_frame  # noqa: PLC0415

    front_deg = (plan.made_from.front_deg if plan.made_from else None) or 0.0
    span = (plan.start_s, plan.end_s)
    recorded = recorded_in_frame(viewers, plan.camera.at, ASPECTS[plan.aspect], front_deg, span)
    return replace(plan, predicted_in_frame=None, recorded_in_frame=recorded)


def _render_trace(source: "Source", output: Path, reading: "ReadOptions", values: dict[str, Any]) -> str | None:
    """Render what a recorded viewer saw."""
    from atsal.directing.head_camera import HeadCamera, choose_viewer  # noqa: PLC0415
    from atsal.video.probe import probe_video  # noqa: PLC0415

    viewer = choose_viewer(values["trace"], _viewers(values["trace"]), values["viewer"])
    path, length_s = HeadCamera(viewer, values["fov"]), probe_video(source.path, reading.stereo).duration_s
    end_s = reading.start_s + (reading.duration_s or max(0.0, (length_s or 0.0) - reading.start_s))
    remark = path.check_covers(values["trace"], reading.start_s, end_s)
    if remark:
        print_warning(remark)
    return _render(source, path.at, output, reading, values["fov"], ASPECTS[values["aspect"]], values)


def _render(
    source: "Source",
    camera: "CameraPath",
    output: Path,
    reading: "ReadOptions",
    narrowest_deg: float,
    aspect: float,
    values: dict[str, Any],
) -> str | None:
    from atsal.directing.film import FilmShape, render_film  # noqa: PLC0415

    shape, split = FilmShape.of(aspect, values["resolution"]), values["split"]
    with progress_bar(source, reading) as progress:
        return render_film(
            source, camera, shape, output, reading, narrowest_deg=narrowest_deg, split=split, progress=progress
        )


def _report(kind: str, shares: "InFrame | None") -> None:
    """Print how much of the attention is in frame."""
    if shares is not None:
        peaks = "" if shares.peaks is None else f", {shares.peaks:.1%} by one that jumps to each peak"
        print_line(f"{kind} attention in frame: {shares.directed:.1%} ({shares.forward:.1%} by a fixed camera{peaks})")
