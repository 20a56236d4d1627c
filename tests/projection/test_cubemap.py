"""The cubemap against formulas, against two independent implementations, and against the released code's outputs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from atsal.errors import ConfigError, ShapeError
from atsal.projection import CubeGeometry, CubemapToErp, ErpToCubemap, erp_directions

RECORDED = Path(__file__).parents[3] / "shared" / "parity" / "published_outputs.npz"


def smooth_field(vectors):
    """A smooth function on the sphere, different in every direction."""
    x, y, z = vectors.unbind(-1)
    return 0.5 + 0.2 * x * y + 0.15 * z**2 - 0.2 * y * z + 0.1 * x + 0.05 * torch.sin(5 * z + 2 * x)


def field_on_erp(height):
    return smooth_field(erp_directions(height)).float()[None, None]


def field_on_faces(size, fov_deg=90.0):
    geometry = CubeGeometry(size, fov_deg)
    line = ((torch.arange(size, dtype=torch.float64) + 0.5) * 2 / size - 1) * geometry.half_extent
    vectors = geometry.face_vectors(line[None, :], -line[:, None])
    return smooth_field(vectors / vectors.norm(dim=-1, keepdim=True)).float()[None, :, None]


@pytest.mark.parametrize("fov_deg", [90, 100])
def test_round_trip_is_almost_exact(fov_deg):
    erp = field_on_erp(320)
    back = CubemapToErp(160, 320, fov_deg=fov_deg)(ErpToCubemap(320, 160, fov_deg=fov_deg)(erp))
    error = (back - erp).abs()
    assert error.mean() <= 2e-5
    assert error.max() <= 1e-4, "seams would show at the cube's edges, the poles or the ±180° border"


@pytest.mark.parametrize("fov_deg", [90, 110])
def test_each_way_equals_the_formula(fov_deg):
    faces = field_on_faces(96, fov_deg)
    assert (ErpToCubemap(256, 96, fov_deg=fov_deg)(field_on_erp(256)) - faces).abs().max() < 1e-4
    assert (CubemapToErp(96, 256, fov_deg=fov_deg)(faces) - field_on_erp(256)).abs().max() < 4e-4


def test_every_face_looks_its_way():
    """A frame that is red on the right, green above and blue ahead."""
    vectors = erp_directions(64).float().permute(2, 0, 1)[None]
    faces = ErpToCubemap(64, 33)(vectors)[0]
    middle = faces[:, :, 16, 16]
    expected = torch.tensor([[0, 0, 1], [1, 0, 0], [0, 0, -1], [-1, 0, 0], [0, 1, 0], [0, -1, 0]], dtype=torch.float32)
    assert torch.allclose(middle, expected, atol=2e-3), "F R B L U D"
    assert (faces[:4, 1, 0] > faces[:4, 1, -1]).all(), "the equator faces stand upright"
    assert faces[4, 2, -1, 16] > 0.5, "U's lower edge meets F"
    assert faces[5, 2, 0, 16] > 0.5, "D's upper edge meets F"


def test_constant_stays_constant():
    for fov_deg in (90, 120):
        faces = ErpToCubemap(32, 20, fov_deg=fov_deg)(torch.full((1, 1, 32, 64), 0.3))
        assert torch.allclose(CubemapToErp(20, 32, fov_deg=fov_deg)(faces), torch.full((1, 1, 32, 64), 0.3))


@settings(max_examples=15)
@given(quarter_turns=st.integers(0, 3), seed=st.integers(0, 1000))
def test_turning_the_frame_turns_the_faces(quarter_turns, seed):
    """A quarter turn about the vertical axis permutes F R B L: nothing is special about the frame's border."""
    erp = torch.rand(1, 1, 16, 32, generator=torch.Generator().manual_seed(seed))
    faces = ErpToCubemap(16, 8)(erp)[:, :4]
    turned = ErpToCubemap(16, 8)(erp.roll(8 * quarter_turns, -1))[:, :4]
    assert torch.allclose(turned.roll(-quarter_turns, 1), faces, atol=1e-6)


def test_batch_channels_device_precision_gradient():
    erp = torch.rand(2, 3, 16, 32, dtype=torch.float64, requires_grad=True)
    faces = ErpToCubemap(16, 8)(erp)
    assert faces.shape == (2, 6, 3, 8, 8)
    assert faces.dtype == torch.float64
    back = CubemapToErp(8, 16)(faces)
    assert back.shape == erp.shape
    assert torch.autograd.gradcheck(
        lambda x: CubemapToErp(4, 6)(ErpToCubemap(6, 4)(x)), torch.rand(1, 1, 6, 12).double().requires_grad_()
    )
    half = ErpToCubemap(16, 8)(erp.detach().half())
    assert half.dtype == torch.float16
    assert (half.double() - faces).abs().max() < 2e-3


def test_wrong_input_is_refused():
    with pytest.raises(ShapeError, match="W = 2H"):
        ErpToCubemap(16, 8)(torch.rand(1, 3, 16, 30))
    with pytest.raises(ShapeError, match="height 8"):
        ErpToCubemap(16, 8)(torch.rand(1, 3, 8, 16))
    with pytest.raises(ShapeError, match="floating"):
        ErpToCubemap(16, 8)(torch.zeros(1, 3, 16, 32, dtype=torch.uint8))
    with pytest.raises(ShapeError, match="expected"):
        CubemapToErp(8, 16)(torch.rand(1, 5, 3, 8, 8))
    with pytest.raises(ConfigError, match="layout"):
        ErpToCubemap(16, 8, "upside-down")
    with pytest.raises(ConfigError, match="90"):
        ErpToCubemap(16, 8, "published", fov_deg=100)


def textured(height):
    """A frame with detail, as uint8 RGB."""
    x, y, z = erp_directions(height).unbind(-1)
    channels = [torch.sin(9 * x + 3 * y), torch.sin(8 * y - 4 * z), torch.cos(7 * z + 5 * x * y)]
    return ((torch.stack(channels, -1) + 1) * 110 + 10).round().to(torch.uint8).numpy()


def test_agrees_with_ffmpeg_v360():
    """FFmpeg's v360 filter, faces in the order F R B L U D; away from the frame's border and the faces' edges."""
    av = pytest.importorskip("av")
    image = textured(256)
    graph = av.filter.Graph()
    source = graph.add_buffer(width=512, height=256, format="rgb24", time_base="1/1")
    v360 = graph.add("v360", "e:c6x1:out_forder=frblud:interp=linear:w=768:h=128")
    to_rgb, sink = graph.add("format", "rgb24"), graph.add("buffersink")
    for first, second in ((source, v360), (v360, to_rgb), (to_rgb, sink)):
        first.link_to(second)
    graph.configure()
    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
    frame.pts = 0
    source.push(frame)
    reference = sink.pull().to_ndarray().reshape(128, 6, 128, 3).transpose(1, 0, 2, 3)
    ours = (
        ErpToCubemap(256, 128)(torch.from_numpy(image).permute(2, 0, 1)[None].double())[0].permute(0, 2, 3, 1).numpy()
    )
    difference = np.abs(ours - reference)[:, 4:-4, 4:-4]
    assert difference.mean() < 1.5
    assert np.percentile(difference, 99) <= 6, "v360 itself is about a third of a pixel off"


def test_agrees_with_py360convert(monkeypatch):
    """py360convert samples faces corner-aligned, half a pixel off at the edges: compared within that.

    With OpenCV it rounds positions to 1/32 of a pixel, so it must not use OpenCV, if that is installed.
    """
    py360convert = pytest.importorskip("py360convert")
    monkeypatch.setattr("py360convert.utils.cv2", None)
    image = textured(256)
    size = 129
    reference = py360convert.e2c(image.astype(np.float64), face_w=size, mode="bilinear", cube_format="list")
    line = torch.linspace(-1, 1, size, dtype=torch.float64)
    geometry = CubeGeometry(size)
    from atsal.projection.sampling import ErpSampler
    from atsal.projection.sphere import erp_position

    vectors = geometry.face_vectors(line[None, :], -line[:, None])
    sampled = [
        ErpSampler(*erp_position(v, 256), 256)(torch.from_numpy(image).permute(2, 0, 1)[None].double()) for v in vectors
    ]
    for ours, theirs, name in zip(sampled, reference, "FRBLUD", strict=True):
        difference = np.abs(ours[0].permute(1, 2, 0).numpy() - theirs)
        assert np.percentile(difference, 99) < 1e-3, f"face {name}"


@pytest.fixture(scope="module")
def recorded():
    if not RECORDED.is_file():
        pytest.skip("recorded outputs of the released code are not here")
    with np.load(RECORDED, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def test_published_faces(recorded):
    erp = torch.from_numpy(recorded["erp_bgr_u8"]).permute(2, 0, 1)[None].float()
    faces = ErpToCubemap(320, 256, "published")(erp)[0].permute(0, 2, 3, 1).numpy()
    difference = np.abs(np.rint(faces) - recorded["published_e2c_faces_F_R_B_L_U_D"])
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


def test_published_inverse(recorded):
    maps = torch.from_numpy(recorded["expert_maps_frame2"])[None, :, None]
    erp = CubemapToErp(256, 320, "published")(maps)[0, 0].numpy()
    assert np.abs(erp - recorded["published_c2e_frame2"]).max() <= 1e-4


def test_published_layout_mirrors_three_faces():
    erp = torch.rand(1, 1, 32, 64)
    standard, published = ErpToCubemap(32, 16)(erp)[0], ErpToCubemap(32, 16, "published")(erp)[0]
    flips = {1: (-1,), 2: (-1,), 4: (-2,)}
    for face in range(6):
        same = (published[face].flip(flips[face]) if face in flips else published[face]) - standard[face]
        other = (published[face] if face in flips else published[face].flip(-1)) - standard[face]
        assert same.abs().mean() < other.abs().mean()
