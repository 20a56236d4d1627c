"""Prepared sets: made from raw files, opened, checked and drawn."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atsal.datasets.prepared.prepared_set import PreparedSet

__all__ = ["PreparedSet"]


def __getattr__(name: str) -> object:
    """Import what needs torch when it is first asked for: the settings of a set are choices of the command line."""
    if name == "PreparedSet":
        from atsal.datasets.prepared.prepared_set import PreparedSet  # noqa: PLC0415 - late on purpose

        return PreparedSet
    raise AttributeError(f"module 'atsal.datasets.prepared' has no attribute {name!r}")
