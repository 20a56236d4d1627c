"""`atsal tiles`: how likely each tile of a video is to be seen, segment by segment."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.console import output_options, print_line, print_warning
from atsal.cli.exit_code import exit_if_broken
from atsal.cli.model_run import (
    find_video,
    load_chosen_model,
    model_options,
    print_notes,
    reading_options,
    take_reading,
)
from atsal.cli.parameters import (
    FIELD_OF_VIEW,
    PATH,
    SOURCE,
    STREAMS,
    NameOf,
    Number,
    isolate_option,
    overwrite_option,
    refuse_existing,
    refuse_inputs,
)
from atsal.cli.progress import progress_bar
from atsal.errors import ConfigError
from atsal.jobs.atomic_write import create_folder
from atsal.untrusted.text import plural

if TYPE_CHECKING:
    from atsal.tiles.hits import HitRates
    from atsal.tiles.report import Budget


def _parse_grid(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", value.lower())
    if found is None:
        raise click.BadParameter("expected COLUMNSxROWS, as 8x5")
    return int(found[1]), int(found[2])


@click.command(epilog="Example: atsal tiles VIDEO.mp4 -o tiles.json --grid 8x5 --segment 1 --rates 8000.")
@click.argument("video", type=SOURCE)
@click.option("-o", "--output", required=True, type=PATH, help="The .json or .csv file to write.")
@click.option("--grid", "shape", default="8x5", callback=_parse_grid, help="Columns x rows of tiles, as 8x5.")
@click.option(
    "--segment", "segment_s", type=Number(min=0.1, max=3600), default=1.0, help="Length of a segment in seconds."
)
@click.option("--fov", type=FIELD_OF_VIEW, default=100.0, help="Field of view of the viewers, a square, in degrees.")
@click.option(
    "--rates", type=click.IntRange(min=1), metavar="KBPS", help="Split this bitrate, in kbit/s, over the tiles."
)
@click.option(
    "--least-rate",
    type=click.IntRange(min=1),
    metavar="KBPS",
    help="With --rates: each tile gets at least this, in kbit/s.  [default: a tenth of an even split]",
)
@click.option("--recorded", type=PATH, help="A head log: say how much of its viewports the best tiles cover.")
@click.option("--maps", type=PATH, help="Use the maps of this manifest of `atsal predict --format npy`.")
@click.option("--stream", type=NameOf(*STREAMS), default="fused", help="The map that is used.")
@isolate_option
@overwrite_option
@reading_options
@model_options
@output_options
def tiles(video: Path, output: Path, shape: tuple[int, int], **values: Any) -> None:
    """Write the share of gaze in each tile of VIDEO, and the chance that a viewer sees it, for each segment.

    Also splits a bitrate over the tiles, and compares the best tiles with recorded viewers.
    """
    from atsal.gaze.readers.head_log import read_head_log  # noqa: PLC0415
    from atsal.prediction.saved_maps import SavedMaps  # noqa: PLC0415
    from atsal.projection.perspective import Perspective  # noqa: PLC0415
    from atsal.tiles.files import check_suffix, write_tiles  # noqa: PLC0415
    from atsal.tiles.grid import TileGrid  # noqa: PLC0415
    from atsal.tiles.report import report_tiles  # noqa: PLC0415
    from atsal.tiles.segments import Segmenter  # noqa: PLC0415

    check_suffix(output)
    refuse_inputs(output, (video, values["maps"], values["recorded"]))
    refuse_existing(output, values["overwrite"])
    _check_maps(values)
    reading, source = take_reading(values), find_video(video)
    grid = TileGrid(*shape, *source.view_size(reading))
    segmenter = Segmenter(grid, Perspective(values["fov"], 1.0), values["segment_s"], reading.start_s)
    budget = take_budget(values, len(grid))
    viewers = () if values["recorded"] is None else read_head_log(values["recorded"])
    stream, maps = values["stream"], values["maps"]
    with create_folder(output.parent):
        origin = SavedMaps(maps, stream) if maps is not None else load_chosen_model(values)
        with progress_bar(source, reading) as progress:
            report, problem = report_tiles(
                source, segmenter, origin, reading, stream=stream, budget=budget, viewers=viewers, progress=progress
            )
        write_tiles(output, report)
    print_notes(source, reading)
    print_line(f"{output}: {plural(len(grid), 'tile')} in {plural(len(report.segments), 'segment')}")
    print_line(*(_hit_text(rates, len(grid)) for rates in report.hit_rates))
    if values["recorded"] is not None and not report.hit_rates:
        print_warning(f"{values['recorded']}: has no sample in these segments; expected the log of this video")
    exit_if_broken(problem, "segments")


def _check_maps(values: dict[str, Any]) -> None:
    """Refuse to choose frames where maps choose them: tiles of all maps would look like those of a few."""
    unset = {"fps": None, "stride": 1, "max_frames": None}
    given = [name for name, default in unset.items() if values[name] != default]
    if values["maps"] is not None and given:
        option = given[0].replace("_", "-")
        raise ConfigError(f"--{option} chooses frames to predict, and --maps has its own; leave one of them out")


def _hit_text(rates: "HitRates", tiles: int) -> str:
    return (
        f"recorded viewports covered by the best {rates.tiles} of {tiles} tiles: {rates.predicted:.1%} "
        f"({rates.equator:.1%} by the equator prior, {rates.uniform:.1%} by as many at random)"
    )


def take_budget(values: dict[str, Any], tiles: int) -> "Budget | None":
    """Return what --rates splits over so many tiles; None without it."""
    from atsal.tiles.report import Budget  # noqa: PLC0415

    total, least = values["rates"], values["least_rate"]
    if total is None:
        if least is not None:
            raise ConfigError("--least-rate is for --rates; give both, or neither")
        return None
    return Budget(total, max(1, total // (10 * tiles)) if least is None else least)
