"""Move fixation counts from an ERP map to the faces of a cube."""

import torch
from torch import Tensor

from atsal.projection.geometry import CubeGeometry
from atsal.projection.sphere import erp_directions


class FaceCounts:
    """Counts each fixation at the face pixels that show it, without interpolation. Wide faces show some twice."""

    def __init__(self, geometry: CubeGeometry, erp_height: int) -> None:
        size = geometry.face_size
        self.geometry = geometry
        right, up, depth = geometry.project(erp_directions(erp_height).reshape(-1, 3))
        inside = (depth > 0) & (torch.maximum(right.abs(), up.abs()) <= geometry.half_extent)
        row, column = (geometry.cut_pixel_index(x[inside]).round().clamp(0, size - 1).long() for x in (-up, right))
        face, self._source = inside.nonzero(as_tuple=True)
        self._target = (face * size + row) * size + column

    def __call__(self, counts: Tensor) -> Tensor:
        """Return the counts (B, 1, H, 2H) on the faces, (B, 6, 1, S, S)."""
        size = self.geometry.face_size
        flat = counts.new_zeros(len(counts), 6 * size * size)
        seen = counts.flatten(1)[:, self._source.to(counts.device)]
        flat.index_add_(1, self._target.to(counts.device), seen)
        return self.geometry.flip_faces(flat.reshape(-1, 6, 1, size, size))
