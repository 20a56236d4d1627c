"""`atsal view`: the page that shows a source with its maps."""

import sys
import webbrowser
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.console import output_options, print_error, print_line, print_warning
from atsal.cli.exit_code import ExitCode
from atsal.cli.model_run import (
    FEW_FRAMES,
    find_source,
    load_chosen_model,
    model_options,
    print_notes,
    progress_bar,
    reading_options,
    take_reading,
)
from atsal.cli.parameters import PATH, overwrite_option, still_at_option
from atsal.errors import ConfigError

if TYPE_CHECKING:
    from atsal.viewing.site import Site


@click.command(epilog="Examples: atsal view VIDEO.mp4; atsal view maps/VIDEO.json; atsal view PHOTO.jpg --export page.")
@click.argument("source", type=PATH)
@click.option("--export", "export_folder", type=PATH, help="Write the page to this folder, for any web server.")
@click.option("--no-browser", is_flag=True, help="Print the address, and do not open it.")
@click.option("--proxy", is_flag=True, help="Show an H.264 copy, at most 1920 wide, that every browser plays.")
@click.option("--media", type=PATH, help="The source of a result, where it is not where it was.")
@click.option("--as-frames", is_flag=True, help="Treat a folder of images as one clip.")
@still_at_option
@overwrite_option
@reading_options
@model_options
@output_options
def view(
    source: Path, export_folder: Path | None, no_browser: bool, proxy: bool, media: Path | None, **values: Any
) -> None:
    """Show SOURCE with its saliency maps in the browser, on the sphere and flat.

    SOURCE is a 360° video or image, which is predicted first, or the manifest (.json) beside maps that `atsal predict
    --format npy` wrote, to which the options of the model and of reading do not apply. Ctrl-C ends the program.
    """
    from atsal.viewing.site import export_site, refuse_folder  # noqa: PLC0415

    if export_folder is not None:
        refuse_folder(export_folder, overwrite=values["overwrite"])
    if media is not None and source.suffix.lower() != ".json":
        raise ConfigError(f"--media {media}: belongs to a manifest (.json), and {source} is none; leave it out")
    with TemporaryDirectory(prefix="atsal-view-") as folder:
        if source.suffix.lower() == ".json":
            site, problem = _open_result(source, media, Path(folder), proxy=proxy), None
        else:
            site, problem = _predict(source, Path(folder), values, proxy=proxy)
        if export_folder is not None:
            export_site(site, export_folder, overwrite=values["overwrite"])
            print_line(f"{export_folder}: a page for any web server, as: python -m http.server -d {export_folder}")
            sys.exit(ExitCode.FAILED if problem else 0)
        _serve(site, open_browser=not no_browser)


def _open_result(manifest: Path, media: Path | None, folder: Path, *, proxy: bool) -> "Site":
    from atsal.prediction.options import ReadOptions  # noqa: PLC0415
    from atsal.viewing.media import prepare_media  # noqa: PLC0415
    from atsal.viewing.saved_result import open_result  # noqa: PLC0415
    from atsal.viewing.site import Subject, build_site  # noqa: PLC0415

    result = open_result(manifest, media)
    reading = ReadOptions(stereo=result.stereo)
    shown, path = prepare_media(result.source, reading, folder, copy=proxy)
    notes = (*result.source.notes(reading), *([result.problem] if result.problem else []))
    subject = Subject(shown, path, result.streams, result.model, notes)
    with progress_bar(result.source, reading) as progress:
        return build_site(subject, result.frames(), folder, progress)[0]


def _predict(path: Path, folder: Path, values: dict[str, Any], *, proxy: bool) -> "tuple[Site, str | None]":
    from atsal.prediction.streams import STREAMS  # noqa: PLC0415
    from atsal.viewing.frame_maps import predict_frame_maps  # noqa: PLC0415
    from atsal.viewing.media import prepare_media  # noqa: PLC0415
    from atsal.viewing.site import Subject, build_site  # noqa: PLC0415

    reading = take_reading(values)
    source = find_source(path, as_frames=values["as_frames"])
    predictor = load_chosen_model(values, frames=1 if source.is_still(reading) else FEW_FRAMES)
    frames = predict_frame_maps(predictor, source, reading, values["still_at_s"])
    shown, media_path = prepare_media(source, reading, folder, copy=proxy)
    print_notes(source, reading)
    subject = Subject(shown, media_path, tuple(STREAMS), predictor.bundle.folder.name, source.notes(reading))
    with progress_bar(source, reading) as progress:
        found = build_site(subject, frames, folder, progress)
    if found[1]:
        print_error(f"{found[1]} The frames before that are shown.")
    return found


def _serve(site: "Site", *, open_browser: bool) -> None:
    from atsal.viewing.server import SiteServer  # noqa: PLC0415

    with SiteServer(site) as server:
        print_line(f"{server.address} shows it; Ctrl-C ends the program")
        if open_browser:  # in a thread: a browser in the terminal returns only when it is left
            Thread(target=_open_browser, args=(server.address,), daemon=True).start()
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def _open_browser(address: str) -> None:
    if not webbrowser.open(address):
        print_warning("no browser was found; open the address in one")
