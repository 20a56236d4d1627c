"""Output folders of commands."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def folder_made(path: Path) -> Iterator[None]:
    """Make a folder, and those above it, before long work; remove again those that nothing was written to."""
    from atsal.aside import reported  # noqa: PLC0415

    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    with reported(path):
        path.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for folder in missing:
            with suppress(OSError):  # it is not empty
                folder.rmdir()
