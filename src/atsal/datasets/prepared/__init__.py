"""Prepared sets: made from raw files, opened, checked and drawn."""

from atsal.datasets.prepared.prepared_set import PreparedSet

__all__ = ["PreparedSet"]
