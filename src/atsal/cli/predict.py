"""`atsal predict` and `atsal compare`: saliency maps of videos and images."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.console import is_quiet, make_console, print_error, print_line, quiet_option
from atsal.cli.group import FAILED
from atsal.cli.parameters import (
    PATH,
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
    overwrite_option,
    parse_erp_height,
    precision_option,
    refuse_existing,
    still_at_option,
    stream_option,
    take_direction,
)
from atsal.errors import AtsalError, ConfigError
from atsal.jobs.atomic_write import create_folder
from atsal.untrusted.text import escape_controls, plural

if TYPE_CHECKING:
    from atsal.prediction.job import Outcome
    from atsal.prediction.options import ReadOptions
    from atsal.prediction.predictor import Predictor
    from atsal.prediction.sources import Source

_FEW_FRAMES = 50  # predicted sooner in PyTorch than another runtime compiles

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
reading_options = options(
    click.option("--stereo", type=STEREO, default="auto", help="Layout of a stereo picture; the left view is read."),
    click.option("--stride", type=click.IntRange(min=1), default=1, help="Read every N-th frame."),
    click.option(
        "--fps", type=POSITIVE, help="Read this many frames a second; with --as-frames, the rate of the folder."
    ),
    click.option("--start", "start_s", type=Number(min=0), default=0.0, help="Start reading at this time, in seconds."),
    click.option("--duration", "duration_s", type=POSITIVE, help="Read this many seconds."),
)


@click.command(
    epilog="Examples: atsal predict VIDEO.mp4 -o seen; atsal predict PHOTOS -o maps --format npy --stream all."
)
@click.argument("inputs", nargs=-1, required=True, type=PATH)
@click.option("-o", "--output", required=True, type=PATH, help="Folder for the results.")
@stream_option(default="fused")
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=NameOf("atsal.prediction.formats", "FORMATS"),
    help="May be given several times; overlays are at most 1920 wide.  [default: overlay]",
)
@click.option("--size", "height", callback=parse_erp_height, help="Size of maps, as 640x320.  [default: the model's]")
@click.option("--as-frames", is_flag=True, help="Treat a folder of images as one clip, not as stills.")
@still_at_option
@overwrite_option
@reading_options
@model_options
@quiet_option
def predict(
    inputs: tuple[Path, ...], output: Path, streams: tuple[str, ...], formats: tuple[Any, ...], **values: Any
) -> None:
    """Predict saliency maps of videos and images, or of folders of them.

    INPUTS are 360° videos and images (equirectangular, mono or stereo), or folders of them. Results are named after
    their inputs, with a JSON manifest beside each. The same command again resumes an interrupted run.
    """
    from atsal.prediction.job import predict_source  # noqa: PLC0415
    from atsal.prediction.options import STILL_AT, Options  # noqa: PLC0415
    from atsal.prediction.outputs import refuse_collisions  # noqa: PLC0415
    from atsal.prediction.sources import SourceFiles, find_remarks, find_sources  # noqa: PLC0415

    _refuse_file(output)
    reading = _take_reading(values)
    names = ("height", "overwrite", "still_at_s")
    chosen = Options(streams, formats or ("overlay",), reading, **{name: values[name] for name in names})
    if not values["as_frames"]:
        _refuse_input_folder(inputs, output, chosen.formats)
    sources, problems = find_sources(inputs, as_frames=values["as_frames"])
    files = SourceFiles(sources)
    refuse_collisions(sources, output, chosen, files)
    print_error(*find_remarks(inputs, as_frames=values["as_frames"]), *problems)
    failed = len(problems)
    if sources:
        with create_folder(output):
            predictor = _load_model(values, frames=sum(_FEW_FRAMES if s.kind != "image" else 1 for s in sources))
            predictor.check_time_matters(chosen.still_at_s, STILL_AT)
            work = partial(predict_source, predictor, folder=output, options=chosen, inputs=files)
            failed += _predict_each(sources, reading, work)
    if failed and len(sources) + len(problems) > 1:
        print_error(f"{failed} of {len(sources) + len(problems)} inputs failed")
    if failed:
        sys.exit(FAILED)


def _refuse_file(output: Path) -> None:
    """Refuse `-o out.mp4`, which would create a folder of that name where the user expects a file."""
    from atsal.video.media_files import IMAGE_SUFFIXES, VIDEO_SUFFIXES  # noqa: PLC0415

    looks_like_file = output.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES | {".npy"} and not output.is_dir()
    if looks_like_file or output.is_file():
        raise ConfigError(
            f"{output}: {'is' if output.is_file() else 'looks like'} a file; expected a folder for the results, which "
            f"are named after their inputs. Give a folder, as -o {output.parent / 'maps'}"
        )


def _refuse_input_folder(inputs: Sequence[Path], output: Path, formats: Sequence[str]) -> None:
    """Refuse to write pictures among the inputs, where the next run would read them as inputs."""
    for path in inputs:
        if set(formats) != {"npy"} and path.is_dir() and output.is_dir() and path.samefile(output):
            raise ConfigError(f"{output}: is a folder of inputs; give another folder for the results")


def _take_reading(values: dict[str, Any]) -> "ReadOptions":
    """Remove the values of `reading_options` and return them as one object."""
    from atsal.prediction.options import ReadOptions  # noqa: PLC0415

    names = ("stereo", "stride", "fps", "start_s", "duration_s")
    if values["fps"] is not None and values["stride"] != 1 and not values.get("as_frames"):
        raise ConfigError("--fps and --stride exclude each other; give one of them")
    return ReadOptions(**{name: values.pop(name) for name in names})


def _load_model(values: dict[str, Any], frames: int = _FEW_FRAMES) -> "Predictor":
    """Load the model; for a few pictures in PyTorch, because other runtimes first compile for seconds."""
    from atsal.jobs.memory import share_freed_memory  # noqa: PLC0415

    share_freed_memory()
    from atsal.prediction.predictor import load_model  # noqa: PLC0415

    if values["runtime"] == "auto" and values["precision"] == "float32" and frames < _FEW_FRAMES:
        values["runtime"] = "torch"
    chosen = {name: values[name] for name in ("device", "runtime", "precision", "face_size", "procedure")}
    return load_model(values["model"], **chosen, **take_direction(values))


def _predict_each(sources: "list[Source]", reading: "ReadOptions", work: "Callable[..., Outcome]") -> int:
    """Run `work` on every source, continue after failures, and return how many failed."""
    failed = 0
    for source in sources:
        try:
            with _progress_bar(source, reading) as progress:
                outcome = work(source, progress=progress)
            _print_notes(source, reading)
        except (AtsalError, OSError) as error:
            print_error(error)
            failed += 1
            continue
        print_line(f"{source.path}: {_summary(outcome)} ({outcome.manifest})")
        if outcome.problem:
            print_error(f"{outcome.problem} The frames before that are written.")
            failed += 1
    return failed


def _summary(outcome: "Outcome") -> str:
    frames = plural(outcome.frames, "frame")
    if outcome.skipped:
        return f"already done, {frames}"
    rate = f", {outcome.rate:.1f} frames/s" if outcome.rate and outcome.frames > 1 else ""
    resumed = f", {outcome.done} of them" if outcome.done < outcome.frames else ""
    return f"{frames}{resumed} in {outcome.seconds:.1f} s{rate}"


def _print_notes(source: "Source", reading: "ReadOptions") -> None:
    """Print how the picture was interpreted: an ordinary square photo looks like two views, too."""
    print_error(*(f"{source.path}: {note}" for note in source.notes(reading)))


@contextmanager
def _progress_bar(source: "Source", reading: "ReadOptions") -> "Iterator[Callable[[int], None]]":
    """Show a bar with rate and remaining time on a terminal; nothing elsewhere and with `--quiet`."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    console = make_console(stderr=True)
    if not console.is_terminal or is_quiet() or source.kind == "image":
        yield lambda _done: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]} frames/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(escape_controls(source.path.name), total=source.expected_frames(reading), rate="–")

        def update(done: int) -> None:
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed
            bar.update(task, completed=done, rate=f"{speed:.1f}" if speed else "–")

        yield update


@click.command()
@click.argument("source", type=PATH)
@click.option("-o", "--output", required=True, type=PATH, help="The .mp4 (of a video) or .png (of an image) to write.")
@click.option("--sheet", type=PATH, help="Also write a contact sheet, a PNG.")
@click.option("--as-frames", is_flag=True, help="Treat a folder of images as one clip.")
@still_at_option
@overwrite_option
@reading_options
@model_options
@quiet_option
def compare(source: Path, output: Path, sheet: Path | None, **values: Any) -> None:
    """Write a video or picture of SOURCE, attention, experts and fused map, side by side."""
    from atsal.prediction.compare import compare as write_comparison  # noqa: PLC0415
    from atsal.prediction.compare import contact_sheet  # noqa: PLC0415
    from atsal.prediction.sources import find_remarks, find_sources  # noqa: PLC0415
    from atsal.video.image_writer import write_rgb_png  # noqa: PLC0415

    reading = _take_reading(values)
    items, problems = find_sources([source], as_frames=values["as_frames"])
    print_error(*find_remarks([source], as_frames=values["as_frames"]))
    if problems:
        raise problems[0]
    if len(items) != 1:
        raise ConfigError(f"{source}: holds {len(items)} inputs, expected one; name a file, or give --as-frames")
    ending = ".png" if items[0].kind == "image" else ".mp4"
    _check_targets(items[0], {output: ending} | ({sheet: ".png"} if sheet else {}), values["overwrite"])
    if sheet is not None and sheet.resolve() == output.resolve():
        raise ConfigError(f"{sheet}: is the name of the comparison too; give another one for --sheet")
    with create_folder(output.parent):
        predictor = _load_model(values)
        with _progress_bar(items[0], reading) as progress:
            still_at_s = values["still_at_s"]
            found = write_comparison(predictor, items[0], output, reading, still_at_s=still_at_s, progress=progress)
    _print_notes(items[0], reading)
    if sheet is not None:
        with create_folder(sheet.parent):
            write_rgb_png(sheet, contact_sheet(found.results))
    print_line(*(path for path in (output, sheet) if path is not None))
    if found.problem:
        print_error(f"{found.problem} The frames before that are written.")
        sys.exit(FAILED)


def _check_targets(source: "Source", targets: dict[Path, str], overwrite: bool) -> None:
    """Check the names of files to write; `targets` maps each to the ending it must have."""
    from atsal.prediction.sources import SourceFiles  # noqa: PLC0415

    inputs = SourceFiles([source])
    for path, ending in targets.items():
        if path.suffix.lower() != ending:
            raise ConfigError(f"{path}: expected a name ending in {ending}, for {source.path}")
        if path in inputs:
            raise ConfigError(f"{path}: is the source itself, or a part of it; give another name")
        refuse_existing(path, overwrite)
