"""ERP frames to the six faces of a cube and back.

The cutter (`ErpToCubemap`) and the stitcher (`CubemapToErp`) are built from the same `CubeGeometry`, so they cannot
disagree. The layout "published" is the released ATSal code's, see `PublishedCubeGeometry`.
"""

from typing import Literal

import torch
from torch import Tensor

from atsal.errors import ConfigError, ShapeError
from atsal.projection.geometry import CubeGeometry, PublishedCubeGeometry
from atsal.projection.sampling import ErpSampler, Fixed, SamplingGrid, in_float32
from atsal.projection.sphere import check_erp

Layout = Literal["standard", "published"]


def cube_geometry(face_size: int, layout: Layout = "standard", fov_deg: float = 90.0) -> CubeGeometry:
    """The geometry of a layout by name: "standard" or "published" (90° only)."""
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
        faces = in_float32(self._sampler, erp)
        return self.geometry.arrange(
            faces.reshape(*faces.shape[:2], 6, *(self.geometry.face_size,) * 2).transpose(1, 2)
        )


class CubemapToErp:
    """Stitch cube faces into ERP frames. Differentiable, any device; the grids are computed once.

    Faces of 90° are interpolated across the cube's edges, each extended by one pixel of its neighbours; wider faces
    are blended with weights that fall to zero at their borders, so neither shows a seam.
    """

    def __init__(self, face_size: int, erp_height: int, layout: Layout = "standard", *, fov_deg: float = 90.0) -> None:
        self.geometry = cube_geometry(face_size, layout, fov_deg)
        self.erp_height = erp_height
        self._reach = 1 if fov_deg == 90 else 0  # overlapping faces are never used at their border
        self._border = tuple(Fixed(t) for t in self.geometry.border_sources()) if self._reach else ()
        shares = self.geometry.shares(erp_height)
        shares, faces = shares.topk(int((shares > 0).sum(0).max()), dim=0)
        self.shares = Fixed(shares)
        right, up, _ = self.geometry.project(self.geometry.erp_vectors(erp_height))
        side, first, last = face_size + 2 * self._reach, -self._reach, face_size - 1 + self._reach
        self.grids: list[SamplingGrid] = []  # one a face that an ERP pixel is made of; with their `shares`
        for face in faces:
            column = self.geometry.pixel(right.gather(0, face[None])[0]).clamp(first, last)
            row = self.geometry.pixel(-up.gather(0, face[None])[0]).clamp(first, last)
            self.grids.append(SamplingGrid(face * side + row - first, column - first, 6 * side, side))

    def __call__(self, faces: Tensor) -> Tensor:
        """(B, 6, C, S, S) -> (B, C, H, 2H)."""
        size = self.geometry.face_size
        if faces.ndim != 5 or faces.shape[1] != 6 or faces.shape[3:] != (size, size):
            raise ShapeError(f"faces of shape {tuple(faces.shape)}: expected (B, 6, C, {size}, {size})")
        return in_float32(self._stitch, self.geometry.arrange(faces))

    def _stitch(self, faces: Tensor) -> Tensor:
        atlas = self._atlas(faces)
        if len(self.grids) == 1:
            return self.grids[0].sample(atlas)
        parts = [share * grid.sample(atlas) for share, grid in zip(self.shares.like(atlas), self.grids, strict=True)]
        return torch.stack(parts).sum(0)

    def atlas(self, faces: Tensor) -> Tensor:
        """The picture (B, C, 6 s, s) in which `grids` sample, of faces (B, 6, C, S, S): one below the other."""
        return self._atlas(self.geometry.arrange(faces))

    def _atlas(self, faces: Tensor) -> Tensor:
        return self._with_borders(faces) if self._reach else faces.transpose(1, 2).flatten(2, 3)

    def _with_borders(self, faces: Tensor) -> Tensor:
        """(B, 6, C, S, S) -> (B, C, 6 (S + 2), S + 2): each face with one pixel of its neighbours around it."""
        size = self.geometry.face_size
        by_channel = faces.transpose(1, 2)  # (B, C, 6, S, S)
        flat = by_channel.flatten(2)
        index, share = (fixed.like(faces) for fixed in self._border)
        border = (flat[..., index] * share).sum(-1)  # (B, C, 6, 4 (S + 1))
        padded = by_channel.new_empty((*by_channel.shape[:3], size + 2, size + 2))
        padded[..., 1:-1, 1:-1] = by_channel
        top, bottom, left, right = torch.split(border, [size + 2, size + 2, size, size], dim=-1)
        padded[..., 0, :], padded[..., -1, :] = top, bottom
        padded[..., 1:-1, 0], padded[..., 1:-1, -1] = left, right
        return padded.flatten(2, 3)
