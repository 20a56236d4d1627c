"""The version of this package and of others, from their installed metadata."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those of the packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


__version__ = versions(["atsal"]).get("atsal", "0+unknown")  # unknown in a checkout that is not installed
