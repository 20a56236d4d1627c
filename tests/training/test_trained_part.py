import math

import pytest
import torch
from torch import nn

from atsal.models.config import ModelConfig
from atsal.models.loading import new_parts
from atsal.models.two_stream import ATSal
from atsal.projection import ErpToCubemap, erp_directions, solid_angle_weights
from atsal.training.face_counts import FaceCounts
from atsal.training.trained_part import TrainedPart
from training.conftest import TINY

FACES = {"equator": slice(0, 4), "poles": slice(4, 6)}
LAYOUTS = [("standard", 90.0), ("standard", 100.0), ("published", 90.0)]


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    config = ModelConfig(**TINY)
    return ATSal(config, **new_parts(config)).eval()


def hollow(part, **settings):
    """A trained_part of a network that only has a geometry."""
    config = ModelConfig(**TINY | settings)
    return TrainedPart(ATSal(config, nn.Identity(), nn.Identity(), nn.Identity()), part)


def like(views, height, width):
    return torch.zeros(2, views, 1, height, width)


def blob(height, direction, width=0.5):
    """An ERP map (1, 1, H, 2H) with its peak in a direction."""
    along = erp_directions(height) @ nn.functional.normalize(torch.tensor(direction, dtype=torch.float64), dim=0)
    return torch.exp(-0.5 * (torch.arccos(along.clamp(-1, 1)) / width) ** 2).float()[None, None]


@pytest.mark.parametrize(("layout", "fov"), LAYOUTS)
@pytest.mark.parametrize("part", ["equator", "poles"])
def test_targets_lie_where_the_faces_are_cut(part, layout, fov):
    trained_part = hollow(part, layout=layout, face_fov_deg=fov)
    maps = torch.rand(2, 1, 1, 64, 128)
    faces = trained_part.network.cut(maps[:, 0].expand(-1, 3, -1, -1))[:, FACES[part], :1]
    views = faces.shape[1]
    assert torch.equal(trained_part.targets(maps, like(views, 32, 32), sphere=True), faces)


@pytest.mark.parametrize(("layout", "fov"), LAYOUTS)
@pytest.mark.parametrize("part", ["equator", "poles"])
def test_targets_of_other_sizes_keep_their_places(part, layout, fov):
    """From maps of fewer rows to the experts' smaller maps: each peak stays on its face and its place there."""
    trained_part = hollow(part, layout=layout, face_fov_deg=fov)
    for direction in ((0.3, 0.2, 1), (1, -0.3, 0.2), (-0.3, 0.2, -1), (-1, 0.3, 0.1), (0.2, 1, 0.4), (0.3, -1, -0.2)):
        maps = blob(32, direction, 0.15)[:, None]
        found = trained_part.targets(maps, torch.zeros(1, 4 if part == "equator" else 2, 1, 8, 8), sphere=True)
        frame = blob(64, direction, 0.15).expand(-1, 3, -1, -1)
        cut = nn.functional.avg_pool2d(trained_part.network.cut(frame)[0, FACES[part], 0], 4)
        assert (found[0, :, 0] - cut).abs().max() < 0.2
        if cut.max() > 0.8:
            assert found.argmax() == cut.argmax()


def test_targets_of_photos_are_area_means():
    maps = torch.rand(2, 3, 1, 16, 16)
    found = hollow("equator").targets(maps, like(3, 8, 8), sphere=False)
    assert torch.allclose(found, maps.reshape(2, 3, 1, 8, 2, 8, 2).mean((4, 6)))


@pytest.mark.parametrize("part", ["attention", "fused"])
@pytest.mark.parametrize("height", [8, 32, 64])
def test_targets_on_the_whole_frame_have_peak_one_and_stay_in_place(part, height):
    maps = torch.cat([blob(32, (1, 0.4, 0.3), 0.3), blob(32, (0, -1, 0.5), 0.1) * 0.7])[:, None]
    found = hollow(part).targets(maps, like(1, height, 2 * height), sphere=True)
    assert found.amax((1, 2, 3, 4)).tolist() == [1, 1]
    for one, before in zip(found[:, 0, 0], maps[:, 0, 0], strict=True):
        at, was = (divmod(int(m.argmax()), m.shape[1]) for m in (one, before))
        assert [(a + 0.5) / height for a in at] == pytest.approx([(w + 0.5) / 32 for w in was], abs=0.5 / height + 0.02)


def test_a_target_nobody_looked_at_stays_zero():
    assert not hollow("attention").targets(torch.zeros(2, 1, 1, 32, 64), like(1, 16, 32), sphere=True).any()


DIRECTIONS = {  # of fixations, and where a face of 8 pixels sees them at 90 degrees: face, row, column
    (0.1, 0.1, 1): (0, 3, 4),
    (-0.9, 0.6, 1): (0, 1, 0),
    (1, 0.6, -0.4): (1, 1, 5),
    (1, -0.9, 0.9): (1, 7, 0),
    (0.4, -0.6, -1): (2, 6, 2),
    (-1, 0.1, -0.9): (3, 3, 0),
    (-0.6, 1, 0.9): (4, 7, 1),
    (0.6, 1, -0.9): (4, 0, 6),
    (0.6, -1, 0.9): (5, 0, 6),
    (-0.1, -1, -0.6): (5, 6, 3),
}


def counted(direction, geometry, rows=256):
    """Counts of one fixation on the faces: face, row and column of each."""
    counts = torch.zeros(1, 1, rows, 2 * rows)
    direction = nn.functional.normalize(torch.tensor(direction, dtype=torch.float64), dim=0)
    counts.view(-1)[int((erp_directions(rows) @ direction).argmax())] = 1
    return [(face, row, column) for _, face, _, row, column in FaceCounts(geometry, rows)(counts).nonzero().tolist()]


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_fixation_is_counted_on_the_pixel_that_sees_it(direction):
    assert counted(direction, ErpToCubemap(2, 8).geometry) == [DIRECTIONS[direction]]


def test_a_fixation_is_counted_where_the_published_layout_sees_it():
    """R and B are mirrored, U is upside down; the pixels' centres lie on the very edges, at 2k / 7 - 1."""
    geometry = ErpToCubemap(2, 8, "published").geometry
    for (x, y, z), (face, _, _) in DIRECTIONS.items():
        right, up = [(x, y), (-z, y), (-x, y), (z, y), (x, -z), (x, z)][face]
        column, row = (round((side + 1) * 3.5) for side in (right, -up))
        column = 7 - column if face in (1, 2) else column
        row = 7 - row if face == 4 else row
        assert counted((x, y, z), geometry) == [(face, row, column)]


@pytest.mark.parametrize("layout", ["standard", "published"])
@pytest.mark.parametrize("size", [8, 32])
def test_no_count_is_lost_or_counted_twice_at_90_degrees(layout, size):
    counts = torch.randint(4, (2, 1, 64, 128), generator=torch.Generator().manual_seed(0)).float()
    found = FaceCounts(ErpToCubemap(2, size, layout).geometry, 64)(counts)
    assert found.sum((1, 2, 3, 4)).tolist() == counts.sum((1, 2, 3)).tolist()
    assert torch.equal(found, found.round()), "nothing is interpolated"


def test_wide_faces_see_fixations_near_the_edge_twice():
    geometry = ErpToCubemap(2, 8, fov_deg=100).geometry
    assert [face for face, _, _ in counted((1, 0.1, 1.05), geometry)] == [0, 1]
    assert [face for face, _, _ in counted((1, 1.05, 1.02), geometry)] == [0, 1, 4]
    assert [face for face, _, _ in counted((0.1, 0.1, 1), geometry)] == [0]


@pytest.mark.parametrize("part", ["equator", "poles"])
def test_counts_lie_under_the_targets(part):
    """Of a part's own faces, in the order of its maps."""
    trained_part = hollow(part)
    views = 4 if part == "equator" else 2
    for direction in ((0.3, 0.2, 1), (1, -0.3, 0.2), (-0.3, 0.2, -1), (-1, 0.3, 0.1), (0.2, 1, 0.4), (0.3, -1, -0.2)):
        density = blob(64, direction, 0.1)
        counts = torch.zeros(1, 1, 1, 64, 128)
        counts.view(-1)[int(density.argmax())] = 5
        found = trained_part.counts(counts, torch.zeros(1, views, 1, 16, 16), sphere=True)
        assert found.shape == (1, views, 1, 16, 16)
        target = trained_part.targets(density[:, None], torch.zeros(1, views, 1, 16, 16), sphere=True)
        seen = (part == "poles") == (abs(direction[1]) == 1)
        assert found.sum() == (5 if seen else 0)
        if seen:
            assert target[found > 0] > 0.7


@pytest.mark.parametrize("size", [(8, 16), (32, 64), (40, 80), (20, 40)])
def test_counts_on_the_whole_frame_are_pooled_and_none_is_lost(size):
    counts = torch.randint(3, (2, 1, 1, 32, 64), generator=torch.Generator().manual_seed(0)).float()
    found = hollow("attention").counts(counts, like(1, *size), sphere=True)
    assert found.shape == (2, 1, 1, *size)
    assert found.sum((1, 2, 3, 4)).tolist() == counts.sum((1, 2, 3, 4)).tolist()
    one = torch.zeros(2, 1, 1, 32, 64)
    one[:, 0, 0, 21, 50] = 3
    row, column = int(21.5 / 32 * size[0]), int(50.5 / 64 * size[1])
    assert hollow("fused").counts(one, like(1, *size), sphere=True)[0, 0, 0, row, column] == 3


def test_counts_of_photos_are_densities_like_the_targets():
    maps, trained_part = torch.rand(2, 3, 1, 16, 16), hollow("equator")
    found = trained_part.counts(maps, like(3, 8, 8), sphere=False)
    assert torch.equal(found, trained_part.targets(maps, like(3, 8, 8), sphere=False))


def test_weights_of_pixels_are_their_solid_angles():
    for part in ("equator", "poles"):
        weights = hollow(part, face_fov_deg=90).weights(like(4, 64, 64), sphere=True)
        assert weights.sum().item() * 6 * (2 / 64) ** 2 == pytest.approx(4 * math.pi, rel=1e-3)
        assert torch.equal(weights, weights.flip(-1)), "the same to the left and right"
        assert torch.equal(weights, weights.transpose(-1, -2))
    corner = math.tan(math.radians(50)) * (1 - 1 / 64)
    wide = hollow("poles", face_fov_deg=100).weights(like(2, 64, 64), sphere=True)
    assert wide.flatten()[0].item() == pytest.approx((1 + 2 * corner**2) ** -1.5, rel=1e-5)
    whole = hollow("attention").weights(like(1, 16, 32), sphere=True)
    assert torch.allclose(whole.expand(1, 1, 1, 16, 1).flatten(), solid_angle_weights(16).float().flatten())
    assert hollow("poles").weights(like(2, 8, 8), sphere=False).unique().tolist() == [1]


@pytest.mark.parametrize("part", ["attention", "equator", "poles", "fused"])
def test_only_the_part_is_trained(network, part):
    trained_part = TrainedPart(network, part)
    trained = {name for name, p in network.named_parameters() if p.requires_grad}
    own = {name for name, _ in network.named_parameters() if part == "fused" or name.startswith(part)}
    assert trained == own
    assert len(trained_part.parameters_of("all")) == len(own)


@pytest.mark.parametrize("part", ["attention", "equator", "poles", "fused"])
def test_the_averaged_copy_has_weights_of_its_own_and_shares_the_rest(network, part):
    trained_part = TrainedPart(network, part).train()
    copied = trained_part.averaged_copy()
    for name in ("attention", "equator", "poles"):
        old, new = getattr(network, name), getattr(copied.network, name)
        if part in (name, "fused"):
            assert not {t.data_ptr() for t in old.state_dict().values() if t.numel() > 1} & {
                t.data_ptr() for t in new.state_dict().values()
            }, name
            assert all(torch.equal(a, b) for a, b in zip(old.parameters(), new.parameters(), strict=True))
            assert old.training
            assert not new.training
        else:
            assert new is old
    assert copied.part == part
    assert copied.module is not trained_part.module
    assert {n for n, p in network.named_parameters() if p.requires_grad} == {
        n for n, _ in network.named_parameters() if part == "fused" or n.startswith(part)
    }, "the original is still trained"


def test_named_parameters_of_both_streams(network):
    trained_part = TrainedPart(network, "fused")
    assert trained_part.parameters_of("average").keys() == {"poles.average.alpha", "equator.average.alpha"}
    decoder = {name.split(".")[1] for name in trained_part.parameters_of("decoder")}
    assert decoder == {"pyramid", "decoder", "average"}, "of each part"
    assert all(name.startswith("attention.mask") for name in trained_part.parameters_of("mask"))
    assert len(trained_part.parameters_of("mask")) > 2


def test_experts_see_their_own_faces_and_carry_their_state(network):
    frames = torch.rand(2, 1, 3, 64, 128) * 255
    for part, faces in FACES.items():
        trained_part = TrainedPart(network, part).eval()
        with torch.no_grad():
            first = trained_part(frames)
            second = trained_part(frames.flip(-1), first.state)
            whole = network.run_faces(network.cut(frames[:, 0]))
            again = network.run_faces(network.cut(frames[:, 0].flip(-1)), whole[1])
        for found, (maps, state) in ((first, whole), (second, again)):
            assert torch.allclose(found.saliency, maps[:, faces], atol=1e-5)
            assert torch.allclose(found.state, state[:, faces], atol=1e-4)
            assert found.mask is None


@pytest.mark.parametrize("part", ["equator", "poles", "fused"])
def test_a_video_begins_beside_one_that_goes_on_as_it_would_alone(network, part):
    trained_part, frames = TrainedPart(network, part).eval(), torch.rand(2, 1, 3, 64, 128) * 255
    with torch.no_grad():
        state = 1 + torch.rand_like(trained_part(frames).state)
        both = trained_part(frames, state, torch.tensor([0.0, 1.0]))
        alone = [trained_part(frames[:1]), trained_part(frames[1:], state[1:])]
    assert torch.allclose(both.saliency, torch.cat([one.saliency for one in alone]), atol=1e-6)
    assert torch.allclose(both.state, torch.cat([one.state for one in alone]), atol=1e-5)
    assert not torch.allclose(both.state[:1], trained_part(frames[:1], state[:1]).state, atol=1e-3)


def test_views_of_photos_go_to_the_expert_as_they_are(network):
    views = torch.rand(2, 3, 3, 32, 32) * 255
    with torch.no_grad():
        found = TrainedPart(network, "poles").eval()(views)
        expected, _ = network.run_expert("poles", views)
    assert found.saliency.shape == (2, 3, 1, 8, 8)
    assert torch.allclose(found.saliency, expected, atol=1e-6)


def test_the_attention_stream_gives_map_and_mask_and_the_fused_map_a_state_too(network):
    frames = torch.rand(2, 1, 3, 64, 128) * 255
    with torch.no_grad():
        attention = TrainedPart(network, "attention").eval()(frames)
        fused = TrainedPart(network, "fused").eval()(frames)
        expected = network(frames[:, 0])
    assert attention.saliency.shape == (2, 1, 1, 16, 32)
    assert attention.mask.shape == (2, 1, 4, 8)
    assert attention.state is None
    assert torch.allclose(fused.saliency[:, 0], expected.fused, atol=1e-6)
    assert torch.allclose(fused.state, expected.state, atol=1e-5)
    assert torch.allclose(fused.mask, expected.mask, atol=1e-6)
