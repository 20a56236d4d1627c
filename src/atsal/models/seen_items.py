"""Which items of which 360° data sets each stream's weights were trained on. Benchmarks mark the scores of these items.

A weight folder stores them in its provenance as `trained_on`: stream ("attention", "experts") -> set -> items.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

ALL_ITEMS = "*"  # in place of the names: every item of the set, as for a set that the front prior was fitted on
SeenItems = dict[str, dict[str, list[str]]]


def read_seen_items(provenance: Mapping[str, Any]) -> SeenItems:
    """Return a copy of the seen items in a weight folder's provenance; empty if they have another form."""
    stored = provenance.get("trained_on")
    streams = stored if isinstance(stored, dict) else {}
    return {stream: dict(sets) for stream, sets in streams.items() if isinstance(sets, dict)}


def add_seen_items(seen: SeenItems, streams: Iterable[str], sets: Iterable[tuple[str, Collection[str]]]) -> None:
    """Add the items of each set to each stream, in place."""
    sets = list(sets)
    for stream in streams:
        by_set = seen.setdefault(stream, {})
        for name, items in sets:
            by_set[name] = sorted({*by_set.get(name, []), *items})
