"""What the metrics share: maps, counts and weights as float64 tensors, checked; and the way back to the caller's kind.

Metrics are computed in torch, whatever they are given: on the device of the prediction, else of the first tensor there
is. Numpy comes back as numpy.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from atsal.errors import ShapeError

Array = NDArray[Any] | Tensor
Score = Any  # of maps (H, W): a float; of batches (..., H, W): an array (...); of tensors: a float64 tensor (...)

_FAR = 1e100


class Inputs:
    """The arguments of one or more metrics, broadcast to one batch of flat maps; what follows from them is kept.

    `inputs[name]` is (B, H * W) float64; `weight` is (H * W,) and sums to 1. Raises `ShapeError` that names the
    argument for shapes that do not fit, values that are no finite numbers, and counts or weights below 0.
    """

    def __init__(self, weights: Array | None, *, counts: Sequence[str] = (), **arrays: Array) -> None:
        self._is_tensor = any(isinstance(array, Tensor) for array in arrays.values())
        given = [arrays[name] for name in ("prediction", *arrays) if name in arrays]
        device = next((array.device for array in given if isinstance(array, Tensor)), torch.device("cpu"))
        tensors = {name: _tensor(name, array, device) for name, array in arrays.items()}
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        if len({shape[-2:] for shape in shapes.values()}) > 1:
            raise ShapeError(f"{_told(shapes)}: expected maps of one height and width")
        try:
            self._leading = np.broadcast_shapes(*(shape[:-2] for shape in shapes.values()))
        except ValueError as error:
            raise ShapeError(f"{_told(shapes)}: leading dimensions that do not fit each other") from error
        height, width = next(iter(shapes.values()))[-2:]
        flat = {name: tensor.flatten(-2) for name, tensor in tensors.items()}
        self._maps = {n: t.expand(*self._leading, height * width).reshape(-1, height * width) for n, t in flat.items()}
        self._kept: dict[tuple[str, ...], Tensor] = {}
        self._points = {name: [_points(row) for row in self._maps[name]] for name in counts}
        for name in arrays:
            self._refuse_infinite(name)
            if name in counts:
                self.refuse_negative(name)
            else:
                self._bring_near_one(name)
        self.shape = height, width
        self.weights = _weight(weights, height, width, device)  # (1, 1), (H, 1) or (H, W), of sum 1 over all pixels
        self.weight = self.weights.expand(height, width).reshape(-1)
        self._root_weight = self.weights.sqrt().expand(height, width).reshape(-1)

    def __getitem__(self, name: str) -> Tensor:
        return self._maps[name]

    def back(self, scores: Tensor) -> Score:
        """Scores (B,) in the caller's kind and leading shape."""
        shaped = scores.reshape(self._leading)
        if self._is_tensor:
            return shaped
        return shaped.item() if not self._leading else shaped.numpy()

    def keep(self, make: Callable[..., Tensor], *names: str) -> Tensor:
        """`make(*names)`, made once."""
        key = (make.__name__, *names)
        if key not in self._kept:
            self._kept[key] = make(*names)
        return self._kept[key]

    def extremes(self, name: str) -> Tensor:
        """The lowest and the highest value of each map, (B, 2)."""
        return self.keep(self._extremes, name)

    def mean(self, name: str) -> Tensor:
        """The weighted mean of each map, (B,)."""
        return self.keep(self._mean, name)

    def probability(self, name: str) -> Tensor:
        """The probability of each pixel, (B, H * W), summing to 1; NaN where the map is zero everywhere."""
        return self.keep(self._probability, name)

    def covariance(self, first: str, second: str) -> Tensor:
        """The weighted covariance of two maps, (B,)."""
        return self.keep(self._covariance, first, second)

    def points(self, name: str, number: int) -> tuple[Tensor, Tensor]:
        """The pixels that the counts of map `number` count, and how often, (N,) each."""
        return self._points[name][number]

    def refuse_negative(self, name: str) -> None:
        """Raise `ShapeError` where a value is below 0."""
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

    def _bring_near_one(self, name: str) -> None:
        """No metric depends on a map's scale, but squares of very large or small values leave the range of numbers."""
        largest = self.extremes(name).abs().amax(1)
        far = (largest > 0) & ((largest > _FAR) | (largest < 1 / _FAR))
        if far.any():
            self._maps[name] = self._maps[name] / torch.where(far, largest, 1.0)[:, None]
            del self._kept[self._extremes.__name__, name]

    def _extremes(self, name: str) -> Tensor:
        if name in self._points:  # the few pixels that are not 0, and 0
            maps: Sequence[Tensor] = [torch.cat([count, count.new_zeros(1)]) for _, count in self._points[name]]
        else:
            maps = self[name].unbind()
        if not maps:
            return self[name].new_zeros(0, 2)
        return each(lambda row: torch.stack(row.aminmax()), maps)  # NaN, where one is

    def _mean(self, name: str) -> Tensor:
        return self[name] @ self.weight

    def _probability(self, name: str) -> Tensor:
        self.refuse_negative(name)
        return (self[name] * self.weight).div_(self.mean(name)[:, None])  # 0 / 0

    def _covariance(self, first: str, second: str) -> Tensor:
        return dot(self.keep(self._deviation, first), self.keep(self._deviation, second))

    def _deviation(self, name: str) -> Tensor:
        """Each map less its mean, times the root of the weight: the products of two of them are weighted."""
        return (self[name] - self.mean(name)[:, None]).mul_(self._root_weight)


def each(function: Callable[..., Tensor], *batches: Tensor | Sequence[Any]) -> Tensor:
    """The values (B,) of a function on each map of a batch, for what torch cannot do on all at once."""
    values = [function(*row) for row in zip(*batches, strict=True)]
    return torch.stack(values) if values else torch.zeros(0, dtype=torch.float64)


def _points(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Where counts (H * W,) are not 0, and what they are."""
    at = indices(counts != 0)
    return at, counts.index_select(0, at)


def dot(first: Tensor, second: Tensor) -> Tensor:
    """The sum of the products along the last dimension, (N,) or (B, N) with (B, N)."""
    if first.ndim == 1:
        return torch.dot(first, second)
    return torch.bmm(first[:, None, :], second[:, :, None])[:, 0, 0]  # vecdot makes all products first


def indices(mask: Tensor) -> Tensor:
    """Where a mask (N,) is true; numpy finds it in a fifth of torch's time on the CPU."""
    if mask.device.type == "cpu":
        return torch.from_numpy(np.flatnonzero(mask.numpy()))
    return mask.nonzero()[:, 0]


def _tensor(name: str, array: Array, device: torch.device) -> Tensor:
    """As float64; refuses what no map can be."""
    if isinstance(array, Tensor):
        tensor = array.detach().to(device, torch.float64)
    else:
        try:
            values = np.asarray(array)
            usable = values.dtype == np.float64 and values.flags.c_contiguous and values.flags.writeable
            if not usable or min(values.strides, default=0) < 0:  # torch takes no others
                values = np.array(values, np.float64, order="C")
            tensor = torch.from_numpy(values).to(device)
        except (TypeError, ValueError) as error:
            raise ShapeError(f"{name}: {type(array).__name__} that is no array of numbers; expected (H, W)") from error
    if tensor.ndim < 2 or not tensor.shape[-1] or not tensor.shape[-2]:
        raise ShapeError(f"{name} of shape {tuple(tensor.shape)}: expected (H, W), or (..., H, W) for a batch")
    return tensor


def _weight(weights: Array | None, height: int, width: int, device: torch.device) -> Tensor:
    """(1, 1), (H, 1) or (H, W), summing to 1 over all pixels."""
    if weights is None:
        return torch.full((1, 1), 1 / (height * width), dtype=torch.float64, device=device)
    given = _tensor("weights", weights, device)
    if given.shape not in ((height, 1), (height, width)):
        raise ShapeError(
            f"weights of shape {tuple(given.shape)}: expected (H, 1) or (H, W) for maps of {height} rows and "
            f"{width} columns"
        )
    total = float(given.expand(height, width).sum())
    if not (math.isfinite(total) and total > 0 and given.min() >= 0):
        raise ShapeError(f"weights from {given.min():.4g} with a sum of {total:.4g}: expected 0 or more, some above 0")
    return given / total


def _told(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} of shape {shape}" for name, shape in shapes.items())
