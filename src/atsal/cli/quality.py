"""`atsal quality`: the quality of an encoded 360° video against its reference."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.console import output_options, print_line, print_table
from atsal.cli.model_run import print_notes
from atsal.cli.parameters import (
    PATH,
    STEREO,
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

if TYPE_CHECKING:
    from atsal.quality import Quality, Weighting

_TITLES = {
    "ws_psnr_db": "WS-PSNR",
    "s_ssim": "S-SSIM",
    "weighted_ws_psnr_db": "WS-PSNR, weighted",
    "weighted_s_ssim": "S-SSIM, weighted",
    "viewport_psnr_db": "viewport PSNR",
    "viewport_ssim": "viewport SSIM",
}


@click.command(
    epilog="Example: atsal quality VIDEO.mp4 encoded.mp4 --gaze prepared/vr --trace viewer1.csv --trace viewer2.csv."
)
@click.argument("reference", type=PATH)
@click.argument("distorted", type=PATH)
@click.option("--maps", type=PATH, help="Weight by maps: the manifest (.json) of `atsal predict --format npy`.")
@click.option("--stream", type=NameOf(*STREAMS), default="fused", help="Which of the maps.")
@click.option("--gaze", type=PATH, help="Weight by recorded gaze: a data set that `atsal prepare` wrote.")
@click.option("--item", help="The item of --gaze.  [default: the name of REFERENCE without its suffix]")
@click.option(
    "--trace",
    "traces",
    type=PATH,
    multiple=True,
    help="Also score what viewers see: a head log (CSV of timestamp_s, yaw_deg, pitch_deg). May be repeated.",
)
@click.option(
    "--fov",
    "fov_deg",
    type=Number(min=10, max=150),
    default=90.0,
    metavar="DEGREES",
    help="Field of view of what a viewer sees.",
)
@click.option("--stereo", type=STEREO, default="auto", help="Layout of stereo pictures; the left views are compared.")
@click.option("--json", "output", type=PATH, help="Also write the scores of all frames to this file.")
@isolate_option
@overwrite_option
@output_options
def quality(reference: Path, distorted: Path, output: Path | None, **values: Any) -> None:
    """Compare DISTORTED, an encoded 360° video, with REFERENCE, the original, on the sphere.

    Frames are compared by their times. Only luma counts.
    """
    from atsal.gaze.head_path import HeadPath  # noqa: PLC0415
    from atsal.gaze.readers.head_log import read_head_log  # noqa: PLC0415
    from atsal.jobs.atomic_write import create_folder, write_json  # noqa: PLC0415
    from atsal.prediction.options import ReadOptions  # noqa: PLC0415
    from atsal.prediction.sources import Source  # noqa: PLC0415
    from atsal.quality import measure_quality  # noqa: PLC0415

    if output is not None:
        refuse_inputs(output, (reference, distorted, values["maps"], *values["traces"]))
        if output.suffix.lower() != ".json":
            raise ConfigError(f"{output}: expected a name ending in .json, for --json")
        refuse_existing(output, values["overwrite"])
    weighting = _choose_weighting(reference, values)
    viewers = [HeadPath(viewer) for path in values["traces"] for viewer in read_head_log(path)]
    chosen = {"fov_deg": values["fov_deg"], "stereo": values["stereo"]}
    sources, reading = [Source(path, "video") for path in (reference, distorted)], ReadOptions(stereo=values["stereo"])
    with progress_bar(sources[0], reading) as progress:
        found = measure_quality(reference, distorted, weighting=weighting, viewers=viewers, progress=progress, **chosen)
    for source in sources:
        print_notes(source, reading)
    print_scores({distorted.name: found})
    if weighting is not None:
        print_line(f"weighted by {weighting.name}")
    if output is not None:
        document = {"reference": reference.name, "distorted": distorted.name, **chosen}
        document |= {"weighted_by": weighting.name if weighting else None}
        document |= {"traces": [path.name for path in values["traces"]]}
        with create_folder(output.parent):
            write_json(output, document | {"scores": found.scores, "frames": found.frames})
        print_line(output)


def print_scores(found: "dict[str, Quality]") -> None:
    """Print a table with one column for each version of a video."""
    columns: dict[str, dict[str, Any]] = {"": {}} | {name: {"justify": "right"} for name in found}
    measured = next(iter(found.values())).scores
    rows = [
        (_TITLES[score], *(format_score(score, quality.scores[score]) for quality in found.values()))
        for score in measured
    ]
    print_table(columns, rows)


def format_score(name: str, value: float) -> str:
    """Return a score as text: "38.31 dB", "0.9621"."""
    return f"{value:.2f} dB" if name.endswith("_db") else f"{value:.4f}"


def _choose_weighting(reference: Path, values: dict[str, Any]) -> "Weighting | None":
    from atsal.datasets.prepared import PreparedSet  # noqa: PLC0415
    from atsal.prediction.saved_maps import SavedMaps  # noqa: PLC0415
    from atsal.quality import GazeWeighting, MapWeighting  # noqa: PLC0415

    if values["maps"] and values["gaze"]:
        raise ConfigError("--maps and --gaze exclude each other; give one of them")
    if values["item"] and not values["gaze"]:
        raise ConfigError("--item names an item of --gaze; give --gaze too")
    if values["maps"]:
        maps = SavedMaps(values["maps"], values["stream"])
        maps.check_video(reference, values["stereo"])
        return MapWeighting(maps)
    if values["gaze"]:
        return GazeWeighting(PreparedSet(values["gaze"]), values["item"] or reference.stem)
    return None
