"""Bring the finished results of a source to a store."""

import shutil
from collections.abc import Callable

from atsal.jobs.atomic_write import output_errors
from atsal.jobs.storage import open_storage
from atsal.prediction.outcome import Outcome


def deliver(outcome: Outcome, url: str, report: Callable[[int], None]) -> None:
    """Put the results into a store, the manifest last, and then remove them here. Raises `OutputError`.

    `report` is called after each file or folder, with the number of frames.
    """
    storage, folder, manifest = open_storage(url), outcome.manifest.parent, outcome.manifest
    storage.delete(manifest.name)
    for path in outcome.results:
        put = storage.put_folder if path.is_dir() else storage.put_file
        put(path, path.relative_to(folder).as_posix())
        report(outcome.frames)
    storage.put_file(manifest, manifest.name)
    with output_errors(manifest):
        manifest.unlink()
        for path in outcome.results:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
