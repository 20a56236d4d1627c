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
        """Whether size and ETag are equal; where one states no ETag, size and date, as far as both state it.

        Of the same version, a store may list the date in milliseconds and state it in seconds elsewhere.
        """
        for one, another in ((self.etag, other.etag), (self.modified, other.modified)):
            if one is not None and another is not None:
                return self.size == other.size and one == another
        return self.size == other.size
