"""Convert ERP frames to the six faces of a cube and back.

`ErpToCubemap` and `CubemapToErp` are built from the same `CubeGeometry`, so they cannot disagree. The layout
"published" is that of the released ATSal code, see `PublishedCubeGeometry`.
"""

from typing import Literal

import torch
from torch import Tensor

from atsal.errors import ConfigError, ShapeError
from atsal.projection.geometry import CubeGeometry, PublishedCubeGeometry
from atsal.projection.sampling import ConstantTensor, ErpSampler, SamplingGrid, run_in_float32
from atsal.projection.sphere import check_erp

Layout = Literal["standard", "published"]


def cube_geometry(face_size: int, layout: Layout = "standard", fov_deg: float = 90.0) -> CubeGeometry:
    """Return the geometry of a layout by name: "standard" or "published" (90° only)."""
    if layout == "standard":
        return CubeGeometry(face_size, fov_deg)
    if layout == "published" and fov_deg == 90:
        return PublishedCubeGeometry(face_size)
    raise ConfigError(f"layout {layout!r} with fov_deg {fov_deg}: expected 'standard', or 'published' with 90")


class ErpToCubemap:
    """Cut ERP frames of one height into cube faces. Differentiable, any device; the grid is computed once."""

    def __init__(self, erp_height: int, face_size: int, layout: Layout = "standard", *, fov_deg: float = 90.0) -> None:
        self.geometry = cube_geometry(face_size, layout, fov_deg)
        self.erp_height = erp_height
        row, column = self.geometry.erp_positions(erp_height)
        self._sampler = ErpSampler(row.flatten(0, 1), column.flatten(0, 1), erp_height)

    def __call__(self, erp: Tensor) -> Tensor:
        """(B, C, H, 2H) -> (B, 6, C, S, S)."""
        check_erp(erp, self.erp_height)
        size = self.geometry.face_size
        faces = run_in_float32(self._sampler, erp)  # (B, C, 6 S, S)
        return self.geometry.flip_faces(faces.reshape(*faces.shape[:2], 6, size, size).transpose(1, 2))


class CubemapToErp:
    """Stitch cube faces into ERP frames. Differentiable, any device; the grids are computed once.

    Faces of 90° are interpolated across the cube's edges: each is padded with one pixel of its neighbours. Wider faces
    are blended with weights that fall to zero at their borders. Neither shows a seam.
    """

    def __init__(self, face_size: int, erp_height: int, layout: Layout = "standard", *, fov_deg: float = 90.0) -> None:
        self.geometry = cube_geometry(face_size, layout, fov_deg)
        self.erp_height = erp_height
        self._padding = 1 if fov_deg == 90 else 0  # overlapping faces are never used at their border
        self._border = tuple(ConstantTensor(t) for t in self.geometry.border_sources()) if self._padding else ()
        weights = self.geometry.face_weights(erp_height)
        weights, faces = weights.topk(int((weights > 0).sum(0).max()), dim=0)
        self.face_weights = ConstantTensor(weights)  # (faces an ERP pixel is made of, H, 2H)
        right, up, _ = self.geometry.project(self.geometry.erp_vectors(erp_height))
        side, first, last = face_size + 2 * self._padding, -self._padding, face_size - 1 + self._padding
        self.grids: list[SamplingGrid] = []  # one for each of `face_weights`
        for face in faces:
            column = self.geometry.pixel_index(right.gather(0, face[None])[0]).clamp(first, last)
            row = self.geometry.pixel_index(-up.gather(0, face[None])[0]).clamp(first, last)
            self.grids.append(SamplingGrid(face * side + row - first, column - first, 6 * side, side))

    def __call__(self, faces: Tensor) -> Tensor:
        """(B, 6, C, S, S) -> (B, C, H, 2H)."""
        size = self.geometry.face_size
        if faces.ndim != 5 or faces.shape[1] != 6 or faces.shape[3:] != (size, size):
            raise ShapeError(f"faces of shape {tuple(faces.shape)}: expected (B, 6, C, {size}, {size})")
        return run_in_float32(self._stitch, self.geometry.flip_faces(faces))

    def atlas(self, faces: Tensor) -> Tensor:
        """Return the image (B, C, 6 s, s) that `grids` sample from: the faces (B, 6, C, S, S) below each other."""
        return self._stack(self.geometry.flip_faces(faces))

    def _stitch(self, faces: Tensor) -> Tensor:
        atlas = self._stack(faces)
        if len(self.grids) == 1:
            return self.grids[0].sample(atlas)
        weights = self.face_weights.like(atlas)
        parts = [weight * grid.sample(atlas) for weight, grid in zip(weights, self.grids, strict=True)]
        return torch.stack(parts).sum(0)

    def _stack(self, faces: Tensor) -> Tensor:
        """(B, 6, C, S, S) -> (B, C, 6 s, s), padded if the faces do not overlap."""
        by_channel = faces.transpose(1, 2)  # (B, C, 6, S, S)
        if not self._padding:
            return by_channel.flatten(2, 3)
        size = self.geometry.face_size
        index, weight = (constant.like(faces) for constant in self._border)
        border = (by_channel.flatten(2)[..., index] * weight).sum(-1)  # (B, C, 6, 4 (S + 1))
        padded = by_channel.new_empty((*by_channel.shape[:3], size + 2, size + 2))
        padded[..., 1:-1, 1:-1] = by_channel
        top, bottom, left, right = torch.split(border, [size + 2, size + 2, size, size], dim=-1)
        padded[..., 0, :], padded[..., -1, :] = top, bottom
        padded[..., 1:-1, 0], padded[..., 1:-1, -1] = left, right
        return padded.flatten(2, 3)
