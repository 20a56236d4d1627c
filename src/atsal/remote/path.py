"""A remote file or folder with the part of `pathlib.Path` by which sources are read.

So the code that reads files needs no second way for URLs. It is no `os.PathLike`: what would open the name as a local
file fails. One object stands for one version of a file, the one that was there at the first look.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Generator, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any
from urllib.request import url2pathname

from atsal.errors import MediaError
from atsal.remote import content, store
from atsal.remote.facts import Facts
from atsal.remote.retry import retried
from atsal.remote.urls import HTTP, STORES, file_name, shown_url, url_scheme

READABLE = (*HTTP, *STORES, "file")  # schemes of URLs
_NO_DEVICE = -1  # no local file is on it
_PATTERN = ("*", "?", "[")

if TYPE_CHECKING:
    _Base = Path
else:
    _Base = object


def as_path(source: "Path | str") -> Path:
    """Return the path of a file: a `RemotePath` for text that begins with http://, https:// or s3://, else a `Path`."""
    scheme = url_scheme(source) if isinstance(source, str) else None
    if isinstance(source, str) and scheme in (*HTTP, *STORES):
        return RemotePath(source)
    if isinstance(source, str) and scheme == "file":
        return Path(url2pathname(source.partition("://")[2].removeprefix("localhost")))
    return source if isinstance(source, RemotePath) else Path(source)


class RemotePath(_Base):
    """A file or folder behind a URL; as text, the URL without its secrets."""

    def __init__(self, url: str, facts: Facts | None = None) -> None:
        self.url = url
        self._known = facts
        self._problem: Exception | None = None
        self._shown = shown_url(url)

    def __str__(self) -> str:
        return self._shown

    def __repr__(self) -> str:
        return f"RemotePath({self._shown!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemotePath) and other.url == self.url

    def __hash__(self) -> int:
        return hash(self.url)

    def __reduce__(self) -> "tuple[type[RemotePath], tuple[str]]":
        return RemotePath, (self.url,)  # another process looks for itself

    @property
    def name(self) -> str:
        """The last part of the path, without the query."""
        return file_name(self.url)

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """The ending of the name, as ".mp4"."""
        return PurePosixPath(self.name).suffix

    @property
    def facts(self) -> Facts:
        """What the server said at the first look. Raises FileNotFoundError and `MediaError`, each time the same."""
        if self._problem is not None:
            raise self._problem
        if self._known is None:
            try:
                self._known = content.look(self.url)
            except (FileNotFoundError, MediaError) as error:
                self._problem = error
                raise
        return self._known

    @property
    def version(self) -> str | None:
        """What identifies the content by the server's word, together with its size; None where it states nothing."""
        if self.facts.etag is not None:
            return f"ETag {self.facts.etag}"
        return self.facts.modified and f"last modified {self.facts.modified}, {self._shown}"

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:  # noqa: ARG002 - the signature of `Path`
        """Return type and size, and an inode that stands for URL and version. Raises what `facts` raises."""
        facts = self.facts
        mode = stat.S_IFDIR | 0o555 if facts.is_folder else stat.S_IFREG | 0o444
        identity = f"{self.url}\n{facts.size}\n{facts.etag}\n{facts.modified}".encode()
        inode = int.from_bytes(hashlib.sha256(identity).digest()[:7])
        values = (mode, inode, _NO_DEVICE, 1, 0, 0, facts.size, 0, 0, 0)
        return os.stat_result(values, {"st_mtime_ns": 0, "st_ctime_ns": 0})

    def exists(self, *, follow_symlinks: bool = True) -> bool:  # noqa: ARG002 - the signature of `Path`
        """Whether there is such a file or folder; False too where that cannot be found out."""
        try:
            return self.facts is not None
        except (FileNotFoundError, MediaError):
            return False

    def is_dir(self) -> bool:
        """Whether it is a folder: a prefix in a store."""
        return self.exists() and self.facts.is_folder

    def is_file(self) -> bool:
        """Whether it is a file."""
        return self.exists() and not self.facts.is_folder

    def open(self, mode: str = "rb", *_ignored: Any, **_also_ignored: Any) -> IO[bytes]:  # type: ignore[override]
        """Open the file for reading bytes. Raises what `facts` and `content.open_content` raise."""
        if mode != "rb":
            raise ValueError(f"{self._shown}: is only read, as bytes")
        return content.open_content(self.url, self.facts)

    def iterdir(self) -> "Generator[RemotePath, None, None]":
        """Yield the files and folders in a folder."""
        yield from self._list(store.list_folder)

    @property
    def is_pattern(self) -> bool:
        """Whether it is a pattern of names in a store, as s3://bucket/prefix/*.mp4."""
        return url_scheme(self.url) in STORES and any(sign in self.url for sign in _PATTERN)

    def matches(self) -> "list[RemotePath]":
        """Return the files that match a pattern."""
        return self._list(store.list_matches)

    def _list(self, names: Callable[[str], Iterator[tuple[str, Facts]]]) -> "list[RemotePath]":
        found = retried(lambda: list(names(self.url)), self._shown)
        return [RemotePath(url, facts) for url, facts in found]

    def resolve(self, strict: bool = False) -> "RemotePath":  # noqa: ARG002 - the signature of `Path`
        """Return itself: there are no links."""
        return self

    def absolute(self) -> "RemotePath":
        """Return itself."""
        return self

    def is_absolute(self) -> bool:
        """Return True: a URL is relative to nothing."""
        return True

    def is_symlink(self) -> bool:
        """Return False."""
        return False

    def samefile(self, other_path: Any) -> bool:
        """Whether the other is the same URL."""
        return isinstance(other_path, RemotePath) and self == other_path
