import math

import pytest
import torch

from atsal.errors import ShapeError
from atsal.projection import erp_directions, erp_latitudes, erp_longitudes, solid_angle_weights
from atsal.projection.sphere import erp_position, rotation_matrix


def test_pixel_centres_by_hand():
    assert erp_longitudes(4).tolist() == pytest.approx(
        [-0.75 * math.pi, -0.25 * math.pi, 0.25 * math.pi, 0.75 * math.pi]
    )
    assert erp_latitudes(2).tolist() == pytest.approx([math.pi / 4, -math.pi / 4])


def test_axes_are_right_up_forward():
    vectors = erp_directions(90)
    assert torch.allclose(vectors.norm(dim=-1), torch.ones(90, 180, dtype=torch.float64))
    middle = vectors[44:46, 89:91].mean((0, 1))
    assert torch.allclose(middle / middle.norm(), torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64))
    assert vectors[0, 0, 1] > 0.99, "the first row looks up"
    assert vectors[45, 135, 0] > 0.99, "three quarters across is 90° to the right"


def test_position_inverts_direction():
    row, column = erp_position(3 * erp_directions(17), 17)
    assert torch.allclose(row, torch.arange(17.0, dtype=torch.float64)[:, None].expand(-1, 34))
    assert torch.allclose(column, torch.arange(34.0, dtype=torch.float64).expand(17, -1))


@pytest.mark.parametrize("height", [1, 2, 5, 80, 321])
def test_solid_angles_cover_the_sphere(height):
    weights = solid_angle_weights(height)
    assert weights.shape == (height, 1)
    assert (weights.sum() * 2 * height).item() == pytest.approx(4 * math.pi)
    assert (weights > 0).all(), "no row weighs nothing"
    cosine = torch.cos(erp_latitudes(height))
    assert torch.allclose(weights[:, 0] / weights.max(), cosine / cosine.max())


def test_solid_angles_refuse_no_rows():
    with pytest.raises(ShapeError, match="at least 1 row"):
        solid_angle_weights(0)


@pytest.mark.parametrize(
    ("angles", "forward"),
    [
        ((90, 0, 0), (1, 0, 0)),
        ((0, 90, 0), (0, 1, 0)),
        ((180, 0, 0), (0, 0, -1)),
        ((90, 90, 0), (0, 1, 0)),
        ((0, 0, 90), (0, 0, 1)),
    ],
)
def test_rotation_turns_the_view(angles, forward):
    matrix = rotation_matrix(*angles)
    assert torch.allclose(matrix @ matrix.T, torch.eye(3, dtype=torch.float64), atol=1e-12)
    assert torch.linalg.det(matrix).item() == pytest.approx(1)
    assert torch.allclose(
        matrix @ torch.tensor([0.0, 0, 1], dtype=torch.float64), torch.tensor(forward, dtype=torch.float64), atol=1e-12
    )


def test_roll_is_clockwise_for_the_viewer():
    up = rotation_matrix(0, 0, 90) @ torch.tensor([0.0, 1, 0], dtype=torch.float64)
    assert torch.allclose(up, torch.tensor([1.0, 0, 0], dtype=torch.float64), atol=1e-12), (
        "the head's top leans to the right"
    )
