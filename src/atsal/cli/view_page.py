"""What `atsal view` and `atsal predict --view` do with entries: build a page, export it, serve it."""

import webbrowser
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING

from atsal.cli.console import print_error, print_line, print_warning
from atsal.cli.exit_code import exit_if_failed
from atsal.cli.progress import frames_bar
from atsal.errors import AtsalError
from atsal.untrusted.text import plural

if TYPE_CHECKING:
    from atsal.viewing.entries.entry import Built, Entry
    from atsal.viewing.scene import Item
    from atsal.viewing.server import SiteServer
    from atsal.viewing.site import Site


def show_entries(entries: "Sequence[Entry]", *, open_browser: bool) -> None:
    """Serve a page with the entries until Ctrl-C. A single one is built first; its error ends the program."""
    from atsal.viewing.building import ItemBuilder, list_items  # noqa: PLC0415
    from atsal.viewing.entries.entry import BrokenEntry  # noqa: PLC0415
    from atsal.viewing.server import SiteServer  # noqa: PLC0415
    from atsal.viewing.site import files_in, make_page  # noqa: PLC0415

    with TemporaryDirectory(prefix="atsal-view-") as folder:
        if len(entries) > 1:
            print_error(*(entry.error for entry in entries if isinstance(entry, BrokenEntry)))
            builder = ItemBuilder(entries, Path(folder), print_error)
            serving = SiteServer(builder.site, builder.find_progress, builder.draw_picture)
            serve(serving, builder.running(), open_browser=open_browser)
            return
        (item,) = list_items(entries)
        built = _build(entries[0], Path(folder) / item.folder)
        site = make_page([item], Path(folder)) | files_in(item, built.site)
        serve(SiteServer(site), nullcontext(), open_browser=open_browser)


def export_entries(entries: "Sequence[Entry]", target: Path, *, overwrite: bool) -> None:
    """Write a page with the entries that can be shown; end the program with a code that says if some cannot."""
    from atsal.viewing.building import list_items  # noqa: PLC0415
    from atsal.viewing.site import export_site, files_in, make_page  # noqa: PLC0415
    from atsal.viewing.thumbnails import write_thumbnail  # noqa: PLC0415

    shown: list[Item] = []
    files: Site = {}
    whole = 0
    with TemporaryDirectory(prefix="atsal-view-") as folder:
        for item, entry in zip(list_items(entries), entries, strict=True):
            try:
                built = _build(entry, Path(folder) / item.folder)
            except (AtsalError, OSError) as error:
                print_error(error)
                continue
            shown.append(item)
            files |= files_in(item, built.site)
            if item.picture:
                files[item.picture] = Path(folder) / item.picture
                write_thumbnail(entry, files[item.picture])
            whole += built.problem is None
        if shown:
            export_site(make_page(shown, Path(folder)) | files, target, overwrite=overwrite)
            count = f" with {plural(len(shown), 'item')}" if len(entries) > 1 else ""
            print_line(f"{target}: a page{count} for any web server, as: python -m http.server -d {target}")
    exit_if_failed(done=len(shown), failed=len(entries) - whole)


def _build(entry: "Entry", folder: Path) -> "Built":
    folder.mkdir(parents=True)
    with frames_bar(entry.name) as progress:
        built = entry.build(folder, progress)
    print_warning(*(f"{entry.path}: {note}" for note in built.notes))
    if built.problem:
        print_error(f"{built.problem} The frames before the break are shown.")
    return built


def serve(serving: "SiteServer", work: AbstractContextManager[None], *, open_browser: bool) -> None:
    """Print the address of a page, and serve it until Ctrl-C while `work` goes on."""
    with serving as server, work:
        print_line(f"{server.address} shows it; Ctrl-C ends the program")
        if open_browser:  # in a thread: a browser in the terminal returns only when it is left
            Thread(target=_open_browser, args=(server.address,), daemon=True).start()
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def _open_browser(address: str) -> None:
    if not webbrowser.open(address):
        print_warning("no browser was found; open the address in one")
