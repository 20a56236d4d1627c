"""Directions of gaze as numpy arrays: unit vectors (x right, y up, z forward), longitudes and latitudes in radians."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


def lonlat_from_uv(u: ArrayLike, v: ArrayLike) -> tuple[Floats, Floats]:
    """Return longitude and latitude of ERP positions in [0, 1]: u from the left border, v from the **top**."""
    lon = (np.asarray(u, np.float64) - 0.5) * (2 * math.pi)
    return lon, (0.5 - np.asarray(v, np.float64)) * math.pi


def wrap_longitude(lon_rad: ArrayLike) -> Floats:
    """Return the same longitudes in [-π, π)."""
    wrapped: Floats = np.mod(np.asarray(lon_rad, np.float64) + math.pi, 2 * math.pi) - math.pi
    return wrapped


def unit_vectors(lon_rad: ArrayLike, lat_rad: ArrayLike) -> Floats:
    """Return unit vectors (N, 3) of longitudes and latitudes (N,)."""
    lon, lat = np.asarray(lon_rad, np.float64), np.asarray(lat_rad, np.float64)
    return np.stack([np.cos(lat) * np.sin(lon), np.sin(lat), np.cos(lat) * np.cos(lon)], -1)


def lonlat_from_vectors(vectors: Floats) -> tuple[Floats, Floats]:
    """Return longitude in [-π, π] and latitude of vectors (..., 3) of any length but 0."""
    x, y, z = np.moveaxis(np.asarray(vectors, np.float64), -1, 0)
    return np.arctan2(x, z), np.arctan2(y, np.hypot(x, z))


def angle_rad(first: Floats, second: Floats) -> Floats:
    """Return the angle between vectors (..., 3), in [0, π]; exact for small angles too."""
    across = np.linalg.norm(np.cross(first, second), axis=-1)
    angle: Floats = np.arctan2(across, (first * second).sum(-1))
    return angle
