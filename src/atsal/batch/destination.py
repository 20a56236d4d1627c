"""The results of a batch: whether those of a source are there, and whole; and what they say of lost rows of the ledger.

The folder is what `predict` writes: `NAME.json` is the manifest of a source whose results are complete.
"""

from collections.abc import Iterator
from pathlib import Path

from atsal.batch.ledger import Row, State
from atsal.errors import OutputError
from atsal.prediction.run_record import EarlierRun, read_manifest

_CHUNKS = ".chunks"


def manifest_path(folder: Path, name: str) -> Path:
    """Return the path of the manifest of a source."""
    return folder / f"{name}.json"


def find_damage(folder: Path, name: str) -> str | None:
    """Say what is wrong with the results of a source that is done; None: nothing."""
    path = manifest_path(folder, name)
    try:
        found = read_manifest(path)
    except OutputError as error:
        return str(error)
    if found is None:
        return f"{path}: is missing: something removed it. Run the same command again"
    if not found.is_complete(folder, name):
        return f"{path}: some of its results are missing: something removed them. Run the same command again"
    return None


def recover_rows(folder: Path) -> Iterator[Row]:
    """Yield a row for each manifest in the folder, and for each source whose chunks wait to be joined."""
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        found = _read(path)
        if found is not None:
            state: State = "failed" if found.problem else "done"
            yield Row(path.stem, _source_path(found), state, 1, found.problem or "", len(found.frames))
    for path in sorted(folder.glob(f".*{_CHUNKS}")) if folder.is_dir() else []:
        name = path.name.removesuffix(_CHUNKS)[1:]
        if not manifest_path(folder, name).exists():
            yield Row(name, "", reason="parts of it are done")


def _read(path: Path) -> EarlierRun | None:
    try:
        return read_manifest(path)
    except OutputError:  # another JSON file
        return None


def _source_path(run: EarlierRun) -> str:
    source = run.settings["source"]
    return str(source.get("path", "")) if isinstance(source, dict) else ""
