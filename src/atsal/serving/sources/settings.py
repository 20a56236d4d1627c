"""The settings of sources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

GB = 10**9


@dataclass(frozen=True)
class SourceSettings:
    """Where sources may come from, and how large they may be."""

    roots: Mapping[str, Path] = field(default_factory=dict)  # folders whose files may be named: "NAME:path"
    urls: tuple[str, ...] = ()  # beginnings of URLs that may be read; none: URLs are refused
    file_bytes: int = 32 * GB  # of an upload, or of a file behind a URL
    stored_bytes: int = 256 * GB  # of the uploads and jobs of a token
    uploads: int = 1000  # of a token
    waiting_jobs: int = 1000  # of a token
