"""What the commands that run a model share: options, finding the source, loading the model, targets."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.console import print_warning
from atsal.cli.parameters import (
    POSITIVE,
    RUNTIMES,
    STEREO,
    NameOf,
    Number,
    device_option,
    direction_options,
    face_size_option,
    model_option,
    options,
    parse_erp_height,
    precision_option,
    refuse_existing,
    stream_option,
    take_direction,
)
from atsal.errors import ConfigError
from atsal.prediction.overlay import DEFAULT_OVERLAY, Overlay

if TYPE_CHECKING:
    from atsal.prediction.model_choice import ModelChoice
    from atsal.prediction.options import Options, ReadOptions
    from atsal.prediction.predictor import Predictor
    from atsal.prediction.sources import Source

FEW_FRAMES = 50  # predicted sooner in PyTorch than another runtime compiles

model_options = options(
    model_option,
    direction_options,
    face_size_option,
    click.option(
        "--procedure",
        type=click.Choice(["corrected", "published"]),
        default="corrected",
        help="published: the released test procedure, to compare with old results.",
    ),
    device_option,
    click.option(
        "--runtime",
        type=NameOf(*RUNTIMES),
        default="auto",
        help="auto: openvino for lite on a CPU if it is installed, else torch.",
    ),
    precision_option,
)
stereo_option = click.option(
    "--stereo",
    type=STEREO,
    default="auto",
    help="How the two views of a stereo picture are arranged; the left view is used.",
)
span_options = options(
    click.option("--start", "start_s", type=Number(min=0), default=0.0, help="Start reading at this time, in seconds."),
    click.option("--duration", "duration_s", type=POSITIVE, help="Read this many seconds."),
    click.option("--end", "end_s", type=POSITIVE, help="Stop reading at this time, in seconds; excludes --duration."),
)
reading_options = options(
    stereo_option,
    click.option("--stride", type=click.IntRange(min=1), default=1, help="Read every N-th frame."),
    click.option(
        "--fps", type=POSITIVE, help="Read this many frames a second; with --as-frames, the rate of the folder."
    ),
    span_options,
    click.option(
        "--max-frames", type=click.IntRange(min=1), help="Read at most this many frames; of 1, the results are stills."
    ),
)
map_options = options(
    stream_option(default="fused"),
    click.option(
        "--format",
        "formats",
        multiple=True,
        type=NameOf("atsal.prediction.formats", "FORMATS"),
        help="What to write; may be given several times; overlays are at most 1920 wide.  [default: overlay]",
    ),
    click.option(
        "--size",
        "height",
        callback=parse_erp_height,
        help="Size of maps, as 640x320, or their height.  [default: the model's]",
    ),
)
overlay_options = options(
    click.option(
        "--colormap",
        type=NameOf("atsal.video.colormaps", "COLORMAPS"),
        default=DEFAULT_OVERLAY.colormap,
        help="Colours of overlays, from little to much gaze.",
    ),
    click.option(
        "--opacity",
        type=Number(min=0, max=1),
        default=DEFAULT_OVERLAY.opacity,
        help="Opacity of the colours where the map is at its peak; in proportion to the map elsewhere.",
    ),
    click.option("--legend", is_flag=True, help="Draw what the colours mean."),
)


def find_source(path: Path, *, as_frames: bool) -> "Source":
    """Return the one source at a path, and print remarks about it; raise `ConfigError` for a folder of several."""
    from atsal.prediction.sources import find_remarks, find_sources  # noqa: PLC0415

    sources, problems = find_sources([path], as_frames=as_frames)
    print_warning(*find_remarks([path], as_frames=as_frames))
    if problems:
        raise next(iter(problems.values()))
    if len(sources) != 1:
        raise ConfigError(f"{path}: holds {len(sources)} inputs, expected one; name a file, or give --as-frames")
    return sources[0]


def find_video(path: Path) -> "Source":
    """Return the video at a path; raise `ConfigError` for an image or a folder."""
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; expected a 360° video")
    source = find_source(path, as_frames=False)
    if source.kind != "video":
        raise ConfigError(f"{path}: is an image; expected a 360° video")
    return source


def take_reading(values: dict[str, Any]) -> "ReadOptions":
    """Remove the values of `reading_options`, or of some of them, and return them as one object."""
    from atsal.prediction.options import ReadOptions  # noqa: PLC0415

    names = ("stereo", "stride", "fps", "start_s", "duration_s", "max_frames")
    if values.get("fps") is not None and values["stride"] != 1 and not values.get("as_frames"):
        raise ConfigError("--fps and --stride exclude each other; give one of them")
    end_s, start_s = values.pop("end_s"), values["start_s"]
    if end_s is not None:
        values["duration_s"] = _duration(start_s, end_s, values["duration_s"])
    return ReadOptions(**{name: values.pop(name) for name in names if name in values})


def _duration(start_s: float, end_s: float, duration_s: float | None) -> float:
    """Return the seconds between --start and --end, where --duration is not given."""
    if duration_s is not None:
        raise ConfigError("--end and --duration exclude each other; give one of them")
    if end_s <= start_s:
        raise ConfigError(f"--end {end_s:g}: is not after --start {start_s:g}; give a later time")
    return round(end_s - start_s, 9)  # so that it is the run of the same --duration


def take_overlay(values: dict[str, Any]) -> Overlay:
    """Remove the values of `overlay_options` and return them as one object."""
    return Overlay(**{name: values.pop(name) for name in ("colormap", "opacity", "legend")})


def take_options(values: dict[str, Any], formats: tuple[str, ...]) -> "Options":
    """Remove the values of `reading_options` and `overlay_options`; return all that says how results are made."""
    from atsal.prediction.options import Options  # noqa: PLC0415

    reading, overlay = take_reading(values), take_overlay(values)
    own = {name: values[name] for name in ("height", "overwrite", "still_at_s")}
    return Options(values["streams"], formats, reading, overlay=overlay, **own)


def load_chosen_model(values: dict[str, Any], frames: int = FEW_FRAMES) -> "Predictor":
    """Load the model; for a few pictures in PyTorch, because other runtimes first compile for seconds."""
    return choose_model(values, frames).load()


def choose_model(values: dict[str, Any], frames: int = FEW_FRAMES) -> "ModelChoice":
    """Return what `load_chosen_model` loads."""
    from atsal.jobs.memory import share_freed_memory  # noqa: PLC0415

    share_freed_memory()
    from atsal.prediction.model_choice import ModelChoice  # noqa: PLC0415

    runtime = values["runtime"]
    if runtime == "auto" and values["precision"] == "float32" and frames < FEW_FRAMES:
        runtime = "torch"
    chosen = {name: values[name] for name in ("device", "precision", "face_size", "procedure")}
    return ModelChoice(values["model"], runtime=runtime, **chosen, **take_direction(values))


def print_notes(source: "Source", reading: "ReadOptions") -> None:
    """Print how the picture was interpreted: an ordinary square photo looks like two views, too."""
    print_warning(*(f"{source.path}: {note}" for note in source.notes(reading)))


def check_targets(source: "Source", targets: dict[Path, str], overwrite: bool) -> None:
    """Check the names of files to write; `targets` maps each to the ending it must have."""
    from atsal.prediction.sources import SourceFiles  # noqa: PLC0415

    inputs = SourceFiles([source])
    for path, ending in targets.items():
        if path.suffix.lower() != ending:
            raise ConfigError(f"{path}: expected a name ending in {ending}, for {source.path}")
        if path in inputs:
            raise ConfigError(f"{path}: is the source itself, or a part of it; give another name")
        refuse_existing(path, overwrite)
