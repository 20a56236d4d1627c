"""`atsal predict` and `atsal compare`: saliency maps of videos and images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from atsal.cli.console import output_options, print_error, print_line, print_warning
from atsal.cli.exit_code import exit_if_broken, exit_if_failed
from atsal.cli.model_run import (
    FEW_FRAMES,
    check_targets,
    choose_model,
    find_source,
    load_chosen_model,
    map_options,
    model_options,
    overlay_options,
    print_notes,
    reading_options,
    take_options,
    take_overlay,
    take_reading,
)
from atsal.cli.parameters import (
    MAX_WORKERS,
    PATH,
    SOURCE,
    isolate_option,
    overwrite_option,
    still_at_option,
)
from atsal.cli.progress import progress_bar
from atsal.cli.source_runs import predict_all
from atsal.cli.summary_file import Summary
from atsal.cli.view_page import show_entries
from atsal.errors import AtsalError, ConfigError
from atsal.jobs.atomic_write import create_folder


@click.command(
    epilog="Examples: atsal predict VIDEO.mp4 -o seen; atsal predict PHOTOS -o maps --format npy --stream all."
)
@click.argument("inputs", nargs=-1, required=True, type=SOURCE)
@click.option("-o", "--output", required=True, type=PATH, help="Folder for the results.")
@map_options
@click.option("--as-frames", is_flag=True, help="Treat a folder of images as one clip, not as stills.")
@still_at_option
@isolate_option
@overwrite_option
@click.option(
    "--workers",
    type=click.IntRange(min=1, max=MAX_WORKERS),
    default=1,
    help="Processes that share the work: many inputs, and the parts of a long video.",
)
@click.option("--view", is_flag=True, help="Show the results in the browser; without --format, npy is written too.")
@click.option("--summary", type=PATH, metavar="FILE", help="Write to this JSON file how each input ended, and why.")
@reading_options
@overlay_options
@model_options
@output_options
def predict(
    inputs: tuple[Path, ...],
    output: Path,
    view: bool,
    summary: Path | None,
    **values: Any,
) -> None:
    """Predict saliency maps of videos and images, or of folders of them.

    INPUTS are 360° videos and images (equirectangular, mono or stereo), or folders of them. Results are named after
    their inputs, with a JSON manifest beside each. The same command again resumes an interrupted run.
    """
    from atsal.prediction.outputs import find_clashes  # noqa: PLC0415
    from atsal.prediction.sources import SourceFiles, find_remarks, find_sources  # noqa: PLC0415
    from atsal.prediction.tasks import Job  # noqa: PLC0415

    _refuse_file(output)
    chosen = take_options(values, choose_formats(values["formats"], view=view))
    as_frames = values["as_frames"]
    if not as_frames:
        _refuse_input_folder(inputs, output, chosen.formats)
    sources, problems = find_sources(inputs, as_frames=as_frames)
    files = SourceFiles(sources)
    clashes = find_clashes(sources, output, chosen, files)
    kept = Summary(summary, [*problems, *(source.path for source in sources)])
    with kept.write_at_end():
        print_warning(*find_remarks(inputs, as_frames=as_frames))
        _report_failures(kept, problems | {source.path: error for source, error in clashes.items()})
        sources = [source for source in sources if source not in clashes]
        if sources:
            with create_folder(output):
                frames = sum(1 if source.is_still(chosen.reading) else FEW_FRAMES for source in sources)
                job = Job(choose_model(values, frames), output, chosen)
                predict_all(sources, job, files, values["workers"], kept)
    count = kept.counts.total()
    if kept.failed and count > 1:
        print_error(f"{kept.failed} of {count} inputs failed")
    if view and kept.manifests:
        _show_results(kept.manifests)
    exit_if_failed(done=len(kept.manifests), failed=kept.failed)


def choose_formats(formats: tuple[Any, ...], *, view: bool) -> tuple[Any, ...]:
    """Return the formats to write: overlays by default, and for `--view` also the maps that the page shows."""
    if view and formats and "npy" not in formats:
        raise ConfigError("--view shows maps in npy; add --format npy, or leave --format out for npy and overlay")
    return formats or (("npy", "overlay") if view else ("overlay",))


def _show_results(manifests: Sequence[Path]) -> None:
    """Show results as `atsal view` does."""
    from atsal.viewing.entries.result import make_result_entry  # noqa: PLC0415

    show_entries([make_result_entry(manifest) for manifest in manifests], open_browser=True)


def _report_failures(summary: Summary, failures: Mapping[Path, AtsalError]) -> None:
    """Report inputs that fail before any work; the message of a clash is about several of them."""
    print_error(*dict.fromkeys(map(str, failures.values())))
    for path, error in failures.items():
        summary.set_failed(path, error)


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


@click.command()
@click.argument("source", type=SOURCE)
@click.option("-o", "--output", required=True, type=PATH, help="The .mp4 (of a video) or .png (of a still) to write.")
@click.option("--sheet", type=PATH, help="Also write a contact sheet, a PNG.")
@click.option("--as-frames", is_flag=True, help="Treat a folder of images as one clip.")
@still_at_option
@isolate_option
@overwrite_option
@reading_options
@overlay_options
@model_options
@output_options
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
    exit_if_broken(found.problem)
