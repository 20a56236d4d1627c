"""The arrays that metrics compare, checked and converted to float64 tensors, with the quantities that metrics share.

All metrics are computed in torch, on the device of the prediction or else of the first tensor among the arrays. Numpy
arrays give numpy scores, tensors give tensors.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from atsal.errors import ShapeError

Array = NDArray[Any] | Tensor
Score = Any  # of maps (H, W): a float; of batches (..., H, W): an array (...); of tensors: a float64 tensor (...)
COUNTS = ("fixations", "other_fixations")  # arrays that count fixations; all others are maps
INPUTS = ("target", "prediction", "baseline", *COUNTS)

_LARGE = 1e100


class MetricInputs:
    """The arrays of one or more metrics, broadcast to one batch of flat maps; shared quantities are computed once.

    `inputs[name]` is (B, H * W) float64; `weight` is (H * W,) and sums to 1. Raises `ShapeError` that names the
    argument for shapes that do not fit, values that are not finite, and counts or weights below 0.
    """

    def __init__(self, weights: Array | None, **arrays: Array) -> None:
        self._gives_tensors = any(isinstance(array, Tensor) for array in arrays.values())
        in_order = [arrays[name] for name in ("prediction", *arrays) if name in arrays]
        device = next((array.device for array in in_order if isinstance(array, Tensor)), torch.device("cpu"))
        tensors = {name: _to_tensor(name, array, device) for name, array in arrays.items()}
        self._leading = _leading_shape({name: tuple(tensor.shape) for name, tensor in tensors.items()})
        height, width = next(iter(tensors.values())).shape[-2:]
        batch = (*self._leading, height * width)
        self._maps = {n: t.flatten(-2).expand(batch).reshape(-1, height * width) for n, t in tensors.items()}
        self._cache: dict[Hashable, Tensor] = {}
        self._fixated = {name: [_fixated(row) for row in self._maps[name]] for name in COUNTS if name in arrays}
        for name in arrays:
            self._refuse_infinite(name)
            if name in COUNTS:
                self.refuse_negative(name)
            else:
                self._rescale_extreme_values(name)
        self.shape = height, width
        self.weights = _normalised_weights(weights, height, width, device)  # (1, 1), (H, 1) or (H, W), total 1
        self.weight = self.weights.expand(height, width).reshape(-1)
        self._root_weight = self.weights.sqrt().expand(height, width).reshape(-1)

    def __getitem__(self, name: str) -> Tensor:
        return self._maps[name]

    def as_given(self, scores: Tensor) -> Score:
        """Return scores (B,) in the leading shape and the type (float, array, tensor) of the caller's arrays."""
        shaped = scores.reshape(self._leading)
        if self._gives_tensors:
            return shaped
        return shaped.item() if not self._leading else shaped.numpy()

    def cached(self, key: Hashable, compute: Callable[[], Tensor]) -> Tensor:
        """Return `compute()`, computed once for each key."""
        if key not in self._cache:
            self._cache[key] = compute()
        return self._cache[key]

    def extremes(self, name: str) -> Tensor:
        """Return the lowest and the highest value of each map, (B, 2); NaN where a value is NaN."""
        return self.cached(("extremes", name), lambda: self._extremes(name))

    def mean(self, name: str) -> Tensor:
        """Return the weighted mean of each map, (B,)."""
        return self.cached(("mean", name), lambda: self[name] @ self.weight)

    def probability(self, name: str) -> Tensor:
        """Return the probability of each pixel, (B, H * W), summing to 1; NaN where the map is zero everywhere."""
        self.refuse_negative(name)
        return self.cached(
            ("probability", name), lambda: (self[name] * self.weight).div_(self.mean(name)[:, None])
        )  # 0 / 0

    def covariance(self, first: str, second: str) -> Tensor:
        """Return the weighted covariance of two maps, (B,)."""
        return self.cached(
            ("covariance", first, second),
            lambda: dot(self._weighted_deviation(first), self._weighted_deviation(second)),
        )

    def fixated(self, name: str, index: int) -> tuple[Tensor, Tensor]:
        """Return the pixels with a fixation in map `index` of the batch, and the number of fixations there, (N,) each.

        `name` is one of `COUNTS`.
        """
        return self._fixated[name][index]

    def refuse_negative(self, name: str) -> None:
        """Raise `ShapeError` if a value is below 0."""
        lowest = self.extremes(name).min() if len(self[name]) else 0
        if lowest < 0:
            wrong, values = int((self[name] < 0).sum()), self[name].numel()
            raise ShapeError(
                f"{name}: {wrong} of {values} values are below 0 (lowest {lowest:.4g}); expected 0 or more"
            )

    def _refuse_infinite(self, name: str) -> None:
        if not torch.isfinite(self.extremes(name)).all():
            wrong, values = int((~torch.isfinite(self[name])).sum()), self[name].numel()
            raise ShapeError(f"{name}: {wrong} of {values} values are NaN or infinite; expected finite numbers")

    def _rescale_extreme_values(self, name: str) -> None:
        """Divide maps of very large or very small values by their peak: their squares would overflow or underflow.

        No metric depends on the scale of a map.
        """
        peak = self.extremes(name).abs().amax(1)
        extreme = (peak > 0) & ((peak > _LARGE) | (peak < 1 / _LARGE))
        if extreme.any():
            self._maps[name] = self._maps[name] / torch.where(extreme, peak, 1.0)[:, None]
            del self._cache["extremes", name]

    def _extremes(self, name: str) -> Tensor:
        if name in self._fixated:  # only a few pixels are not 0: faster than searching all of them
            maps: Sequence[Tensor] = [torch.cat([count, count.new_zeros(1)]) for _, count in self._fixated[name]]
        else:
            maps = self[name].unbind()
        if not maps:
            return self[name].new_zeros(0, 2)
        return stack_each(lambda row: torch.stack(row.aminmax()), maps)

    def _weighted_deviation(self, name: str) -> Tensor:
        """Each map minus its mean, times the root of the weights: products of two of them are weighted."""
        return self.cached(("deviation", name), lambda: (self[name] - self.mean(name)[:, None]).mul_(self._root_weight))


def stack_each(function: Callable[..., Tensor], *batches: Tensor | Sequence[Any]) -> Tensor:
    """Return the values (B,) of a function of each map of a batch, for what torch cannot compute on a whole batch."""
    values = [function(*row) for row in zip(*batches, strict=True)]
    return torch.stack(values) if values else torch.zeros(0, dtype=torch.float64)


def dot(first: Tensor, second: Tensor) -> Tensor:
    """Return the sum of the products along the last dimension, of (N,) with (N,) or (B, N) with (B, N)."""
    if first.ndim == 1:
        return torch.dot(first, second)
    return torch.bmm(first[:, None, :], second[:, :, None])[:, 0, 0]  # vecdot stores all products first


def true_indices(mask: Tensor) -> Tensor:
    """Return the indices where a mask (N,) is true; on the CPU numpy takes a fifth of torch's time."""
    if mask.device.type == "cpu":
        return torch.from_numpy(np.flatnonzero(mask.numpy()))
    return mask.nonzero()[:, 0]


def _fixated(counts: Tensor) -> tuple[Tensor, Tensor]:
    """The indices where counts (H * W,) are not 0, and the counts there."""
    pixels = true_indices(counts != 0)
    return pixels, counts.index_select(0, pixels)


def _leading_shape(shapes: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The broadcast leading shape; `ShapeError` where shapes do not fit each other."""
    found = ", ".join(f"{name} of shape {shape}" for name, shape in shapes.items())
    if len({shape[-2:] for shape in shapes.values()}) > 1:
        raise ShapeError(f"{found}: expected maps of one height and width")
    try:
        return np.broadcast_shapes(*(shape[:-2] for shape in shapes.values()))
    except ValueError as error:
        raise ShapeError(f"{found}: the leading dimensions cannot be broadcast") from error


def _to_tensor(name: str, array: Array, device: torch.device) -> Tensor:
    """Return a float64 tensor; `ShapeError` for anything but numbers of shape (..., H, W)."""
    if isinstance(array, Tensor):
        tensor = array.detach().to(device, torch.float64)
    else:
        try:
            values = np.asarray(array)
            usable = values.dtype == np.float64 and values.flags.c_contiguous and values.flags.writeable
            if not usable or min(values.strides, default=0) < 0:  # torch shares the memory of no other arrays
                values = np.array(values, np.float64, order="C")
            tensor = torch.from_numpy(values).to(device)
        except (TypeError, ValueError) as error:
            raise ShapeError(f"{name}: {type(array).__name__} is not an array of numbers; expected (H, W)") from error
    if tensor.ndim < 2 or not tensor.shape[-1] or not tensor.shape[-2]:
        raise ShapeError(f"{name} of shape {tuple(tensor.shape)}: expected (H, W), or (..., H, W) for a batch")
    return tensor


def _normalised_weights(weights: Array | None, height: int, width: int, device: torch.device) -> Tensor:
    """Weights of shape (1, 1), (H, 1) or (H, W) that sum to 1 over all pixels."""
    if weights is None:
        return torch.full((1, 1), 1 / (height * width), dtype=torch.float64, device=device)
    given = _to_tensor("weights", weights, device)
    if given.shape not in ((height, 1), (height, width)):
        raise ShapeError(
            f"weights of shape {tuple(given.shape)}: expected (H, 1) or (H, W) for maps of {height} rows and "
            f"{width} columns"
        )
    total = float(given.expand(height, width).sum())
    if not (math.isfinite(total) and total > 0 and given.min() >= 0):
        raise ShapeError(
            f"weights with a minimum of {given.min():.4g} and a sum of {total:.4g}: expected 0 or more, some above 0"
        )
    return given / total
