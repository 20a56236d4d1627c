"""What the gaze on all items of a data set has in common: priors, and the negatives of shuffled AUC.

Nothing that is used for an item depends on the gaze on that item. Priors are fitted on the protocol's `fit_part` or,
without one, on the other scored items. The mean map and the negatives are those of the other scored items.
"""

from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Self

import numpy as np
import torch

from atsal.datasets.prepared import PreparedSet
from atsal.errors import DataError
from atsal.evaluation.ground_truth import Floats, Gaze, GroundTruth
from atsal.evaluation.protocol import Protocol
from atsal.gaze.directions import unit_vectors
from atsal.gaze.records import PlanarFixations
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.projection import erp_directions, resize_flat
from atsal.untrusted.arrays import read_npz
from atsal.untrusted.files import ErrorFactory

FLOOR = 0.01  # share of the uniform density in every prior: an unexpected fixation costs bits, not infinity
PHOTO_SIDE = 128  # photos of different sizes are pooled on maps with sides of this many pixels


@dataclass(frozen=True, eq=False)
class PooledGaze:
    """Sums over the scored items, and over the items that priors are fitted on (these, or a `fit_part`)."""

    density: Floats  # (H, W): of the scored items' densities, each of mean 1
    fit_density: Floats  # (H, W): of the fitted items' densities
    spread: Floats  # (2,): of the fitted items' mean squared distances from the centre, see `_spread`
    counts: Floats  # (H, W): of the scored items' fixations; (0, 0) for photos, which have no common pixels
    places: Floats  # (N, 3): u, v and item index of all fixations on the scored photos; (0, 3) on the sphere

    @classmethod
    def of(cls, truth: GroundTruth) -> Self:
        """Pool the gaze on all items."""
        planar = truth.protocol.is_planar
        size = (PHOTO_SIDE, PHOTO_SIDE) if planar else truth.size(truth.items[0])
        density, counts = np.zeros(size), np.zeros((0, 0) if planar else size)
        places = [np.zeros((0, 3))]
        for index, item in enumerate(truth.items):
            gaze = truth.gaze(item)
            density += item_density(truth, item)
            if isinstance(gaze, PlanarFixations):
                places.append(np.stack([gaze.u, gaze.v, np.full(len(gaze), index)], 1))
            else:
                counts += truth.fixation_map(gaze, size)
        fit_density = density
        if truth.fit_items is not None:
            fit_density = sum((item_density(truth, item) for item in truth.fit_items), np.zeros(size))
        spread = np.sum([_spread(truth.gaze(item)) for item in truth.fit_items or truth.items], axis=0)
        return cls(density, fit_density, spread, counts, np.concatenate(places))

    def save(self, path: Path, fingerprint: str) -> None:
        """Write to an `.npz` file, with the fingerprint of the ground truth."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        with output_errors(path), atomic_file(path) as part, part.open("wb") as file:
            np.savez(file, fingerprint=np.array(fingerprint), **arrays)

    @classmethod
    def load(cls, path: Path, fingerprint: str) -> Self | None:
        """Read what was saved with the fingerprint; None if there is no such file."""
        names = [f.name for f in fields(cls)]
        try:
            found = read_npz(path, ["fingerprint", *names], ErrorFactory(DataError, path, "delete it"))
        except DataError:
            return None
        return cls(*(found[name] for name in names)) if str(found["fingerprint"]) == fingerprint else None


@dataclass(frozen=True)
class GroundTruthFiles:
    """Where a worker finds the ground truth and the pooled gaze of a data set."""

    prepared: Path
    source: Path
    protocol: Protocol
    excluded: frozenset[str]  # items that cannot be read
    pooled: Path
    fingerprint: str

    def open(self) -> tuple[GroundTruth, PooledGaze]:
        """Open both, once a process; raises `DataError` if the pooled gaze is gone or has another fingerprint."""
        return _open(self)


@lru_cache(maxsize=2)
def _open(files: GroundTruthFiles) -> tuple[GroundTruth, PooledGaze]:
    pooled = PooledGaze.load(files.pooled, files.fingerprint)
    if pooled is None:
        raise DataError(f"{files.pooled}: changed while it was in use; run the same command again")
    return GroundTruth(PreparedSet(files.prepared, files.source), files.protocol, files.excluded), pooled


def item_density(truth: GroundTruth, item: str) -> Floats:
    """Return the density of all gaze on an item, of weighted mean 1; of a photo, with sides of `PHOTO_SIDE`."""
    if not truth.protocol.is_planar:
        return truth.normalise(truth.saliency_map(truth.gaze(item), truth.size(item)))
    height, width = truth.size(item)
    scale = PHOTO_SIDE / max(height, width)
    small = (max(1, round(height * scale)), max(1, round(width * scale)))
    return truth.normalise(resize_flat_map(truth.saliency_map(truth.gaze(item), small), (PHOTO_SIDE, PHOTO_SIDE)))


def resize_flat_map(saliency: np.ndarray, size: tuple[int, int]) -> Floats:
    """Return a flat map scaled to (height, width), float64."""
    if saliency.shape == size:
        return np.asarray(saliency, np.float64)
    tensor = torch.from_numpy(np.ascontiguousarray(saliency, np.float64))[None, None]
    found: Floats = resize_flat(tensor, *size)[0, 0].numpy()
    return found


class OtherItems:
    """What the gaze on the other items tells about one item. Maps are zero if there is no other item."""

    def __init__(self, truth: GroundTruth, pooled: PooledGaze, item: str) -> None:
        self._truth = truth
        self._pooled = pooled
        self._item = item
        self._size = truth.size(item)

    @cached_property
    def _density_of_item(self) -> Floats:
        return item_density(self._truth, self._item)

    def fixation_map(self) -> Floats:
        """Return the fixations on the other scored items over their whole time, (H, W)."""
        truth, item = self._truth, self._item
        if not truth.protocol.is_planar:
            return self._pooled.counts - truth.fixation_map(truth.gaze(item), self._size)
        u, v, _ = self._pooled.places[self._pooled.places[:, 2] != truth.items.index(item)].T
        return truth.fixation_map(PlanarFixations(np.full(len(u), "of other items"), u, v), self._size)

    def mean_map(self) -> Floats:
        """Return the mean density of the other scored items, with `FLOOR`."""
        count = len(self._truth.items) - 1
        if not count:
            return np.zeros(self._size)
        mean = ((self._pooled.density - self._density_of_item) / count).clip(min=0)
        return add_floor(self._truth, mean if not self._truth.protocol.is_planar else resize_flat_map(mean, self._size))

    def equator_prior(self) -> Floats:
        """Return the mean density of each latitude over the fitted items, with `FLOOR`; of a photo, the mean map."""
        if self._truth.protocol.is_planar:
            return self.mean_map()
        if self._truth.fit_items is None and len(self._truth.items) == 1:
            return np.zeros(self._size)
        fitted = self._pooled.fit_density - (self._density_of_item if self._truth.fit_items is None else 0)
        profile = fitted.mean(1, keepdims=True).clip(min=0)
        return add_floor(self._truth, np.repeat(profile, self._size[1], 1))

    def centre(self) -> Floats:
        """Return the Gaussian around the centre that fits the gaze on the fitted items best (maximum likelihood)."""
        truth, spread = self._truth, self._pooled.spread
        count = len(truth.fit_items or truth.items)
        if truth.fit_items is None:
            spread, count = spread - _spread(truth.gaze(self._item)), count - 1
        if not count:
            return np.zeros(self._size)
        variance = (spread / count).clip(min=1e-6)
        if truth.protocol.is_planar:
            v, u = ((np.arange(n) + 0.5) / n - 0.5 for n in self._size)
            exponent = (u[None, :] ** 2 / variance[0] + v[:, None] ** 2 / variance[1]) / 2
        else:  # angle² / (2 * variance of one axis), and that variance is half the sum
            angle = np.arccos(erp_directions(self._size[0]).numpy()[..., 2].clip(-1, 1))
            exponent = angle**2 / variance.sum()
        found: Floats = np.exp(-exponent)
        return found


def _spread(gaze: Gaze) -> Floats:
    """Mean squared distance from the centre, (2,): along u and v of a photo; on the sphere, half the squared angle."""
    if isinstance(gaze, PlanarFixations):
        return np.array([((gaze.u - 0.5) ** 2).mean(), ((gaze.v - 0.5) ** 2).mean()])
    angle = np.arccos(unit_vectors(gaze.lon_rad, gaze.lat_rad)[:, 2].clip(-1, 1))
    return np.full(2, float((angle**2).mean()) / 2)


def add_floor(truth: GroundTruth, density: np.ndarray) -> Floats:
    """Return the density mixed with a share `FLOOR` of the uniform one."""
    return (1 - FLOOR) * truth.normalise(density) + FLOOR
