"""A source that is named, and not looked at yet: whether it exists and what it is, a worker process finds out."""

from dataclasses import dataclass
from pathlib import Path

from atsal.errors import ConfigError
from atsal.prediction.sources import Source, find_sources, result_name


@dataclass(frozen=True)
class UnseenSource:
    """A path or URL of one source, and the name of its results."""

    path: Path
    name: str | None = None  # None: the stem of the path
    as_frames: bool = False

    @property
    def stem(self) -> str:
        """The name of its results."""
        return self.name or result_name(self.path)

    def look(self) -> Source:
        """Return what it is. Raises `InputError`, and `ConfigError` for a folder of several."""
        found, problems = find_sources([self.path], as_frames=self.as_frames)
        if problems:
            raise next(iter(problems.values()))
        if len(found) != 1:
            raise ConfigError(f"{self.path}: holds {len(found)} sources, expected one; name a file")
        return Source(found[0].path, found[0].kind, self.stem)
