"""Head poses as unit quaternions (N, 4), order x y z w, that rotate the head's axes into the world's.

Axes are x right, y up, z forward (left-handed, as in Unity). A positive angle turns to the **right** about y, **down**
about x, and to the **left** (counter-clockwise as the viewer sees it) about z.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from atsal.gaze.directions import Floats


def rotation_about(axis: Literal["x", "y", "z"], angle_deg: ArrayLike) -> Floats:
    """Return rotations about one axis by angles (N,) in degrees."""
    half = np.deg2rad(np.atleast_1d(np.asarray(angle_deg, np.float64))) / 2
    pose = np.zeros((len(half), 4))
    pose[:, "xyz".index(axis)], pose[:, 3] = np.sin(half), np.cos(half)
    return pose


def compose(second: Floats, first: Floats) -> Floats:
    """Return the rotation that applies `first`, then `second`, about fixed axes: a head's yaw comes after its pitch."""
    vector = second[:, 3:] * first[:, :3] + first[:, 3:] * second[:, :3] + np.cross(second[:, :3], first[:, :3])
    scalar = second[:, 3] * first[:, 3] - (second[:, :3] * first[:, :3]).sum(1)
    return np.concatenate([vector, scalar[:, None]], 1)


def rotate(pose: Floats, vectors: Floats) -> Floats:
    """Return vectors (N, 3) of the head's axes in the world, as unit vectors; NaN stays NaN."""
    across = 2 * np.cross(pose[:, :3], vectors)
    rotated = vectors + pose[:, 3:] * across + np.cross(pose[:, :3], across)
    unit: Floats = rotated / np.linalg.norm(rotated, axis=1, keepdims=True)
    return unit


def forward(pose: Floats) -> Floats:
    """Return where the head points, (N, 3)."""
    return rotate(pose, np.tile([0.0, 0.0, 1.0], (len(pose), 1)))
