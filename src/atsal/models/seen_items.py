"""What a model knows of the items of 360° data sets. Benchmarks mark the scores of such items, and say what it is.

The provenance of a weight folder has it in three places: `trained_on` (stream -> set -> items that the layers were
trained on), `fusion_chosen_on` (a set and its items) and `prior_fitted_on` (set -> how it was used). Folders of earlier
versions have all of it in `trained_on`, with `ALL_ITEMS` for the sets of the prior.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

ALL_ITEMS = "*"  # in place of the names: every item of the set
SeenItems = dict[str, dict[str, list[str]]]
How = Literal[
    "was trained on",
    "has a fusion that was chosen on",
    "has a prior that was fitted on the gaze of",
    "has seen the mean latitudes of",
]
TRAINED: How = "was trained on"
FUSION: How = "has a fusion that was chosen on"
PRIORS: dict[str, How] = {  # by what was used of a set
    "all": "has a prior that was fitted on the gaze of",
    "latitude": "has seen the mean latitudes of",
}
_PARTS = {"fused": ("attention", "experts"), "attention": ("attention",), "experts": ("experts",)}  # by stream


class Seen(NamedTuple):
    """Items of one data set that a model knows something of."""

    how: How
    dataset: str
    items: frozenset[str]  # or `ALL_ITEMS`


def read_seen_items(provenance: Mapping[str, Any]) -> SeenItems:
    """Return a copy of the items that the layers were trained on; empty if the provenance has another form."""
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


def seen_by_layers(provenance: Mapping[str, Any], stream: str) -> list[Seen]:
    """Return what the layers of a stream ("attention", "experts", "fused") know; the fused map needs those of both."""
    stored = read_seen_items(provenance)
    found = []
    for part in _PARTS[stream]:
        for name, items in stored.get(part, {}).items():
            found.append(Seen(TRAINED, name, frozenset(items) - {ALL_ITEMS}))
            if ALL_ITEMS in items:
                found.append(Seen(PRIORS["all"], name, frozenset({ALL_ITEMS})))
    return found


def seen_by_fusion(provenance: Mapping[str, Any]) -> list[Seen]:
    """Return what the fusion and its prior know; they make the map of every stream."""
    chosen, fitted = provenance.get("fusion_chosen_on"), provenance.get("prior_fitted_on")
    found = list(seen_by_prior(fitted.items())) if isinstance(fitted, dict) else []
    if isinstance(chosen, dict) and "dataset" in chosen and "items" in chosen:
        found.append(Seen(FUSION, chosen["dataset"], frozenset(chosen["items"])))
    return found


def seen_by_prior(sets: Iterable[tuple[str, str]]) -> Iterator[Seen]:
    """Yield what a prior knows that was fitted on sets; each is given with what was used of it, a key of `PRIORS`."""
    for name, used in sets:
        yield Seen(PRIORS[used], name, frozenset({ALL_ITEMS}))


def items_seen(seen: Iterable[Seen], dataset: str, items: Iterable[str]) -> dict[How, tuple[str, ...]]:
    """Return which of the items of a data set were seen, by how."""
    items, found = list(items), dict[How, tuple[str, ...]]()
    for how, name, known in seen:
        if name == dataset:
            earlier = found.get(how, ())
            own = tuple(item for item in items if item in earlier or ALL_ITEMS in known or item in known)
            found |= {how: own} if own else {}
    return found
