"""Where each pixel of a cube face looks, and where on which face a direction falls.

Faces come in the order F R B L U D. In the standard layout, seen from inside the cube:

              +-----+
              |  U  |         U: its lower edge meets F
        +-----+-----+-----+-----+
        |  L  |  F  |  R  |  B  |
        +-----+-----+-----+-----+
              |  D  |         D: its upper edge meets F
              +-----+
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from atsal.errors import ConfigError
from atsal.projection.sphere import erp_directions, erp_position, unit_vectors

FACE_NAMES = ("F", "R", "B", "L", "U", "D")
EQUATOR_FACES = slice(0, 4)
POLE_FACES = slice(4, 6)

# right, up and forward of each face
_AXES = torch.tensor(
    [
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[0, 0, -1], [0, 1, 0], [1, 0, 0]],
        [[-1, 0, 0], [0, 1, 0], [0, 0, -1]],
        [[0, 0, 1], [0, 1, 0], [-1, 0, 0]],
        [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
        [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
    ],
    dtype=torch.float64,
)


@dataclass(frozen=True)
class CubeGeometry:
    """Six square faces of `face_size` pixels. With `fov_deg` above 90, neighbours overlap."""

    face_size: int
    fov_deg: float = 90.0

    def __post_init__(self) -> None:
        """Raise `ConfigError` for an impossible cube."""
        if self.face_size < 2:
            raise ConfigError(f"face_size {self.face_size}: expected at least 2 pixels")
        if not 90 <= self.fov_deg < 170:
            raise ConfigError(f"fov_deg {self.fov_deg}: expected 90 to 170 degrees")

    @property
    def half_extent(self) -> float:
        """Tangent of half the field of view: a face spans ± this on its plane at distance 1."""
        return 1.0 if self.fov_deg == 90 else math.tan(math.radians(self.fov_deg / 2))

    def face_vectors(self, right: Tensor, up: Tensor) -> Tensor:
        """Return vectors (6, ..., 3), not normalised, to the points (right, up) on each face's plane at distance 1."""
        right, up = right + 0 * up, up + 0 * right
        e_right, e_up, e_forward = _AXES.reshape(6, 3, *(1,) * right.ndim, 3).unbind(1)
        return e_forward + right[..., None] * e_right + up[..., None] * e_up

    def erp_positions(self, erp_height: int) -> tuple[Tensor, Tensor]:
        """Return the fractional ERP row and column at which each face pixel looks, (6, S, S) each."""
        line = ((torch.arange(self.face_size, dtype=torch.float64) + 0.5) * 2 / self.face_size - 1) * self.half_extent
        return erp_position(self.face_vectors(line[None, :], -line[:, None]), erp_height)

    def project(self, vectors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Project vectors (..., 3) on the plane of every face: right, up and depth, (6, ...) each.

        Right and up are tangents, in ± `half_extent` on the face. If depth <= 0, the vector points behind the face,
        and right and up have no meaning.
        """
        right, up, depth = torch.einsum("fkc,...c->kf...", _AXES, vectors).unbind(0)
        safe = torch.where(depth > 0, depth, 1.0)
        return right / safe, up / safe, depth

    def erp_vectors(self, erp_height: int) -> Tensor:
        """Return the direction of each ERP pixel that faces are stitched into, (H, 2H, 3)."""
        return erp_directions(erp_height)

    def face_weights(self, erp_height: int) -> Tensor:
        """Return the weight of each face in each ERP pixel, (6, H, 2H). Weights sum to 1 over the faces.

        Faces of 90° do not overlap: one face has weight 1. Wider faces have a smooth weight: 1 where no other face
        sees the pixel, 0 at the face's border.
        """
        right, up, depth = self.project(self.erp_vectors(erp_height))
        if self.fov_deg == 90:
            return torch.nn.functional.one_hot(depth.argmax(0), 6).permute(2, 0, 1).to(torch.float64)
        distance = torch.maximum(right.abs(), up.abs())  # from the face's centre
        t = ((self.half_extent - distance) / (self.half_extent - 1 / self.half_extent)).clamp(0, 1)
        weight = torch.where(depth > 0, t * t * (3 - 2 * t), 0.0)  # smoothstep
        return weight / weight.sum(0)

    def pixel_index(self, tangent: Tensor) -> Tensor:
        """Return the fractional pixel index along one side at a tangent (0 = centre of the first pixel)."""
        return (tangent / self.half_extent + 1) / 2 * self.face_size - 0.5

    def cut_pixel_index(self, tangent: Tensor) -> Tensor:
        """Return the fractional pixel index along one side that looks at a tangent when a face is cut."""
        return self.pixel_index(tangent)

    def border_positions(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the neighbour face, row and column of each pixel of the one-pixel border around each face.

        (6, 4 (S + 1)) each, in the order top row, bottom row (corners included), left column, right column. Rows and
        columns are fractional and lie within the neighbour.
        """
        size = self.face_size
        line = (torch.arange(-1, size + 1, dtype=torch.float64) + 0.5) * 2 / size - 1
        outside, inner = torch.full_like(line, 1 + 1 / size), line[1:-1]
        right = torch.cat([line, line, -outside[1:-1], outside[1:-1]])
        up = torch.cat([outside, -outside, -inner, -inner])
        on_right, on_up, depth = self.project(self.face_vectors(right, up))
        own_face = torch.eye(6, dtype=torch.bool)[:, :, None]
        neighbour = depth.masked_fill(own_face, -math.inf).argmax(0)

        def position(tangent: Tensor) -> Tensor:
            return ((tangent.gather(0, neighbour[None])[0] + 1) / 2 * size - 0.5).clamp(0, size - 1)

        return neighbour, position(-on_up), position(on_right)

    def border_sources(self) -> tuple[Tensor, Tensor]:
        """Return the two face pixels that each pixel of `border_positions` is interpolated from, and their weights.

        Flat indices into (6, S, S), and weights, (6, 4 (S + 1), 2) each. A border pixel looks just over the edge.
        Across the edge, it falls on the neighbour's first line of pixels (to 1 / 2S of a pixel). Along the edge, it
        falls between two pixels. At the cube's corners there is no fourth face, so the nearest pixel is used.
        """
        size = self.face_size
        neighbour, row, column = self.border_positions()
        middle = (size - 1) / 2
        along_column = (column - middle).abs() < (row - middle).abs()
        first_row = torch.where(along_column, row.round(), row.floor())
        first_column = torch.where(along_column, column.floor(), column.round())
        weight = torch.where(along_column, column - first_column, row - first_row).clamp(0, 1)
        second_row = torch.where(along_column, first_row, first_row + 1).clamp(max=size - 1)
        second_column = torch.where(along_column, first_column + 1, first_column).clamp(max=size - 1)
        first = (neighbour * size + first_row.long()) * size + first_column.long()
        second = (neighbour * size + second_row.long()) * size + second_column.long()
        return torch.stack([first, second], -1), torch.stack([1 - weight, weight], -1)

    def flip_faces(self, faces: Tensor) -> Tensor:
        """Convert faces (B, 6, C, S, S) between the layout drawn above and the networks' layout. Its own inverse."""
        return faces


class PublishedCubeGeometry(CubeGeometry):
    """The cubemap of the released ATSal code, which its weights were trained on (docs/reproduction.md).

    R and B are mirrored left-right, U is flipped top-bottom. When a face is cut, its first and last pixel lie on its
    very edges. When faces are stitched, ERP pixels lie on the frame's very edges, and faces are shifted by half a
    pixel. The frame's border is interpolated with a period that is one column short.
    """

    def erp_positions(self, erp_height: int) -> tuple[Tensor, Tensor]:
        """Return the parent's positions, with corner-aligned face pixels."""
        line = torch.linspace(-1, 1, self.face_size, dtype=torch.float64)
        row, column = erp_position(self.face_vectors(line[None, :], -line[:, None]), erp_height)
        last = 2 * erp_height - 1
        column = torch.where(column < 0, column + last, column)
        return row, torch.where(column > last, column - last, column)

    def erp_vectors(self, erp_height: int) -> Tensor:
        """Return the parent's directions, with corner-aligned ERP pixels."""
        longitude = torch.linspace(-math.pi, math.pi, 2 * erp_height, dtype=torch.float64)
        latitude = torch.linspace(math.pi / 2, -math.pi / 2, erp_height, dtype=torch.float64)
        return unit_vectors(longitude[None, :], latitude[:, None])

    def face_weights(self, erp_height: int) -> Tensor:
        """Return the parent's weights, with the faces' borders rounded to whole ERP pixels."""
        quarter = erp_height // 2
        longitude = torch.linspace(-math.pi / 4, math.pi / 4, quarter, dtype=torch.float64)
        cap = erp_height // 2 - torch.round(torch.arctan(torch.cos(longitude)) * erp_height / math.pi).long()
        centred = (torch.arange(2 * erp_height) - (3 * erp_height // 4)) % (2 * erp_height)
        face = (centred // quarter).expand(erp_height, -1).clone()
        inside = torch.arange(erp_height)[:, None] < cap[centred % quarter]
        face[inside] = 4
        face[inside.flip(0)] = 5
        return torch.nn.functional.one_hot(face, 6).permute(2, 0, 1).to(torch.float64)

    def pixel_index(self, tangent: Tensor) -> Tensor:
        """Return the parent's index, shifted by half a pixel."""
        return (tangent.clamp(-1, 1) + 1) / 2 * self.face_size

    def cut_pixel_index(self, tangent: Tensor) -> Tensor:
        """Return the parent's index, with the first and last pixel on the very edges."""
        return (tangent + 1) / 2 * (self.face_size - 1)

    def flip_faces(self, faces: Tensor) -> Tensor:
        """Mirror R and B, flip U."""
        front, right, back, left, up, down = faces.unbind(1)
        return torch.stack([front, right.flip(-1), back.flip(-1), left, up.flip(-2), down], dim=1)

    def border_positions(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the parent's positions, rounded to whole pixels, with wrong right borders of U and D.

        U takes R's pixels one too late, and D repeats its own last column, one too late. The recorded outputs of the
        released code show both.
        """
        neighbour, row, column = super().border_positions()
        row, column = row.round(), column.round()
        late = (torch.arange(self.face_size, dtype=torch.float64) - 1).clamp(min=0)
        last = self.face_size - 1
        right_border = slice(-self.face_size, None)
        neighbour[4, right_border], row[4, right_border], column[4, right_border] = 1, 0, last - late
        neighbour[5, right_border], row[5, right_border], column[5, right_border] = 5, late, last
        lower_right = 2 * (self.face_size + 2) - 1  # D lies below the right corner of the equator faces
        neighbour[:4, lower_right] = 5
        row[:4, lower_right], column[:4, lower_right] = torch.tensor([[0, last, last, 0], [last, last, 0, 0]])
        return neighbour, row, column
