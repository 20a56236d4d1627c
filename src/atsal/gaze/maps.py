"""Fixation maps and saliency maps on the sphere.

A saliency map is the sum, over the fixations, of a Gaussian of the **angular** distance, of height 1 at each fixation,
evaluated at every pixel's centre: exp(-angle² / 2σ²). It is exact across the ±180° border and at the poles.

Two ways give the same map. A wide Gaussian is smooth, so few spherical harmonics hold it: the fixations become
coefficients, each row of the map is a short sum of Legendre functions, and all longitudes of a row come from one
Fourier transform. A narrow Gaussian is added pixel by pixel around each fixation.
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

_NEGLIGIBLE = 1e-10  # of the Gaussian's height: what the harmonics left out add up to
_TOLERATED = 1e-6  # the same for a very wide Gaussian, whose kink at the antipode no number of harmonics holds
_MOST_DEGREES = 200  # of harmonics; a Gaussian that needs more is added pixel by pixel
_REACH = 7.0  # standard deviations: a Gaussian is 2e-11 there
_HAIR = 1e-9  # of a pixel: logs of whole degrees lie on borders, and rounding must not decide on which side
_AT_ONCE = 512  # fixations turned into coefficients together


def fixation_map(fixations: Fixations, erp_height: int) -> Floats:
    """How many fixations fall on each pixel, (H, 2H) float64.

    A pixel holds its left and upper border; longitude ±π is the left border of column 0, the south pole belongs to the
    last row.
    """
    _check_height(erp_height)
    width = 2 * erp_height
    column = np.floor((fixations.lon_rad / (2 * math.pi) + 0.5) * width + _HAIR).astype(np.int64) % width
    row = np.floor((0.5 - fixations.lat_rad / math.pi) * erp_height + _HAIR).astype(np.int64).clip(0, erp_height - 1)
    counts = np.bincount(row * width + column, minlength=erp_height * width)
    return counts.reshape(erp_height, width).astype(np.float64)


def saliency_map(fixations: Fixations, erp_height: int, sigma_deg: float) -> NDArray[np.float32]:
    """The sum of a Gaussian of standard deviation `sigma_deg` around each fixation, (H, 2H) float32, >= 0.

    Each Gaussian has height 1; without fixations the map is zero everywhere. Raises `ConfigError` for a height below 1
    and a `sigma_deg` that is not within 0 (exclusive) and 180.
    """
    _check_height(erp_height)
    if not 0 < sigma_deg < 180:
        raise ConfigError(f"sigma_deg {sigma_deg}: expected more than 0 and less than 180 degrees")
    if not len(fixations):
        return np.zeros((erp_height, 2 * erp_height), np.float32)
    kernel = _harmonics_of_gaussian(float(sigma_deg))
    folds = kernel is None or len(kernel) > erp_height  # a map of fewer columns than frequencies would fold them
    if kernel is None or folds or _pixels_are_faster(len(fixations), erp_height, math.radians(sigma_deg), len(kernel)):
        return _by_pixels(fixations, erp_height, math.radians(sigma_deg))
    return _by_harmonics(fixations, erp_height, kernel)


def saliency_density(saliency: NDArray[np.floating]) -> Floats:
    """The map (H, 2H) scaled so that its sum, weighted by solid angle, is 1: a density per steradian.

    Raises `ConfigError` for a map that is zero everywhere.
    """
    total = float((saliency * solid_angle_weights(saliency.shape[0]).numpy()).sum())
    if not total > 0:
        raise ConfigError("a saliency map without any value above 0 is no density")
    return np.asarray(saliency, np.float64) / total


@dataclass(frozen=True)
class Window:
    """A run of frames whose fixations are pooled into one map."""

    first_frame: int
    last_frame: int  # inclusive


@lru_cache(maxsize=64)
def windows(frame_count: int, frames: int) -> tuple[Window, ...]:
    """Neighbouring windows of `frames` frames over a clip; the last one may be shorter. 1: a map a frame."""
    if frame_count < 1 or frames < 1:
        raise ConfigError(f"windows of {frames} frames over {frame_count}: expected at least 1")
    return tuple(Window(first, min(first + frames, frame_count) - 1) for first in range(0, frame_count, frames))


def frames_per_window(frame_count: int, duration_s: float, window_s: float = 0.2) -> int:
    """Frames of a window: `round(N / duration * window)`, as in the Salient360! protocol for 200 ms; at least 1."""
    if not duration_s > 0:
        raise ConfigError(f"duration_s {duration_s}: expected more than 0")
    return max(1, round(frame_count / duration_s * window_s))


def saliency_maps(
    fixations: Fixations, over: Sequence[Window], erp_height: int, sigma_deg: float
) -> Iterator[NDArray[np.float32]]:
    """One map a window, in order, made when asked for; a fixation counts in each window that it reaches into."""
    for window in over:
        yield saliency_map(fixations.in_frames(window.first_frame, window.last_frame), erp_height, sigma_deg)


def _check_height(erp_height: int) -> None:
    if erp_height < 1:
        raise ConfigError(f"a map of {erp_height} rows: expected at least 1")


def _pixels_are_faster(count: int, erp_height: int, sigma: float, degrees: int) -> bool:
    """Whether few or narrow Gaussians are better added one by one; from times measured at 160 to 1024 rows, in ms."""
    side = 2 * _REACH * sigma * erp_height / math.pi
    pixels = min(side, erp_height) * min(1.3 * side, 2 * erp_height)
    by_pixels = count * (0.1 + 6e-5 * pixels)
    by_harmonics = 1e-3 * degrees * erp_height + count * 8.6e-6 * degrees**2
    return by_pixels < by_harmonics


def _by_pixels(fixations: Fixations, erp_height: int, sigma: float) -> NDArray[np.float32]:
    """Add each Gaussian to the pixels within its reach."""
    latitudes, width = erp_latitudes(erp_height).numpy(), 2 * erp_height
    longitudes, pixel = erp_longitudes(width).numpy(), math.pi / erp_height
    total = np.zeros((erp_height, width))
    reach = min(_REACH * sigma, math.pi)
    for lon, lat in zip(fixations.lon_rad, fixations.lat_rad, strict=True):
        rows = slice(*np.searchsorted(-latitudes, [-lat - reach, reach - lat]))
        columns = np.arange(width)
        if abs(lat) + reach < math.pi / 2:  # no pole within reach: a cap of limited width
            half = math.ceil(math.asin(math.sin(reach) / math.cos(lat)) / pixel) + 1
            if 2 * half < width:
                columns = (np.arange(-half, half + 1) + math.floor((lon + math.pi) / pixel)) % width
        # the haversine form keeps small angles exact
        height = np.sin((latitudes[rows] - lat) / 2)[:, None] ** 2
        across = (np.cos(latitudes[rows]) * math.cos(lat))[:, None] * np.sin((longitudes[columns] - lon) / 2) ** 2
        angle = 2 * np.arcsin(np.sqrt(np.minimum(height + across, 1)))
        total[rows, columns] += np.exp(-0.5 * (angle / sigma) ** 2)
    return total.astype(np.float32)


def _by_harmonics(fixations: Fixations, erp_height: int, kernel: Floats) -> NDArray[np.float32]:
    """Sum the harmonics whose weights by degree are `kernel`."""
    degrees, width = len(kernel), 2 * erp_height
    spectrum = np.zeros((degrees, degrees), np.complex128)  # (degree, order)
    for start in range(0, len(fixations), _AT_ONCE):
        spectrum += _spectrum(fixations.select(slice(start, start + _AT_ONCE)), degrees)
    spectrum *= kernel[:, None]
    rows = np.empty((erp_height, degrees), np.complex128)
    half = (erp_height + 1) // 2
    for order, legendre in enumerate(_legendre_rows(erp_height, degrees)):
        values = spectrum[order:, order]
        even = np.stack([values.real, values.imag], 1)
        odd = even.copy()
        even[1::2], odd[::2] = 0, 0  # P(-x) = ±P(x), by turns with the degree: the south from the north
        north, south = legendre @ (even + odd), legendre @ (even - odd)
        rows[:half, order] = north[:, 0] + 1j * north[:, 1]
        rows[erp_height - half :, order] = (south[:, 0] + 1j * south[:, 1])[::-1]
    # the first column's centre is half a pixel right of -π
    rows *= width * np.exp(1j * np.arange(degrees) * (math.pi / width - math.pi))
    return np.fft.irfft(rows, n=width).clip(min=0).astype(np.float32)


def _spectrum(fixations: Fixations, degrees: int) -> NDArray[np.complex128]:
    """The coefficients (degree, order) of points of weight 1: sums of conjugate harmonics."""
    turn = np.exp(-1j * np.arange(degrees)[:, None] * fixations.lon_rad)
    found = np.zeros((degrees, degrees), np.complex128)
    for degree, legendre in enumerate(_legendre(np.sin(fixations.lat_rad), degrees)):
        found[degree, : degree + 1] = (legendre * turn[: degree + 1]).sum(1)
    return found


@lru_cache(maxsize=2)
def _legendre_rows(erp_height: int, degrees: int) -> list[Floats]:
    """Of each order: the Legendre functions of the northern rows, (ceil(H / 2), degrees - order)."""
    half = (erp_height + 1) // 2
    orders = [np.empty((half, degrees - order)) for order in range(degrees)]
    for degree, values in enumerate(_legendre(np.sin(erp_latitudes(erp_height).numpy()[:half]), degrees)):
        for order in range(degree + 1):
            orders[order][:, degree - order] = values[order]
    return orders


def _legendre(x: Floats, degrees: int) -> Iterator[Floats]:
    """Of degree 0, 1, …: the associated Legendre functions of all orders at `x`, (degree + 1, N).

    Normalised so that with exp(i order longitude) they are orthonormal on the sphere, by the recurrence over the degree
    that is stable for |x| <= 1 (Press et al., Numerical Recipes, 3rd ed., 6.7).
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
    """Weights of the degrees 0, 1, … that make up the Gaussian (Funk-Hecke); None if they would be too many.

    What is left out adds up to less than the tolerance at every angle, for a Legendre polynomial is at most 1.
    """
    sigma, checked = math.radians(sigma_deg), 2 * _MOST_DEGREES
    nodes, weights = np.polynomial.legendre.leggauss(2 * checked)
    angle = (nodes + 1) * math.pi / 2
    values = weights * math.pi / 2 * np.exp(-0.5 * (angle / sigma) ** 2) * np.sin(angle) * 2 * math.pi
    x = np.cos(angle)
    before, now = np.zeros_like(x), np.ones_like(x)
    kernel = np.empty(checked)
    for degree in range(checked):
        kernel[degree] = (values * now).sum()
        before, now = now, ((2 * degree + 1) * x * now - degree * before) / (degree + 1)
    share = np.abs(kernel) * (2 * np.arange(checked) + 1) / (4 * math.pi)
    left_out = np.cumsum(share[::-1])[::-1]
    enough = np.flatnonzero(left_out[: _MOST_DEGREES + 1] < _NEGLIGIBLE)
    if len(enough):
        return kernel[: max(1, enough[0])]
    return kernel[:_MOST_DEGREES] if left_out[_MOST_DEGREES] < _TOLERATED else None
