"""`atsal predict` and `atsal compare`: saliency maps of videos and images."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.console import print_error, print_line, quiet_option
from atsal.cli.group import FAILED
from atsal.cli.model_run import (
    FEW_FRAMES,
    check_targets,
    find_source,
    load_chosen_model,
    model_options,
    overlay_options,
    print_notes,
    progress_bar,
    reading_options,
    take_overlay,
    take_reading,
)
from atsal.cli.parameters import (
    PATH,
    NameOf,
    overwrite_option,
    parse_erp_height,
    still_at_option,
    stream_option,
)
from atsal.errors import AtsalError, ConfigError
from atsal.jobs.atomic_write import create_folder
from atsal.untrusted.text import plural

if TYPE_CHECKING:
    from atsal.prediction.job import Outcome
    from atsal.prediction.options import ReadOptions
    from atsal.prediction.sources import Source


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
@overlay_options
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
    reading = take_reading(values)
    names = ("height", "overwrite", "still_at_s")
    kept = {name: values[name] for name in names}
    chosen = Options(streams, formats or ("overlay",), reading, overlay=take_overlay(values), **kept)
    if not values["as_frames"]:
        _refuse_input_folder(inputs, output, chosen.formats)
    sources, problems = find_sources(inputs, as_frames=values["as_frames"])
    files = SourceFiles(sources)
    refuse_collisions(sources, output, chosen, files)
    print_error(*find_remarks(inputs, as_frames=values["as_frames"]), *problems)
    failed = len(problems)
    if sources:
        with create_folder(output):
            frames = sum(1 if source.is_still(reading) else FEW_FRAMES for source in sources)
            predictor = load_chosen_model(values, frames)
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


def _predict_each(sources: "list[Source]", reading: "ReadOptions", work: "Callable[..., Outcome]") -> int:
    """Run `work` on every source, continue after failures, and return how many failed."""
    failed = 0
    for source in sources:
        try:
            with progress_bar(source, reading) as progress:
                outcome = work(source, progress=progress)
            print_notes(source, reading)
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


@click.command()
@click.argument("source", type=PATH)
@click.option("-o", "--output", required=True, type=PATH, help="The .mp4 (of a video) or .png (of a still) to write.")
@click.option("--sheet", type=PATH, help="Also write a contact sheet, a PNG.")
@click.option("--as-frames", is_flag=True, help="Treat a folder of images as one clip.")
@still_at_option
@overwrite_option
@reading_options
@overlay_options
@model_options
@quiet_option
def compare(source: Path, output: Path, sheet: Path | None, **values: Any) -> None:
    """Write a video or picture of SOURCE, attention, experts and fused map, side by side."""
    from atsal.prediction.compare import compare as write_comparison  # noqa: PLC0415
    from atsal.prediction.compare import contact_sheet  # noqa: PLC0415
    from atsal.video.image_writer import write_rgb_png  # noqa: PLC0415

    reading, overlay = take_reading(values), take_overlay(values)
    found_source = find_source(source, as_frames=values["as_frames"])
    ending = ".png" if found_source.is_still(reading) else ".mp4"
    check_targets(found_source, {output: ending} | ({sheet: ".png"} if sheet else {}), values["overwrite"])
    if sheet is not None and sheet.resolve() == output.resolve():
        raise ConfigError(f"{sheet}: is the name of the comparison too; give another one for --sheet")
    with create_folder(output.parent):
        predictor = load_chosen_model(values)
        with progress_bar(found_source, reading) as progress:
            chosen = {"still_at_s": values["still_at_s"], "overlay": overlay, "progress": progress}
            found = write_comparison(predictor, found_source, output, reading, **chosen)
    print_notes(found_source, reading)
    if sheet is not None:
        with create_folder(sheet.parent):
            write_rgb_png(sheet, contact_sheet(found.results, overlay=overlay))
    print_line(*(path for path in (output, sheet) if path is not None))
    if found.problem:
        print_error(f"{found.problem} The frames before that are written.")
        sys.exit(FAILED)
