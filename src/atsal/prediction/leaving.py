"""Leave the results of a source that did not end in order: nothing half-written stays, and a later run can go on."""

from contextlib import suppress
from pathlib import Path

from atsal.errors import InputError, OutputError
from atsal.prediction.chunk_folder import ChunkFolder
from atsal.prediction.options import Options
from atsal.prediction.outputs import own_files
from atsal.prediction.sources import Source
from atsal.prediction.unseen_source import UnseenSource


def remove_unfinished(source: Source | UnseenSource, folder: Path, options: Options) -> None:
    """Remove what a process left of the files that it was writing. The results are locked, and nobody writes them."""
    with suppress(InputError, OutputError, OSError):
        files = own_files(source.look(), folder, options)
        for path in (*files.results, files.manifest, files.journal):
            for file in path.leftovers():
                file.unlink()
        has_chunks = ChunkFolder(files.chunks).leave()
        if not has_chunks and not any(path.existing() for path in files.results):
            files.journal.path.unlink(missing_ok=True)
