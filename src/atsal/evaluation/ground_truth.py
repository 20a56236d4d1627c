"""The gaze that maps are scored against: a prepared data set, seen through a protocol."""

import hashlib
import json
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.item_record import FIXATIONS
from atsal.datasets.prepared.preparation import windows_of
from atsal.errors import ConfigError, DataError
from atsal.evaluation.protocol import Protocol
from atsal.gaze.flat_maps import planar_fixation_map, planar_saliency_map
from atsal.gaze.maps import Window, fixation_map, saliency_map
from atsal.gaze.records import Fixations, PlanarFixations
from atsal.projection.sphere import solid_angle_weights
from atsal.untrusted.text import describe_failure

Gaze = Fixations | PlanarFixations
Floats = NDArray[np.float64]
EVERYTHING = (None,)  # the one window of a still, or of a clip taken as a whole


class Truth:
    """The items of a prepared set that a protocol scores, and their gaze; `without` those that cannot be read.

    Raises `ConfigError` where the set was prepared for something else than the protocol asks for, and `DataError` where
    none of the items to score is in it.
    """

    def __init__(self, prepared: PreparedSet, protocol: Protocol, without: Collection[str] = ()) -> None:
        _check(prepared, protocol)
        self.prepared = prepared
        self.protocol = protocol
        self.without = frozenset(without)
        self.items = self._part(protocol.part)
        self.fit_items = None if protocol.fit_part is None else self._part(protocol.fit_part)

    def _part(self, part: str | None) -> tuple[str, ...]:
        """The items of a part of the protocol's split, or all of them; never the augmented variants."""
        split = self.protocol.split
        manifest = self.prepared.manifest
        named = self.prepared.items if split is None or part is None else self.prepared.split(split, part)
        variants = {entry["id"] for entry in manifest["items"] if entry.get("variant_of", entry["id"]) != entry["id"]}
        items = tuple(item for item in named if item not in variants and item not in self.without)
        if not items:
            where = "the set" if split is None else f"part {part} of split {split}"
            raise DataError(f"{self.prepared.folder}: no item of {where} is prepared; nothing to score")
        return items

    def unreadable(self) -> dict[str, str]:
        """Item -> why its record, its gaze or its size cannot be told, of those that take part."""
        found: dict[str, str] = {}
        for item in dict.fromkeys((*self.items, *(self.fit_items or ()))):
            try:
                self.windows(item)
                self.size(item)
            except Exception as error:  # also what no reader foresaw: the other items go on
                found[item] = describe_failure(error)
        return found

    def unprepared(self) -> dict[str, tuple[str, ...]]:
        """Part -> its items that the prepared set lacks, for the scored part and the one that priors are fitted on."""
        protocol = self.protocol
        if protocol.split is None:
            return {}
        parts = self.prepared.manifest["splits"][protocol.split]
        named = {part: parts[part] for part in (protocol.part, protocol.fit_part) if part is not None}
        there = set(self.prepared.items)
        found = {part: tuple(item for item in items if item not in there) for part, items in named.items()}
        return {part: items for part, items in found.items() if items}

    def fingerprint(self) -> str:
        """Changes with the protocol, and with fixations or stimulus of any item that takes part."""
        parts = {
            "protocol": self.protocol.to_json(),
            "dataset": self.prepared.dataset.name,
            "preparation": {name: self.prepared.manifest["preparation"][name] for name in ("direction", "events")},
            "items": {item: self._facts(item) for item in (*self.items, *(self.fit_items or ()))},
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def _facts(self, item: str) -> list[Any]:
        """The table's checksum, and what is known of the stimulus, which tells windows and sizes, wherever it lies."""
        record = self.prepared.record(item)
        stimulus = {name: value for name, value in (record["stimulus"] or {}).items() if name != "file"}
        return [record["files"][FIXATIONS]["sha256"], stimulus]

    def windows(self, item: str) -> tuple[Window | None, ...]:
        """What each map of the item pools; None is everything."""
        stills = self.prepared.dataset.stimuli == "images"
        found = windows_of(self.prepared.stimulus(item), self.gaze(item), self.protocol.window, stills=stills)
        return EVERYTHING if found is None else found

    def gaze(self, item: str, window: Window | None = None) -> Gaze:
        """The fixations of an item, or those that go on during a window."""
        found = self.prepared.fixations(item)
        if window is None or isinstance(found, PlanarFixations):
            return found
        return found.in_frames(window.first_frame, window.last_frame)

    def size(self, item: str) -> tuple[int, int]:
        """(height, width) of the maps that are compared."""
        height = self.protocol.erp_height
        if height is not None:
            return height, 2 * height
        stimulus = self.prepared.stimulus(item)
        if stimulus.height is None or stimulus.width is None:
            raise DataError(f"{item}: the photo is not there, and with it the size of its map; prepare with the photos")
        return stimulus.height, stimulus.width

    def weights(self) -> Floats | None:
        """What a pixel of a map counts for, (H, 1); None: all the same."""
        if self.protocol.weighting == "none" or self.protocol.erp_height is None:
            return None
        found: Floats = solid_angle_weights(self.protocol.erp_height).numpy()
        return found

    def of_mean_one(self, saliency: NDArray[np.floating]) -> Floats:
        """The map (h, w) of any size, float64, over its mean as the protocol weighs pixels; zeros stay zeros."""
        found = np.asarray(saliency, np.float64)
        mean = found.mean()
        if self.protocol.weighting != "none":
            weights = solid_angle_weights(len(found)).numpy()[:, 0]
            mean = (found.mean(1) @ weights) / weights.sum()
        return found / mean if mean > 0 else found

    def counts(self, gaze: Gaze, size: tuple[int, int]) -> Floats:
        """How many fixations fall on each pixel."""
        return planar_fixation_map(gaze, *size) if isinstance(gaze, PlanarFixations) else fixation_map(gaze, size[0])

    def saliency(self, gaze: Gaze, size: tuple[int, int]) -> NDArray[np.float32]:
        """The measured map: a Gaussian around each fixation."""
        if isinstance(gaze, PlanarFixations):
            return planar_saliency_map(gaze, *size, self.prepared.dataset.sigma_width)
        if self.protocol.sigma_deg is None:
            raise ConfigError(f"protocol {self.protocol.title!r} is for flat photos and has no σ in degrees")
        return saliency_map(gaze, size[0], self.protocol.sigma_deg)


@lru_cache(maxsize=8)
def open_truth(
    folder: Path, source: Path | None, protocol: Protocol, without: frozenset[str], _fingerprint: str
) -> Truth:
    """The truth of a prepared folder, opened once a process for each state that it was in."""
    return Truth(PreparedSet(folder, source), protocol, without)


def _check(prepared: PreparedSet, protocol: Protocol) -> None:
    dataset, preparation = prepared.dataset, prepared.preparation
    if dataset.name not in protocol.datasets:
        raise ConfigError(
            f"{prepared.folder}: holds {dataset.name}; the protocol {protocol.title!r} is for "
            f"{', '.join(protocol.datasets)}. Choose another protocol, or write one (docs/benchmark.md)"
        )
    if (dataset.stimuli == "photos") != protocol.is_planar:
        kind = "flat photos" if protocol.is_planar else "the sphere"
        raise ConfigError(f"{prepared.folder}: holds {dataset.holds}; the protocol {protocol.title!r} is for {kind}")
    for name in ("direction", "events"):
        found, expected = getattr(preparation, name), getattr(protocol, name)
        if found != expected:
            raise ConfigError(
                f"{prepared.folder}: prepared with {name} {found}; the protocol scores {expected}. Prepare the set by "
                f"`atsal prepare {dataset.name} RAW OTHER --{name} {expected}`, or choose another protocol"
            )
