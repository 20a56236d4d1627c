"""The package's version, in one place with the installed metadata."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("atsal")
except PackageNotFoundError:  # run from a checkout that is not installed
    __version__ = "0+unknown"
