"""The gaze that maps are scored against: the items of a prepared data set, as a protocol asks for them."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.item_maps import map_windows
from atsal.datasets.prepared.item_record import FIXATIONS
from atsal.errors import ConfigError, DataError
from atsal.evaluation.protocol import Protocol
from atsal.gaze.flat_maps import planar_fixation_map, planar_saliency_map
from atsal.gaze.maps import Window, fixation_map, saliency_map
from atsal.gaze.records import Fixations, PlanarFixations
from atsal.projection.sphere import solid_angle_weights
from atsal.untrusted.text import describe_failure

Gaze = Fixations | PlanarFixations
Floats = NDArray[np.float64]
_WITHOUT_EFFECT = ("title", "source", "notes", "metrics")  # parts of a protocol that change no score of a metric
WHOLE_ITEM = (None,)  # the windows of a still, or of a clip that is scored as a whole


class GroundTruth:
    """The scored items of a prepared set and their gaze; items of `excluded` are left out.

    Raises `ConfigError` if the set was prepared for something else than the protocol asks for, and `DataError` if it
    has none of the items to score.
    """

    def __init__(self, prepared: PreparedSet, protocol: Protocol, excluded: Collection[str] = ()) -> None:
        _require_fitting_preparation(prepared, protocol)
        self.prepared = prepared
        self.protocol = replace(protocol, events=prepared.preparation.events)
        self.excluded = frozenset(excluded)
        self.items = self._items_of(protocol.part)
        self.fit_items = None if protocol.fit_part is None else self._items_of(protocol.fit_part)

    def _items_of(self, part: str | None) -> tuple[str, ...]:
        """The items of a part of the protocol's split, or all items; never the augmented variants."""
        split = self.protocol.split
        entries = self.prepared.manifest["items"]
        variants = {entry["id"] for entry in entries if entry.get("variant_of", entry["id"]) != entry["id"]}
        named = self.protocol.items or self.prepared.items
        if split is not None and part is not None:
            named = self.prepared.split(split, part)
        items = tuple(item for item in named if item not in variants and item not in self.excluded)
        if not items:
            where = "the set" if split is None else f"part {part} of split {split}"
            raise DataError(f"{self.prepared.folder}: no item of {where} is prepared; nothing to score")
        return items

    @property
    def used_items(self) -> tuple[str, ...]:
        """The scored items and those that priors are fitted on."""
        return tuple(dict.fromkeys((*self.items, *(self.fit_items or ()))))

    def unreadable(self) -> dict[str, str]:
        """Return used items whose record, gaze or size cannot be read, each with the reason."""
        found: dict[str, str] = {}
        for item in self.used_items:
            try:
                self.windows(item)
                self.size(item)
            except Exception as error:  # even an error that no reader expects must not stop the other items
                found[item] = describe_failure(error)
        return found

    def unprepared(self) -> dict[str, tuple[str, ...]]:
        """Return the items that the prepared set lacks, for the scored part and the part that priors are fitted on."""
        protocol = self.protocol
        if protocol.split is None:
            return {}
        parts = self.prepared.manifest["splits"][protocol.split]
        present = set(self.prepared.items)
        missing = {
            part: tuple(item for item in parts[part] if item not in present)
            for part in (protocol.part, protocol.fit_part)
            if part is not None
        }
        return {part: items for part, items in missing.items() if items}

    def fingerprint(self) -> str:
        """Return a checksum of all that scores depend on beside maps and metrics: protocol, gaze and stimuli."""
        facts = {
            "protocol": {name: v for name, v in self.protocol.to_json().items() if name not in _WITHOUT_EFFECT},
            "dataset": self.prepared.dataset.name,
            "preparation": {name: self.prepared.manifest["preparation"][name] for name in ("direction", "events")},
            "items": {item: self._item_facts(item) for item in self.used_items},
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def _item_facts(self, item: str) -> list[Any]:
        """The checksum of the fixations, and the facts of the stimulus (windows and sizes follow from it)."""
        record = self.prepared.record(item)
        stimulus = {name: value for name, value in (record["stimulus"] or {}).items() if name != "file"}
        return [record["files"][FIXATIONS]["sha256"], stimulus]

    def windows(self, item: str) -> tuple[Window | None, ...]:
        """Return the frames that each map of an item pools; None stands for all gaze on the item."""
        stills = self.prepared.dataset.stimuli == "images"
        found = map_windows(self.prepared.stimulus(item), self.gaze(item), self.protocol.window, stills=stills)
        return WHOLE_ITEM if found is None else found

    def gaze(self, item: str, window: Window | None = None) -> Gaze:
        """Return the fixations on an item, or those that overlap a window."""
        found = self.prepared.fixations(item)
        if window is None or isinstance(found, PlanarFixations):
            return found
        return found.in_frames(window.first_frame, window.last_frame)

    def size(self, item: str) -> tuple[int, int]:
        """Return (height, width) of the maps that are compared."""
        height = self.protocol.erp_height
        if height is not None:
            return height, 2 * height
        stimulus = self.prepared.stimulus(item)
        if stimulus.height is None or stimulus.width is None:
            raise DataError(
                f"{item}: the photo is missing, so the size of its map is unknown; prepare the set with its photos"
            )
        return stimulus.height, stimulus.width

    def weights(self) -> Floats | None:
        """Return the weights of pixels, (H, 1); None if all weigh the same."""
        if self.protocol.weighting == "none" or self.protocol.erp_height is None:
            return None
        found: Floats = solid_angle_weights(self.protocol.erp_height).numpy()
        return found

    def normalise(self, saliency: NDArray[np.floating]) -> Floats:
        """Return a map (h, w) of any size divided by its weighted mean, float64. A map of zeros stays as it is."""
        found = np.asarray(saliency, np.float64)
        mean = found.mean()
        if self.protocol.weighting != "none":
            weights = solid_angle_weights(len(found)).numpy()[:, 0]
            mean = (found.mean(1) @ weights) / weights.sum()
        return found / mean if mean > 0 else found

    def fixation_map(self, gaze: Gaze, size: tuple[int, int]) -> Floats:
        """Return the number of fixations on each pixel, (H, W)."""
        return planar_fixation_map(gaze, *size) if isinstance(gaze, PlanarFixations) else fixation_map(gaze, size[0])

    def saliency_map(self, gaze: Gaze, size: tuple[int, int]) -> NDArray[np.float32]:
        """Return the measured map (H, W): a Gaussian around each fixation."""
        if isinstance(gaze, PlanarFixations):
            return planar_saliency_map(gaze, *size, self.prepared.dataset.sigma_width)
        if self.protocol.sigma_deg is None:
            raise ConfigError(f"protocol {self.protocol.title!r} is for flat photos and has no σ in degrees")
        return saliency_map(gaze, size[0], self.protocol.sigma_deg)


def _require_fitting_preparation(prepared: PreparedSet, protocol: Protocol) -> None:
    dataset, preparation = prepared.dataset, prepared.preparation
    if dataset.name not in protocol.datasets:
        raise ConfigError(
            f"{prepared.folder}: holds {dataset.name}; the protocol {protocol.title!r} is for "
            f"{', '.join(protocol.datasets)}. Choose another protocol, or write one (docs/benchmark.md)"
        )
    if (dataset.stimuli == "photos") != protocol.is_planar:
        expected = "flat photos" if protocol.is_planar else "the sphere"
        raise ConfigError(
            f"{prepared.folder}: holds {dataset.stimuli_in_words}; the protocol {protocol.title!r} is for {expected}"
        )
    for name in ("direction", "events"):
        found, expected = getattr(preparation, name), getattr(protocol, name)
        if expected not in (found, "any"):
            raise ConfigError(
                f"{prepared.folder}: prepared with {name} {found}; the protocol scores {expected}. Prepare the set "
                f"with `atsal prepare {dataset.name} RAW OTHER --{name} {expected}`, or choose another protocol"
            )
