"""The command line: thin commands over the library. What needs torch is imported inside the commands."""

import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.data import datasets, inspect, prepare
from atsal.cli.evaluation import benchmark, evaluate
from atsal.cli.parameters import (
    PATH,
    POSITIVE,
    Number,
    device_option,
    direction_options,
    erp_rows,
    face_size_option,
    model_option,
    options,
    still_at_option,
    taken_direction,
)
from atsal.cli.saying import say
from atsal.cli.speed import bench, export
from atsal.cli.training import overfit, train
from atsal.cli.weights import weights
from atsal.errors import AtsalError, ConfigError
from atsal.jobs.atomic_write import made_folder
from atsal.untrusted.text import printable
from atsal.version import __version__

if TYPE_CHECKING:
    from types import FrameType

    from atsal.prediction.job import Outcome
    from atsal.prediction.options import ReadOptions
    from atsal.prediction.predictor import Predictor
    from atsal.prediction.sources import Source

STOPPED = 130  # the shell's status for Ctrl-C
_FEW = 50  # frames
STEREO = click.Choice(["auto", "mono", "top-bottom", "left-right"])


class Commands(click.Group):
    """Turns errors meant for users into one message and a status, and Ctrl-C into a hint."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        warnings.filterwarnings("ignore", module="PIL")  # remarks on untidy metadata
        try:
            with _interrupts_kept():
                return super().invoke(ctx)
        except click.UsageError as error:
            error.message = printable(error.message)  # type: ignore[misc]
            raise
        except AtsalError as error:
            say(f"atsal: {error}", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            say("", "atsal: stopped. What is whole is kept; the same command does the rest.", err=True)
            ctx.exit(STOPPED)
        except BrokenPipeError:
            ctx.exit(1)
        except OSError as error:  # what no command foresaw, as a name that is too long
            say(f"atsal: {error}", err=True)
            ctx.exit(1)


@contextmanager
def _interrupts_kept() -> Iterator[None]:
    """Ctrl-C ends as `KeyboardInterrupt`, whatever a library that was called from C made of it."""
    came = []

    def note(number: int, frame: "FrameType | None") -> None:
        came.append(number)
        signal.default_int_handler(number, frame)

    is_main = threading.current_thread() is threading.main_thread()
    is_default = is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_default:
        signal.signal(signal.SIGINT, note)
    try:
        yield
    except Exception as error:
        if came:
            raise KeyboardInterrupt from error
        raise
    finally:
        if is_default:
            signal.signal(signal.SIGINT, signal.default_int_handler)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="atsal")
def main() -> None:
    """Predict where people look in 360° images and video."""
    try:
        Path.cwd()
    except OSError as error:  # PyTorch would end the process
        raise ConfigError("the folder that this command was started in is gone; change to another one") from error


model_options = options(
    model_option,
    direction_options,
    face_size_option,
    click.option(
        "--procedure",
        type=click.Choice(["corrected", "published"]),
        default="corrected",
        show_default=True,
        help="published: the released test procedure, for comparison with old results.",
    ),
    device_option,
    click.option(
        "--runtime",
        type=click.Choice(["auto", "torch", "openvino", "onnx"]),
        default="auto",
        show_default=True,
        help="auto: openvino for lite on a CPU, where it is installed.",
    ),
    click.option(
        "--precision",
        type=click.Choice(["float32", "half"]),
        default="float32",
        show_default=True,
        help="half: on a GPU, and in openvino on processors with bfloat16.",
    ),
)
reading_options = options(
    click.option("--stereo", type=STEREO, default="auto", show_default=True, help="Layout of views; the left is read."),
    click.option("--stride", type=click.IntRange(min=1), default=1, show_default=True, help="Every so many frames."),
    click.option("--fps", type=POSITIVE, help="Target rate; with --as-frames, the folder's own rate."),
    click.option("--start", "start_s", type=Number(min=0), default=0.0, help="First time to read, in seconds."),
    click.option("--duration", "duration_s", type=POSITIVE, help="How much to read, in seconds."),
)


def _reading(values: dict[str, Any]) -> "ReadOptions":
    from atsal.prediction.options import ReadOptions  # noqa: PLC0415

    names = ("stereo", "stride", "fps", "start_s", "duration_s")
    if values["fps"] is not None and values["stride"] != 1 and not values.get("as_frames"):
        raise ConfigError("--fps and --stride exclude each other: give one of them")
    return ReadOptions(**{name: values.pop(name) for name in names})


@main.command()
@click.argument("inputs", nargs=-1, required=True, type=PATH)
@click.option("-o", "--output", required=True, type=PATH, help="Folder for the results.")
@click.option(
    "--stream", type=click.Choice(["fused", "attention", "experts", "all"]), default="fused", show_default=True
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["npy", "png", "png16", "video", "overlay"]),
    help="May be given several times; overlays are at most 1920 wide.  [default: overlay]",
)
@click.option(
    "--size",
    "height",
    callback=erp_rows,
    help="Size of maps, as 640x320, not of overlays.  [default: the model's]",
)
@click.option("--as-frames", is_flag=True, help="A folder of images is one clip, not stills.")
@still_at_option
@click.option("--overwrite", is_flag=True, help="Replace results of earlier runs.")
@reading_options
@model_options
def predict(inputs: tuple[Path, ...], output: Path, stream: str, formats: tuple[Any, ...], **values: Any) -> None:
    """Predict saliency maps of videos and images, or of folders of them.

    INPUTS are 360° videos and images (equirectangular, stereo allowed) or folders of either. Results keep their
    names; a JSON manifest lies beside each. The same command again goes on where an earlier run stopped.
    """
    from atsal.prediction.job import predict_source  # noqa: PLC0415
    from atsal.prediction.options import STILL_AT, Options  # noqa: PLC0415
    from atsal.prediction.outputs import refuse_collisions  # noqa: PLC0415
    from atsal.prediction.sources import SourceFiles, find_remarks, find_sources  # noqa: PLC0415

    _refuse_file(output)
    reading = _reading(values)
    names = ("height", "overwrite", "still_at_s")
    chosen = Options((stream,), formats or ("overlay",), reading, **{name: values[name] for name in names})
    if not values["as_frames"]:
        _refuse_input_folder(inputs, output, chosen.formats)
    items, problems = find_sources(inputs, as_frames=values["as_frames"])
    sources = SourceFiles(items)
    refuse_collisions(items, output, chosen, sources)
    for told in (*find_remarks(inputs, as_frames=values["as_frames"]), *problems):
        say(f"atsal: {told}", err=True)
    failed = len(problems)
    if items:
        with made_folder(output):
            predictor = _load(values, frames=sum(_FEW if item.kind != "image" else 1 for item in items))
            predictor.check_time_matters(chosen.still_at_s, STILL_AT)
            work = partial(predict_source, predictor, folder=output, options=chosen, inputs=sources)
            failed += _each(items, reading, work)
    if failed:
        say(f"atsal: {failed} of {len(items) + len(problems)} inputs failed", err=True)
        sys.exit(1)


def _refuse_file(output: Path) -> None:
    """`-o out.mp4` means a file, and would make a folder of that name."""
    from atsal.video.folders import IMAGE_SUFFIXES, VIDEO_SUFFIXES  # noqa: PLC0415

    looks_like_one = output.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES | {".npy"} and not output.is_dir()
    if looks_like_one or output.is_file():
        raise ConfigError(
            f"{output}: --output is the folder for the results, which keep their inputs' names, and this "
            f"{'is' if output.is_file() else 'looks like'} a file; give a folder, as -o {output.parent / 'maps'}"
        )


def _refuse_input_folder(inputs: tuple[Path, ...], output: Path, formats: tuple[str, ...]) -> None:
    """Pictures written among the inputs would be inputs of the next run."""
    for path in inputs:
        if set(formats) != {"npy"} and path.is_dir() and output.is_dir() and path.samefile(output):
            raise ConfigError(f"{output}: the results would lie among the inputs; give another output folder")


def _load(values: dict[str, Any], frames: int = _FEW) -> "Predictor":
    """Load the model; for a few pictures in PyTorch, which is there at once; others compile, at first for long."""
    from atsal.jobs.memory import share_freed_memory  # noqa: PLC0415

    share_freed_memory()
    from atsal.prediction.predictor import load_model  # noqa: PLC0415

    if values["runtime"] == "auto" and values["precision"] == "float32" and frames < _FEW:
        values["runtime"] = "torch"
    chosen = {name: values[name] for name in ("device", "runtime", "precision", "face_size", "procedure")}
    return load_model(values["model"], **chosen, **taken_direction(values))


def _each(items: "list[Source]", reading: "ReadOptions", work: "Callable[..., Outcome]") -> int:
    """Run `work` on every item with a progress bar, go on after a failure; returns how many failed."""
    failed = 0
    for item in items:
        try:
            with _progress(item, reading) as progress:
                outcome = work(item, progress=progress)
            _tell_how_taken(item, reading)
        except (AtsalError, OSError) as error:
            say(f"atsal: {error}", err=True)
            failed += 1
            continue
        count = f"{outcome.frames} frame{'s' * (outcome.frames != 1)}"
        if outcome.skipped:
            say(f"{item.path}: done before, {count} ({outcome.manifest})")
        else:
            rate = f", {outcome.rate:.1f} frames/s" if outcome.rate and outcome.frames > 1 else ""
            some = f", {outcome.done} of them" if outcome.done < outcome.frames else ""  # it went on after the others
            say(f"{item.path}: {count}{some} in {outcome.seconds:.1f} s{rate} ({outcome.manifest})")
        if outcome.problem:
            say(f"atsal: {outcome.problem} The good part is written.", err=True)
            failed += 1
    return failed


def _tell_how_taken(item: "Source", reading: "ReadOptions") -> None:
    """Say what was made of the picture; an ordinary square photo looks like two views, too."""
    for note in item.notes(reading):
        say(f"atsal: {item.path}: {note}", err=True)


@contextmanager
def _progress(item: "Source", reading: "ReadOptions") -> "Iterator[Callable[[int], None]]":
    """Show a bar with rate and remaining time on a terminal, nothing elsewhere."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    console = Console(stderr=True)
    if not console.is_terminal or item.kind == "image":
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
        task = bar.add_task(printable(item.path.name), total=item.expected_frames(reading), rate="–")

        def update(done: int) -> None:
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed
            bar.update(task, completed=done, rate=f"{speed:.1f}" if speed else "–")

        yield update


@main.command()
@click.argument("source", type=PATH)
@click.option("-o", "--output", required=True, type=PATH, help="The .mp4 (video) or .png (image) to write.")
@click.option("--sheet", type=PATH, help="Also write a contact sheet, a PNG.")
@click.option("--as-frames", is_flag=True, help="A folder of images is one clip.")
@still_at_option
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
@reading_options
@model_options
def compare(source: Path, output: Path, sheet: Path | None, **values: Any) -> None:
    """Show source, attention, experts and fused side by side, as one video or picture."""
    from atsal.prediction.compare import compare as write_comparison  # noqa: PLC0415
    from atsal.prediction.compare import contact_sheet  # noqa: PLC0415
    from atsal.prediction.sources import find_remarks, find_sources  # noqa: PLC0415
    from atsal.video.writer import write_rgb_png  # noqa: PLC0415

    reading = _reading(values)
    items, problems = find_sources([source], as_frames=values["as_frames"])
    for told in find_remarks([source], as_frames=values["as_frames"]):
        say(f"atsal: {told}", err=True)
    if problems:
        raise problems[0]
    if len(items) != 1:
        raise ConfigError(f"{source}: holds {len(items)} inputs, expected one; or give --as-frames")
    ending = ".png" if items[0].kind == "image" else ".mp4"
    _refuse_targets(items[0], {output: ending} | ({sheet: ".png"} if sheet else {}), values["overwrite"])
    if sheet is not None and sheet.resolve() == output.resolve():
        raise ConfigError(f"{sheet}: is the name of the comparison too; give another one for --sheet")
    with made_folder(output.parent):
        predictor = _load(values)
        with _progress(items[0], reading) as progress:
            still_at_s = values["still_at_s"]
            found = write_comparison(predictor, items[0], output, reading, still_at_s=still_at_s, progress=progress)
    _tell_how_taken(items[0], reading)
    if sheet is not None:
        with made_folder(sheet.parent):
            write_rgb_png(sheet, contact_sheet(found.results))
    say(*(path for path in (output, sheet) if path is not None))
    if found.problem:
        say(f"atsal: {found.problem} The good part is written.", err=True)
        sys.exit(1)


def _refuse_targets(source: "Source", targets: dict[Path, str], overwrite: bool) -> None:
    """Check names of files to write, each with the ending it must have."""
    from atsal.prediction.sources import SourceFiles  # noqa: PLC0415

    inputs = SourceFiles([source])
    for path, ending in targets.items():
        if path.suffix.lower() != ending:
            raise ConfigError(f"{path}: expected a name ending in {ending}, for {source.path}")
        if path in inputs:
            raise ConfigError(f"{path}: is the source itself, or a part of it; give another name")
        if path.exists() and not overwrite:
            raise ConfigError(f"{path}: is there already; give another name or --overwrite")


@main.command()
@click.argument("file", type=PATH)
@click.option("--stereo", type=STEREO, default="auto", show_default=True)
def info(file: Path, stereo: Any) -> None:
    """Say what a file is: size, layout, rate, and what is odd about it; of a folder, what is in it."""
    from atsal.video.folders import described  # noqa: PLC0415
    from atsal.video.image_reader import probe_image  # noqa: PLC0415
    from atsal.video.media_files import classify  # noqa: PLC0415
    from atsal.video.probe import probe_video  # noqa: PLC0415

    if file.is_dir():
        say(*described(file))
        return
    if classify(file) == "image":
        found_image = probe_image(file, stereo=stereo)
        say(f"{file}: image, {found_image.width}x{found_image.height}, {found_image.stereo}")
        say(f"  stored   as {found_image.format}, {found_image.mode}")
        say(f"  view     {found_image.eye_size[0]}x{found_image.eye_size[1]}")
        for oddity in found_image.oddities:
            say(f"  odd:     {oddity}")
        return
    found = probe_video(file, stereo, count=True)
    length = "unknown length" if found.duration_s is None else f"{found.duration_s:.2f} s"
    frames = "unknown number of" if found.frame_count is None else found.frame_count
    average = " on average" if found.variable_frame_rate else ""
    lines = [
        f"{file}: video, {found.codec} {found.pixel_format}, {found.width}x{found.height}, {found.stereo}",
        f"  view     {found.eye_size[0]}x{found.eye_size[1]}, {found.stereo} {found.view.said_by}",
        f"  frames   {frames}, {found.frame_rate:.3f} a second{average}, {length}",
        f"  sound    {'yes' if found.has_audio else 'no'}",
        f"  360° tag {'yes' if found.spherical_tagged else 'no'}",
        *(f"  odd:     {oddity}" for oddity in found.oddities),
    ]
    say(*lines)


for command in (datasets, prepare, inspect, train, overfit, evaluate, benchmark, weights, export, bench):
    main.add_command(command)
