"""The package's version, in one place with the installed metadata, and those of others."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The versions of these packages, those that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


__version__ = versions(["atsal"]).get("atsal", "0+unknown")  # unknown in a checkout that is not installed
