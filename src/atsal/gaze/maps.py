"""Fixation maps and saliency maps on the sphere.

A saliency map is the sum over the fixations of a Gaussian of the **angular** distance, with height 1 at each fixation,
evaluated at every pixel's centre: exp(-angle² / 2σ²). It is exact across the ±180° border and at the poles.

Two methods give the same map. A wide Gaussian is smooth, so a few spherical harmonics represent it: the fixations
become coefficients, each row of the map is a short sum of Legendre functions, and one Fourier transform gives all
longitudes of a row. A narrow Gaussian is added pixel by pixel around each fixation.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError
from atsal.gaze.directions import Floats
from atsal.gaze.records import Fixations
from atsal.projection.sphere import erp_latitudes, erp_longitudes, solid_angle_weights

_NEGLIGIBLE = 1e-10  # error from omitted harmonics, relative to the Gaussian's height
_TOLERATED = 1e-6  # the same for a very wide Gaussian, which has a kink at the antipode that no harmonics can represent
_MOST_DEGREES = 200  # of harmonics; a Gaussian that needs more is added pixel by pixel
_REACH = 7.0  # standard deviations, where a Gaussian is 2e-11
_BORDER_TOLERANCE = 1e-9  # of a pixel; whole degrees lie on borders, and rounding must not decide on which side
_BATCH = 512  # fixations turned into coefficients together


def fixation_map(fixations: Fixations, erp_height: int) -> Floats:
    """Count the fixations on each pixel, (H, 2H) float64.

    A pixel includes its left and upper border. Longitude ±π is the left border of column 0, and the south pole belongs
    to the last row.
    """
    _check_height(erp_height)
    width = 2 * erp_height
    column = np.floor((fixations.lon_rad / (2 * math.pi) + 0.5) * width + _BORDER_TOLERANCE).astype(np.int64) % width
    row = (
        np.floor((0.5 - fixations.lat_rad / math.pi) * erp_height + _BORDER_TOLERANCE)
        .astype(np.int64)
        .clip(0, erp_height - 1)
    )
    counts = np.bincount(row * width + column, minlength=erp_height * width)
    return counts.reshape(erp_height, width).astype(np.float64)


def saliency_map(fixations: Fixations, erp_height: int, sigma_deg: float) -> NDArray[np.float32]:
    """Sum a Gaussian of height 1 and standard deviation `sigma_deg` around each fixation, (H, 2H) float32, >= 0.

    Without fixations the map is zero everywhere. Raises `ConfigError` for a height below 1, and for a `sigma_deg` that
    is not between 0 and 180 (both exclusive).
    """
    _check_height(erp_height)
    if not 0 < sigma_deg < 180:
        raise ConfigError(f"sigma_deg {sigma_deg}: expected more than 0 and less than 180 degrees")
    if not len(fixations):
        return np.zeros((erp_height, 2 * erp_height), np.float32)
    kernel = _harmonics_of_gaussian(float(sigma_deg))
    sigma = math.radians(sigma_deg)
    # a map with fewer columns than frequencies would alias them
    if kernel is None or len(kernel) > erp_height or _pixels_are_faster(len(fixations), erp_height, sigma, len(kernel)):
        return _sum_pixels(fixations, erp_height, sigma)
    return _sum_harmonics(fixations, erp_height, kernel)


def saliency_density(saliency: NDArray[np.floating]) -> Floats:
    """Return the map (H, 2H) scaled so that its sum, weighted by solid angle, is 1: a density per steradian.

    Raises `ConfigError` for a map that is zero everywhere.
    """
    total = float((saliency * solid_angle_weights(saliency.shape[0]).numpy()).sum())
    if not total > 0:
        raise ConfigError("a saliency map without any value above 0 cannot be scaled to a density")
    return np.asarray(saliency, np.float64) / total


@dataclass(frozen=True)
class Window:
    """A run of frames whose fixations are pooled into one map."""

    first_frame: int
    last_frame: int  # inclusive


@lru_cache(maxsize=64)
def windows(frame_count: int, frames: int) -> tuple[Window, ...]:
    """Divide a clip into windows of `frames` frames; the last one may be shorter. 1: one map per frame."""
    if frame_count < 1 or frames < 1:
        raise ConfigError(f"windows of {frames} frames over {frame_count}: expected at least 1")
    return tuple(Window(first, min(first + frames, frame_count) - 1) for first in range(0, frame_count, frames))


def frames_per_window(frame_count: int, duration_s: float, window_s: float = 0.2) -> int:
    """Return `round(N / duration * window)`, as in the Salient360! protocol for 200 ms, but at least 1."""
    if not duration_s > 0:
        raise ConfigError(f"duration_s {duration_s}: expected more than 0")
    return max(1, round(frame_count / duration_s * window_s))


def saliency_maps(
    fixations: Fixations, over: Sequence[Window], erp_height: int, sigma_deg: float
) -> Iterator[NDArray[np.float32]]:
    """Yield one map per window, in order; a fixation counts in each window that it overlaps."""
    for window in over:
        yield saliency_map(fixations.in_frames(window.first_frame, window.last_frame), erp_height, sigma_deg)


def _check_height(erp_height: int) -> None:
    if erp_height < 1:
        raise ConfigError(f"a map of {erp_height} rows: expected at least 1")


def _pixels_are_faster(count: int, erp_height: int, sigma: float, degrees: int) -> bool:
    """Return whether adding pixels takes less time; a model fitted to times in ms, measured at 160 to 1024 rows."""
    side = 2 * _REACH * sigma * erp_height / math.pi
    pixels = min(side, erp_height) * min(1.3 * side, 2 * erp_height)
    by_pixels = count * (0.1 + 6e-5 * pixels)
    by_harmonics = 1e-3 * degrees * erp_height + count * 8.6e-6 * degrees**2
    return by_pixels < by_harmonics


def _sum_pixels(fixations: Fixations, erp_height: int, sigma: float) -> NDArray[np.float32]:
    """Add each Gaussian to the pixels within its reach."""
    latitudes, width = erp_latitudes(erp_height).numpy(), 2 * erp_height
    longitudes, pixel = erp_longitudes(width).numpy(), math.pi / erp_height
    total = np.zeros((erp_height, width))
    reach = min(_REACH * sigma, math.pi)
    for lon, lat in zip(fixations.lon_rad, fixations.lat_rad, strict=True):
        rows = slice(*np.searchsorted(-latitudes, [-lat - reach, reach - lat]))
        columns = np.arange(width)
        if abs(lat) + reach < math.pi / 2:  # no pole within reach, so the cap does not cover all columns
            half = math.ceil(math.asin(math.sin(reach) / math.cos(lat)) / pixel) + 1
            if 2 * half < width:
                columns = (np.arange(-half, half + 1) + math.floor((lon + math.pi) / pixel)) % width
        # the haversine form keeps small angles exact
        height = np.sin((latitudes[rows] - lat) / 2)[:, None] ** 2
        across = (np.cos(latitudes[rows]) * math.cos(lat))[:, None] * np.sin((longitudes[columns] - lon) / 2) ** 2
        angle = 2 * np.arcsin(np.sqrt(np.minimum(height + across, 1)))
        total[rows, columns] += np.exp(-0.5 * (angle / sigma) ** 2)
    return total.astype(np.float32)


def _sum_harmonics(fixations: Fixations, erp_height: int, kernel: Floats) -> NDArray[np.float32]:
    """Sum harmonics; `kernel` has the weight of each degree."""
    degrees, width = len(kernel), 2 * erp_height
    spectrum = np.zeros((degrees, degrees), np.complex128)  # (degree, order)
    for start in range(0, len(fixations), _BATCH):
        spectrum += _spectrum(fixations.select(slice(start, start + _BATCH)), degrees)
    spectrum *= kernel[:, None]
    rows = np.empty((erp_height, degrees), np.complex128)
    half = (erp_height + 1) // 2
    for order, legendre in enumerate(_legendre_rows(erp_height, degrees)):
        values = spectrum[order:, order]
        even = np.stack([values.real, values.imag], 1)
        odd = even.copy()
        even[1::2], odd[::2] = 0, 0  # P(-x) = ±P(x), alternating with the degree, gives the south from the north
        north, south = legendre @ (even + odd), legendre @ (even - odd)
        rows[:half, order] = north[:, 0] + 1j * north[:, 1]
        rows[erp_height - half :, order] = (south[:, 0] + 1j * south[:, 1])[::-1]
    # the first column's centre is half a pixel right of -π
    rows *= width * np.exp(1j * np.arange(degrees) * (math.pi / width - math.pi))
    return np.fft.irfft(rows, n=width).clip(min=0).astype(np.float32)


def _spectrum(fixations: Fixations, degrees: int) -> NDArray[np.complex128]:
    """Return the coefficients (degree, order) of points of weight 1: sums of conjugate harmonics."""
    turn = np.exp(-1j * np.arange(degrees)[:, None] * fixations.lon_rad)
    found = np.zeros((degrees, degrees), np.complex128)
    for degree, legendre in enumerate(_legendre(np.sin(fixations.lat_rad), degrees)):
        found[degree, : degree + 1] = (legendre * turn[: degree + 1]).sum(1)
    return found


@lru_cache(maxsize=2)
def _legendre_rows(erp_height: int, degrees: int) -> list[Floats]:
    """Return, for each order, the Legendre functions of the northern rows, (ceil(H / 2), degrees - order)."""
    half = (erp_height + 1) // 2
    orders = [np.empty((half, degrees - order)) for order in range(degrees)]
    for degree, values in enumerate(_legendre(np.sin(erp_latitudes(erp_height).numpy()[:half]), degrees)):
        for order in range(degree + 1):
            orders[order][:, degree - order] = values[order]
    return orders


def _legendre(x: Floats, degrees: int) -> Iterator[Floats]:
    """Yield, for degree 0, 1, …, the associated Legendre functions of all orders at `x`, (degree + 1, N).

    They are normalised so that with exp(i order longitude) they are orthonormal on the sphere. The recurrence over the
    degree is stable for |x| <= 1 (Press et al., Numerical Recipes, 3rd ed., 6.7).
    """
    across, nothing = np.sqrt(np.maximum(1 - x * x, 0)), np.zeros((1, len(x)))
    before, now = np.zeros((0, len(x))), np.full((1, len(x)), math.sqrt(1 / (4 * math.pi)))
    yield now
    for degree in range(1, degrees):
        order = np.arange(degree)[:, None]
        scale = np.sqrt((4 * degree**2 - 1) / (degree**2 - order**2))
        back = np.sqrt(((degree - 1) ** 2 - order**2) / (4 * (degree - 1) ** 2 - 1))
        following = scale * (x * now - back * np.vstack([before, nothing]))
        sectoral = math.sqrt((2 * degree + 1) / (2 * degree)) * across * now[-1:]
        before, now = now, np.vstack([following, sectoral])
        yield now


@lru_cache(maxsize=8)
def _harmonics_of_gaussian(sigma_deg: float) -> Floats | None:
    """Return the weights of the degrees 0, 1, … of the Gaussian (Funk-Hecke); None if it needs too many.

    The omitted degrees sum to less than the tolerance at every angle, because a Legendre polynomial is at most 1.
    """
    sigma, checked = math.radians(sigma_deg), 2 * _MOST_DEGREES
    nodes, weights = np.polynomial.legendre.leggauss(2 * checked)
    angle = (nodes + 1) * math.pi / 2
    values = weights * math.pi / 2 * np.exp(-0.5 * (angle / sigma) ** 2) * np.sin(angle) * 2 * math.pi
    kernel: Floats = values @ np.polynomial.legendre.legvander(np.cos(angle), checked - 1)
    largest = np.abs(kernel) * (2 * np.arange(checked) + 1) / (4 * math.pi)
    left_out = np.cumsum(largest[::-1])[::-1]
    enough = np.flatnonzero(left_out[: _MOST_DEGREES + 1] < _NEGLIGIBLE)
    if len(enough):
        return kernel[: max(1, enough[0])]
    return kernel[:_MOST_DEGREES] if left_out[_MOST_DEGREES] < _TOLERATED else None
