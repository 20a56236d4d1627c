"""`atsal view --live`: the page that predicts in the browser."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from atsal.cli.console import print_line
from atsal.cli.parameters import take_direction
from atsal.cli.view_page import serve
from atsal.errors import ConfigError


def show_live(folders: Sequence[Path], *, open_browser: bool, values: dict[str, Any]) -> None:
    """Serve the page, or write it to the one folder that is named. `values` are the options of the model."""
    from atsal.viewing.live_page import build_live_site  # noqa: PLC0415
    from atsal.viewing.server import SiteServer  # noqa: PLC0415
    from atsal.viewing.site import export_site, refuse_folder  # noqa: PLC0415

    if len(folders) > 1:
        raise ConfigError(f"--live with {' and '.join(map(str, folders))}: expected one folder for the page, or none")
    folder = next(iter(folders), None)
    if folder is not None and folder.is_file():
        raise ConfigError(f"--live {folder}: is a file; name a new folder, or none and drop the file on the page")
    if folder is not None:
        refuse_folder(folder, overwrite=values["overwrite"])
    with TemporaryDirectory(prefix="atsal-view-") as made:
        settings = {"face_size": values["face_size"], **take_direction(values)}
        site = build_live_site(values["model"], Path(made), **settings)
        if folder is None:
            serve(SiteServer(site), nullcontext(), open_browser=open_browser)
            return
        export_site(site, folder, overwrite=values["overwrite"])
    print_line(f"{folder}: a page for any web server, as: python -m http.server -d {folder}")
