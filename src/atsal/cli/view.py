"""`atsal view`: the page that shows videos, photos and results with their maps."""

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from atsal.cli.console import output_options, print_error, print_warning
from atsal.cli.exit_code import ExitCode
from atsal.cli.live_page import show_live
from atsal.cli.model_run import FEW_FRAMES, load_chosen_model, model_options, reading_options, take_reading
from atsal.cli.parameters import PATH, isolate_option, overwrite_option, still_at_option
from atsal.cli.view_page import export_entries, show_entries

if TYPE_CHECKING:
    from atsal.prediction.predictor import Predictor
    from atsal.viewing.entries.entry import Entry

_FRAMES = {"nothing": 0, "still": 1, "clip": FEW_FRAMES}


@click.command(
    epilog="Examples: atsal view VIDEO.mp4; atsal view PHOTOS; atsal view maps; atsal view PHOTO.jpg --export page; "
    "atsal view prepared/avtrack360."
)
@click.argument("inputs", nargs=-1, type=PATH)
@click.option(
    "--live",
    is_flag=True,
    help="Show a page that predicts what is dropped on it; with a name, write it to that folder.",
)
@click.option("--export", "export_folder", type=PATH, help="Write the page to this folder, for any web server.")
@click.option("--no-browser", is_flag=True, help="Print the address, and do not open it.")
@click.option("--proxy", is_flag=True, help="Show H.264 copies of videos, at most 1920 wide, that every browser plays.")
@click.option(
    "--media",
    type=PATH,
    help="The source of a result, or the folder of the sources or of a set's raw files, if it has been moved.",
)
@click.option("--item", help="Show only this item of a prepared set.")
@click.option("--plan", type=PATH, help="Show the camera of this plan of `atsal direct`; for a single video.")
@click.option("--as-frames", is_flag=True, help="Treat a folder of images as one clip.")
@still_at_option
@isolate_option
@overwrite_option
@reading_options
@model_options
@output_options
def view(inputs: tuple[Path, ...], live: bool, export_folder: Path | None, no_browser: bool, **values: Any) -> None:
    """Show INPUTS with their saliency maps in the browser, on the sphere and flat.

    INPUTS are 360° videos and images, or folders of them, which are predicted, and results of `atsal predict --format
    npy`: the manifest (.json) beside the maps, or the output folder. The options of the model and of reading do not
    apply to results. The items of a folder that `atsal prepare` wrote are predicted and shown with their recorded gaze.
    Ctrl-C ends the program.

    With --live, INPUTS is a new folder for the page, or left out. Only --model, --direction, --front, --no-front and
    --face-size apply, and the extra `onnx` is needed.
    """
    if live:
        show_live([*inputs, *filter(None, [export_folder])], open_browser=not no_browser, values=values)
        return
    if not inputs:
        raise click.UsageError("Missing argument 'INPUTS...': videos, photos or results. Or give --live.")
    from atsal.viewing.site import refuse_folder  # noqa: PLC0415

    if export_folder is not None:
        refuse_folder(export_folder, overwrite=values["overwrite"])
    entries = _find_entries(inputs, values)
    if export_folder is not None:
        export_entries(entries, export_folder, overwrite=values["overwrite"])
    else:
        show_entries(entries, open_browser=not no_browser)


def _find_entries(inputs: tuple[Path, ...], values: dict[str, Any]) -> "list[Entry]":
    """Return what to show, with the model loaded if it is needed; end the program if nothing can be shown."""
    from atsal.viewing.entries.entry import BrokenEntry, Choices  # noqa: PLC0415
    from atsal.viewing.entries.finding import find_entries  # noqa: PLC0415

    @cache
    def load_model() -> "Predictor":
        return load_chosen_model(values, frames)

    reading = take_reading(values)
    chosen = {name: values[name] for name in ("still_at_s", "as_frames", "media", "item", "plan")}
    found = find_entries(inputs, Choices(reading, copy=values["proxy"], load_model=load_model, **chosen))
    print_warning(*found.remarks)
    broken = [entry.error for entry in found.entries if isinstance(entry, BrokenEntry)]
    if len(broken) == len(found.entries):
        print_error(*broken)
        sys.exit(ExitCode.FAILED)
    frames = max(_FRAMES[entry.predicts] for entry in found.entries)  # stills are predicted when they are looked at
    if frames:
        _predict_what_was_recorded(found.entries, values)
        load_model()
    return found.entries


def _predict_what_was_recorded(entries: "list[Entry]", values: dict[str, Any]) -> None:
    """Choose head directions if all gaze is that, the model has directions, and the user chose none."""
    from atsal.models.loading import find_weights  # noqa: PLC0415
    from atsal.viewing.entries.recorded import RecordedEntry  # noqa: PLC0415

    is_default = click.get_current_context().get_parameter_source("direction") is ParameterSource.DEFAULT
    is_head = all(isinstance(entry, RecordedEntry) and entry.direction == "head" for entry in entries)
    if is_default and is_head and find_weights(values["model"]).config.directions is not None:
        values["direction"] = "head"
