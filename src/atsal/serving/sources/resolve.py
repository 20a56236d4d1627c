"""Put the source of a job into its folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from atsal.serving.gate.access import Caller
from atsal.serving.problems import INVALID_SOURCE, Problem
from atsal.serving.sources.source_ref import SourceRef

if TYPE_CHECKING:
    from atsal.serving.service import Service


def resolve(service: "Service", caller: Caller, source: SourceRef, folder: Path) -> str:  # noqa: ARG001
    """Put the source into the folder of a job, and return its name there. Raises `Problem`."""
    found = service.data.uploads / (source.file or "")
    if source.file is None or not found.is_file() or found.resolve().parent != service.data.uploads.resolve():
        raise Problem(INVALID_SOURCE, "there is no such source")
    name = f"source{found.suffix.lower()}"
    (folder / name).hardlink_to(found)
    return name


def source_name(source: SourceRef) -> str:
    """Return what the owner calls a source."""
    return source.file or source.url or source.upload or ""
