"""Which items of which 360° data sets each stream's weights know something of; benchmarks mark the scores of these.

It stands in the provenance of a weight folder as `trained_on`: by stream ("attention", "experts") and set, the items.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

ALL_ITEMS = "*"  # in place of names: of the set that the front prior was fitted on
Seen = dict[str, dict[str, list[str]]]


def seen_by(provenance: Mapping[str, Any]) -> Seen:
    """What a weight folder tells, to be added to; nothing where it tells it in another form."""
    told = provenance.get("trained_on")
    streams = told if isinstance(told, dict) else {}
    return {stream: dict(sets) for stream, sets in streams.items() if isinstance(sets, dict)}


def add_seen(seen: Seen, streams: Iterable[str], sets: Iterable[tuple[str, Collection[str]]]) -> None:
    """Add, to each of the streams, the items of sets, in place."""
    added = list(sets)
    for stream in streams:
        of_stream = seen.setdefault(stream, {})
        for name, items in added:
            of_stream[name] = sorted({*of_stream.get(name, []), *items})
