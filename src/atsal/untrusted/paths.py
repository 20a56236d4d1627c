"""Names of files that a file from others tells: they must not lead out of the folder that they are taken from."""

from pathlib import PurePosixPath, PureWindowsPath


def is_name(name: object) -> bool:
    """Whether a recorded name is that of one file or folder, which says nothing of where it lies."""
    return isinstance(name, str) and is_inside(name) and len(PureWindowsPath(name).parts) == 1


def is_inside(name: object) -> bool:
    """Whether a recorded path is relative and stays below the folder that it is taken from."""
    if not isinstance(name, str) or not name or "\0" in name:
        return False
    windows = PureWindowsPath(name)  # knows both kinds of slashes
    return not (PurePosixPath(name).is_absolute() or windows.drive or windows.root or ".." in windows.parts)
