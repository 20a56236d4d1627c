"""Files below folders that whoever runs the service has named: "NAME:sub/clip.mp4".

The path is walked one name at a time, from the descriptor of each folder to the next, and no link is followed. So it
does not matter how a path is spelled: what is opened is below the folder, or nothing is.
"""

import os
import stat
import unicodedata
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from atsal.errors import ConfigError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # opening a pipe does not wait
_MOST_NAMES = 32
_MISSING = "there is no such file; expected NAME:path of a file below a folder of the service, with no link on the way"


def find_named(roots: Mapping[str, Path], text: str) -> Path:
    """Return the real path of the regular, readable file that "NAME:path" names.

    Raises `ConfigError`, which says the same of files that are missing, hidden, links, pipes or not readable.
    """
    name, colon, path = text.partition(":")
    names = path.split("/")
    if not colon or name not in roots or len(names) > _MOST_NAMES or not all(map(_is_plain, names)):
        raise ConfigError(_MISSING)
    root = roots[name].resolve()
    try:
        _check_file(root, names)
    except (OSError, ValueError):  # ValueError: text that no path can hold
        raise ConfigError(_MISSING) from None
    return root.joinpath(*names)


def _check_file(root: Path, names: list[str]) -> None:
    """Raise OSError unless there is a regular file that can be opened."""
    with ExitStack() as stack:
        folder = os.open(root, _FOLDER)
        stack.callback(os.close, folder)
        for name in names[:-1]:
            folder = os.open(name, _FOLDER, dir_fd=folder)
            stack.callback(os.close, folder)
        if not stat.S_ISREG(os.stat(names[-1], dir_fd=folder, follow_symlinks=False).st_mode):
            raise FileNotFoundError(names[-1])
        file = os.open(names[-1], _FILE, dir_fd=folder)
        stack.callback(os.close, file)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise FileNotFoundError(names[-1])


def _is_plain(name: str) -> bool:
    """Whether a name is neither hidden nor special, in this spelling and in those that a file system may equate."""
    spellings = {name, unicodedata.normalize("NFKC", name)}
    return bool(name) and name.isprintable() and not any(_is_special(spelling) for spelling in spellings)


def _is_special(name: str) -> bool:
    return name.startswith(".") or "/" in name or "\\" in name
