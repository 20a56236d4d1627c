"""What the items of a data set say together: what baselines are fitted on, and the negatives of shuffled AUC.

Nothing that is used on an item has seen that item: priors are fitted on the protocol's `fit_part` or, without one, on
the other scored items; the mean map and the negatives are always those of the other scored items.
"""

from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Self

import numpy as np
import torch

from atsal.errors import DataError
from atsal.evaluation.ground_truth import Floats, Gaze, Truth
from atsal.gaze.directions import unit_vectors
from atsal.gaze.records import PlanarFixations
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.projection import erp_directions, resize_flat
from atsal.untrusted.arrays import read_npz
from atsal.untrusted.files import ErrorFactory

FLOOR = 0.01  # share of the uniform density in every prior: a fixation that nobody expected costs bits, not infinity
CANVAS = 128  # side of the maps that photos of different sizes are brought to


@dataclass(frozen=True, eq=False)
class Pooled:
    """Sums over the scored items of a truth, and over those that priors are fitted on (the same, or a `fit_part`)."""

    density: Floats  # (H, W): of the scored items' densities, each of mean 1
    fit_density: Floats  # (H, W)
    spread: Floats  # (2,): of the fitted items' mean squared distances from the centre, see `_spread`
    counts: Floats  # (H, W): of the scored items' fixations; (0, 0) for photos, which have no common pixels
    places: Floats  # (N, 3): u, v and number of the item of all fixations on the scored photos; (0, 3) on the sphere

    @classmethod
    def of(cls, truth: Truth) -> Self:
        """Read all gaze once."""
        planar = truth.protocol.is_planar
        size = (CANVAS, CANVAS) if planar else truth.size(truth.items[0])
        density, counts = np.zeros(size), np.zeros((0, 0) if planar else size)
        places = [np.zeros((0, 3))]
        for number, item in enumerate(truth.items):
            gaze, own = truth.gaze(item), own_density(truth, item)
            density += own
            if isinstance(gaze, PlanarFixations):
                places.append(np.stack([gaze.u, gaze.v, np.full(len(gaze), number)], 1))
            else:
                counts += truth.counts(gaze, size)
        fit_density = density
        if truth.fit_items is not None:
            fit_density = sum((own_density(truth, item) for item in truth.fit_items), np.zeros(size))
        spread = np.sum([_spread(truth.gaze(item)) for item in truth.fit_items or truth.items], axis=0)
        return cls(density, fit_density, spread, counts, np.concatenate(places))

    def save(self, path: Path, fingerprint: str) -> None:
        """Write as `.npz`."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        with output_errors(path), atomic_file(path) as part, part.open("wb") as file:
            np.savez(file, fingerprint=np.array(fingerprint), **arrays)

    @classmethod
    def load(cls, path: Path, fingerprint: str) -> Self | None:
        """What was saved under the fingerprint; None where nothing, or something else, was."""
        names = [f.name for f in fields(cls)]
        try:
            found = read_npz(path, ["fingerprint", *names], ErrorFactory(DataError, path, "delete it"))
        except DataError:
            return None
        return cls(*(found[name] for name in names)) if str(found["fingerprint"]) == fingerprint else None


@lru_cache(maxsize=2)
def open_pooled(path: Path, fingerprint: str) -> Pooled:
    """What was saved, read once a process; `DataError` where it is not there any more."""
    found = Pooled.load(path, fingerprint)
    if found is None:
        raise DataError(f"{path}: was changed while it was used; run the same command again")
    return found


def own_density(truth: Truth, item: str) -> Floats:
    """The density of all gaze on an item, of mean 1 under the sphere's solid angle; on photos, on the canvas."""
    if not truth.protocol.is_planar:
        return truth.of_mean_one(truth.saliency(truth.gaze(item), truth.size(item)))
    height, width = truth.size(item)
    scale = CANVAS / max(height, width)
    small = (max(1, round(height * scale)), max(1, round(width * scale)))
    return truth.of_mean_one(stretched(truth.saliency(truth.gaze(item), small), (CANVAS, CANVAS)))


def stretched(saliency: np.ndarray, size: tuple[int, int]) -> Floats:
    """A flat map at another (height, width), float64."""
    if saliency.shape == size:
        return np.asarray(saliency, np.float64)
    tensor = torch.from_numpy(np.ascontiguousarray(saliency, np.float64))[None, None]
    found: Floats = resize_flat(tensor, *size)[0, 0].numpy()
    return found


class Others:
    """What the other items say, for one item."""

    def __init__(self, truth: Truth, pooled: Pooled, item: str) -> None:
        self._truth = truth
        self._pooled = pooled
        self._item = item
        self._size = truth.size(item)

    @cached_property
    def _own(self) -> Floats:
        return own_density(self._truth, self._item)

    def counts(self) -> Floats:
        """The fixations on the other scored items, pooled over all their windows, at this item's size."""
        truth, item = self._truth, self._item
        if not truth.protocol.is_planar:
            return self._pooled.counts - truth.counts(truth.gaze(item), self._size)
        u, v, _ = self._pooled.places[self._pooled.places[:, 2] != truth.items.index(item)].T
        return truth.counts(PlanarFixations(np.full(len(u), "of other items"), u, v), self._size)

    def mean_map(self) -> Floats:
        """The mean density of the other scored items, with `FLOOR`."""
        count = len(self._truth.items) - 1
        if not count:
            return np.zeros(self._size)  # nothing is known: no score follows from it
        mean = ((self._pooled.density - self._own) / count).clip(min=0)
        return floored(self._truth, mean if not self._truth.protocol.is_planar else stretched(mean, self._size))

    def equator_prior(self) -> Floats:
        """The mean density of each latitude over the fitted items, with `FLOOR`; on photos, the mean map."""
        if self._truth.protocol.is_planar:
            return self.mean_map()
        if self._truth.fit_items is None and len(self._truth.items) == 1:
            return np.zeros(self._size)
        fitted = self._pooled.fit_density - (self._own if self._truth.fit_items is None else 0)
        profile = fitted.mean(1, keepdims=True).clip(min=0)
        return floored(self._truth, np.repeat(profile, self._size[1], 1))

    def centre(self) -> Floats:
        """A Gaussian around the centre as wide as the fitted items' gaze is spread (its likelihood is the greatest)."""
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
        else:  # half the squared angle over the variance of an axis, which is half the sum
            angle = np.arccos(erp_directions(self._size[0]).numpy()[..., 2].clip(-1, 1))
            exponent = angle**2 / variance.sum()
        found: Floats = np.exp(-exponent)
        return found


def _spread(gaze: Gaze) -> Floats:
    """Mean squared distance from the centre: along u and v of a photo; half the squared angle each, on the sphere."""
    if isinstance(gaze, PlanarFixations):
        return np.array([((gaze.u - 0.5) ** 2).mean(), ((gaze.v - 0.5) ** 2).mean()])
    angle = np.arccos(unit_vectors(gaze.lon_rad, gaze.lat_rad)[:, 2].clip(-1, 1))
    return np.full(2, float((angle**2).mean()) / 2)


def floored(truth: Truth, density: np.ndarray) -> Floats:
    """The density with a share of the uniform one."""
    return (1 - FLOOR) * truth.of_mean_one(density) + FLOOR
