"""`atsal regions`: salient regions, followed over time."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.console import output_options, print_line
from atsal.cli.exit_code import exit_if_broken
from atsal.cli.model_run import (
    FEW_FRAMES,
    find_source,
    load_chosen_model,
    model_options,
    print_notes,
    reading_options,
    take_reading,
)
from atsal.cli.parameters import (
    PATH,
    SOURCE,
    STREAMS,
    NameOf,
    isolate_option,
    overwrite_option,
    refuse_existing,
    refuse_inputs,
    still_at_option,
)
from atsal.cli.progress import progress_bar
from atsal.jobs.atomic_write import create_folder
from atsal.untrusted.text import plural

if TYPE_CHECKING:
    from atsal.regions import Regions


@click.command(
    epilog="Examples: atsal regions VIDEO.mp4 -o regions.json; atsal regions maps/VIDEO.json -o regions.csv."
)
@click.argument("source", type=SOURCE)
@click.option("-o", "--output", required=True, type=PATH, help="The .json, .csv or .parquet file to write.")
@click.option("--stream", type=NameOf(*STREAMS), default="fused", help="The map whose regions are wanted.")
@click.option("--max-regions", type=click.IntRange(min=1), default=8, help="Keep this many per frame, the heaviest.")
@click.option(
    "--min-weight",
    type=click.FloatRange(min=0, max=1, max_open=True),
    default=0.01,
    help="The smallest share of the predicted gaze that makes a region.",
)
@click.option("--as-frames", is_flag=True, help="Treat a folder of images as one clip.")
@still_at_option
@isolate_option
@overwrite_option
@reading_options
@model_options
@output_options
def regions(source: Path, output: Path, stream: str, max_regions: int, min_weight: float, **values: Any) -> None:
    """Find the salient regions of SOURCE, and follow them over time.

    SOURCE is a 360° video or image, which is predicted, or the manifest (.json) beside maps that `atsal predict
    --format npy` wrote, to which the options of the model and of reading do not apply.
    """
    from atsal.regions import write_regions  # noqa: PLC0415
    from atsal.regions.files import check_suffix  # noqa: PLC0415
    from atsal.regions.prediction import regions_of_maps  # noqa: PLC0415

    check_suffix(output)
    refuse_inputs(output, [source])
    refuse_existing(output, values["overwrite"])
    limits = {"max_regions": max_regions, "min_weight": min_weight}
    problem = None
    if source.suffix.lower() == ".json":
        found = regions_of_maps(source, stream, **limits)
    else:
        found, problem = _predict(source, {"stream": stream} | limits, values)
    with create_folder(output.parent):
        write_regions(output, found)
    ids = [region.id for frame in found.frames for region in frame.regions]
    things = plural(len(set(ids)), "thing")
    print_line(f"{output}: {plural(len(ids), 'region')} of {things} in {plural(len(found.frames), 'frame')}")
    exit_if_broken(problem)


def _predict(path: Path, chosen: dict[str, Any], values: dict[str, Any]) -> "tuple[Regions, str | None]":
    from atsal.regions.prediction import predict_regions  # noqa: PLC0415

    reading = take_reading(values)
    source = find_source(path, as_frames=values["as_frames"])
    predictor = load_chosen_model(values, frames=1 if source.is_still(reading) else FEW_FRAMES)
    with progress_bar(source, reading) as progress:
        found = predict_regions(
            predictor, source, reading, still_at_s=values["still_at_s"], progress=progress, **chosen
        )
    print_notes(source, reading)
    return found
