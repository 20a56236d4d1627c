"""What a server says about a file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Facts:
    """Size in bytes, what identifies the version, and how the file can be read."""

    size: int
    etag: str | None = None
    modified: str | None = None  # in the server's words
    has_ranges: bool = True  # whether parts of it can be asked for
    is_folder: bool = False

    def is_same_version(self, other: "Facts") -> bool:
        """Whether nothing that both state differs."""
        pairs = ((self.size, other.size), (self.etag, other.etag), (self.modified, other.modified))
        return all(one == another for one, another in pairs if one is not None and another is not None)
