"""A file that is damaged, and what reads it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Target:
    """A file, and what reads it."""

    name: str
    file: Path
    read: Callable[[], object]
