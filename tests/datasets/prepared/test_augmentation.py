import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from atsal.datasets.prepared.augmentation import Chain, Flip, Shift, Stretch, published_variants, random_yaw_flip
from atsal.errors import ConfigError, ShapeError
from atsal.gaze.maps import fixation_map, saliency_map
from atsal.gaze.records import Fixations

HEIGHT = 100  # 4 % are 4 rows, an eighth of the width 25 columns

# where the pixel (40, 30) and the pixel (1, 170) go, by hand
MOVED = {
    "original": ((40, 30), (1, 170)),
    "flip": ((40, 169), (1, 29)),
    "stretch-top": ((42, 30), (2, 170)),  # rows 0-3 become 0-5; v = .015 goes to .0225
    "stretch-top-flip": ((42, 169), (2, 29)),
    "stretch-bottom": ((38, 30), (0, 170)),  # rows 0-3 become 0-1; v = .015 goes to .0075
    "stretch-bottom-flip": ((38, 169), (0, 29)),
    "shift-45": ((40, 55), (1, 195)),
    "shift-45-flip": ((40, 144), (1, 4)),
    "shift-90": ((40, 80), (1, 20)),
    "shift-90-flip": ((40, 119), (1, 179)),
    "shift-135": ((40, 105), (1, 45)),
    "shift-135-flip": ((40, 94), (1, 154)),
    "shift-180": ((40, 130), (1, 70)),
    "shift-180-flip": ((40, 69), (1, 129)),
    "shift-225": ((40, 155), (1, 95)),
    "shift-225-flip": ((40, 44), (1, 104)),
    "shift-270": ((40, 180), (1, 120)),
    "shift-270-flip": ((40, 19), (1, 79)),
    "shift-315": ((40, 5), (1, 145)),
    "shift-315-flip": ((40, 194), (1, 54)),
}


def fixations_deg(*lonlat):
    lon, lat = np.deg2rad(np.array(lonlat, float)).T
    return Fixations(np.array([f"o{n}" for n in range(len(lon))]), lon, lat)


def lonlat_deg(fixations):
    return np.rad2deg(np.stack([fixations.lon_rad, fixations.lat_rad], -1))


def at_pixel(row, column, height=HEIGHT):
    return fixations_deg(((column + 0.5) / (2 * height) * 360 - 180, 90 - (row + 0.5) / height * 180))


def marked(row, column, height=HEIGHT):
    erp = torch.zeros(1, 1, height, 2 * height, dtype=torch.float64)
    erp[0, 0, row, column] = 1
    return erp


def brightest(erp):
    return divmod(int(erp[0, 0].argmax()), erp.shape[-1])


def test_the_published_variants_are_twenty_of_their_own_name():
    assert [variant.name for variant in published_variants()] == list(MOVED)


@pytest.mark.parametrize("variant", published_variants(), ids=lambda variant: variant.name)
@pytest.mark.parametrize("which", [0, 1], ids=["middle", "top band"])
def test_a_marked_pixel_and_its_fixation_stay_together(variant, which):
    pixel = [(40, 30), (1, 170)][which]
    moved = MOVED[variant.name][which]
    assert brightest(variant.erp(marked(*pixel))) == moved
    counts = fixation_map(variant.fixations(at_pixel(*pixel)), HEIGHT)
    assert np.argwhere(counts).tolist() == [list(moved)]


@pytest.mark.parametrize("variant", published_variants(), ids=lambda variant: variant.name)
def test_picture_and_map_of_another_size_go_to_the_same_place(variant):
    picture, small = variant.erp(marked(42, 32)), variant.erp(marked(8, 6, height=20))  # the same place
    row, column = brightest(small)
    there = brightest(picture)
    assert column == there[1] // 5
    assert abs(5 * row + 2 - there[0]) <= 2  # a small row is 5 rows high


def test_a_shift_to_the_right_raises_longitudes():
    moved = Shift(45).fixations(fixations_deg((0, 10), (170, -20), (-180, 0)))
    assert lonlat_deg(moved) == pytest.approx(np.array([[45, 10], [-145, -20], [-135, 0]]))


def test_a_flip_negates_longitudes_only():
    assert lonlat_deg(Flip().fixations(fixations_deg((30, 10)))) == pytest.approx(np.array([[-30, 10]]))


def test_stretch_moves_bands_and_keeps_poles():
    before = fixations_deg((5, 90), (5, 86.4), (5, 0), (5, -86.4), (5, -90))  # v = 0, .02, .5, .98, 1
    assert lonlat_deg(Stretch("top").fixations(before))[:, 1] == pytest.approx([90, 84.6, -3.6, -88.2, -90])
    assert lonlat_deg(Stretch("bottom").fixations(before))[:, 1] == pytest.approx([90, 88.2, 3.6, -84.6, -90])


def test_a_stretched_frame_row_by_row():
    rows = torch.arange(100.0, dtype=torch.float64).reshape(1, 1, 100, 1).expand(1, 1, 100, 200)
    moved = Stretch("top").erp(rows)[0, 0, :, 0]
    # out row 3 is v = .035, from v = .02333, row 1.8333; rows of the middle come from two above; the last from v = .99
    assert moved[[3, 6, 50, 97, 98, 99]].tolist() == pytest.approx([11 / 6, 4, 48, 95, 96.5, 98.5])


def test_the_top_row_is_continued_over_the_pole():
    erp = torch.zeros(1, 1, 100, 200, dtype=torch.float64)
    erp[0, 0, 0, 30], erp[0, 0, 0, 130] = 1, 7  # half a turn apart
    # the first row's centre comes from 1/6 of a row beyond it
    assert Stretch("top").erp(erp)[0, 0, 0, [30, 130]].tolist() == pytest.approx([5 / 6 + 7 / 6, 35 / 6 + 1 / 6])


@pytest.mark.parametrize("variant", published_variants(), ids=lambda variant: variant.name)
def test_a_plain_frame_stays_plain_up_to_the_poles(variant):
    erp = torch.full((2, 3, 20, 40), 0.7)
    assert torch.allclose(variant.erp(erp), erp)


def test_a_chain_goes_from_left_to_right():
    point = fixations_deg((0, 0))
    shift_first, flip_first = Chain((Shift(45), Flip())), Chain((Flip(), Shift(45)))
    assert (shift_first.name, flip_first.name) == ("shift-45-flip", "flip-shift-45")
    assert lonlat_deg(shift_first.fixations(point))[0, 0] == pytest.approx(-45)
    assert lonlat_deg(flip_first.fixations(point))[0, 0] == pytest.approx(45)
    assert brightest(shift_first.erp(marked(50, 30))) == (50, 144)
    assert brightest(flip_first.erp(marked(50, 30))) == (50, 194)


def test_eight_eighths_are_a_full_turn():
    erp = torch.rand(2, 3, 20, 40, generator=torch.Generator().manual_seed(0))
    turn = Chain((Shift(45),) * 8)
    point = fixations_deg((12, 34), (-179, -80))
    assert torch.equal(turn.erp(erp), erp)
    assert lonlat_deg(turn.fixations(point)) == pytest.approx(lonlat_deg(point))


def test_mirrored_twice_is_the_original():
    erp = torch.rand(1, 3, 20, 40, generator=torch.Generator().manual_seed(0))
    twice = Chain((Flip(), Flip()))
    assert torch.equal(twice.erp(erp), erp)
    assert lonlat_deg(twice.fixations(fixations_deg((12, 34)))) == pytest.approx(np.array([[12, 34]]))


def test_times_frames_and_observers_stay():
    before = Fixations(
        np.array(["a", "b"]),
        np.zeros(2),
        np.zeros(2),
        onset_s=np.array([1.0, 2.0]),
        duration_ms=np.array([200.0, 300.0]),
        first_frame=np.array([3, 4]),
        last_frame=np.array([5, 6]),
    )
    for variant in published_variants():
        after = variant.fixations(before)
        for name in ("observer", "onset_s", "duration_ms", "first_frame", "last_frame"):
            assert getattr(after, name).tolist() == getattr(before, name).tolist()


def test_a_shift_by_a_part_of_a_pixel_is_refused_with_the_remedy():
    with pytest.raises(ShapeError, match=r"45° .* 20 pixels wide by 2\.500 pixels.*multiple of 4"):
        Shift(45).erp(torch.zeros(1, 1, 10, 20))


def test_turns_and_mirrors_take_grey_levels_as_they_are():
    frame = torch.randint(256, (1, 3, 4, 8), dtype=torch.uint8)
    moved = Chain((Shift(90), Flip())).erp(frame)
    assert torch.equal(moved, frame.roll(2, -1).flip(-1))
    assert torch.equal(moved.float(), Chain((Shift(90), Flip())).erp(frame.float()))


def test_wrong_input_is_refused():
    with pytest.raises(ShapeError, match="W = 2H"):
        Chain().erp(torch.zeros(1, 3, 10, 30))
    with pytest.raises(ShapeError, match="floating"):
        Stretch("top").erp(torch.zeros(1, 3, 10, 20, dtype=torch.uint8))
    with pytest.raises(ConfigError, match="'top' or 'bottom'"):
        Stretch("left")
    with pytest.raises(ConfigError, match="band"):
        Stretch("top", band=0.6)
    with pytest.raises(ConfigError, match="expected a number"):
        Shift(math.nan)
    with pytest.raises(ConfigError, match="at least 1"):
        random_yaw_flip(torch.Generator(), 0)


@pytest.mark.parametrize("variant", published_variants(), ids=lambda variant: variant.name)
def test_gradients_pass(variant):
    erp = torch.rand(1, 1, 20, 40, requires_grad=True)
    (grad,) = torch.autograd.grad(variant.erp(erp).square().sum(), erp)
    assert torch.isfinite(grad).all()
    assert (grad != 0).all()


def test_a_moved_map_is_the_map_of_the_moved_fixations():
    rng = np.random.default_rng(0)
    before = fixations_deg(*zip(rng.uniform(-180, 180, 60), rng.normal(0, 20, 60), strict=True))
    erp = torch.from_numpy(saliency_map(before, 64, 6.0)).double()[None, None]
    for variant in published_variants():
        moved, made = variant.erp(erp)[0, 0].numpy(), saliency_map(variant.fixations(before), 64, 6.0)
        if "stretch" in variant.name:  # areas change
            assert np.corrcoef(moved.ravel(), made.ravel())[0, 1] > 0.998
        else:
            assert moved == pytest.approx(made, abs=1e-5)


@st.composite
def points_inside_pixels(draw):
    height = 4 * draw(st.integers(1, 16))
    pixel = st.tuples(st.integers(0, height - 1), st.integers(0, 2 * height - 1))
    inside = st.floats(0.01, 0.99)
    points = draw(st.lists(st.tuples(pixel, inside, inside), min_size=1, max_size=20))
    lonlat = [((j + x) / (2 * height) * 360 - 180, 90 - (i + y) / height * 180) for (i, j), x, y in points]
    return height, fixations_deg(*lonlat)


@settings(max_examples=60)
@given(points_inside_pixels(), st.integers(0, 2**31))
def test_counts_of_moved_fixations_are_the_moved_counts(drawn, seed):
    height, before = drawn
    symmetries = [variant for variant in published_variants() if "stretch" not in variant.name]
    symmetries.append(random_yaw_flip(torch.Generator().manual_seed(seed), 2 * height))
    counts = torch.from_numpy(fixation_map(before, height))[None, None]
    for transform in symmetries:
        assert torch.equal(
            transform.erp(counts)[0, 0], torch.from_numpy(fixation_map(transform.fixations(before), height))
        )


def test_random_draws_differ_repeat_and_keep_sizes_together():
    def names(seed):
        rng = torch.Generator().manual_seed(seed)
        return [random_yaw_flip(rng, 40).name for _ in range(50)]

    assert names(1) == names(1)
    assert len(set(names(1))) > 20
    assert 10 < sum(name.endswith("flip") for name in names(1)) < 40
    drawn = random_yaw_flip(torch.Generator().manual_seed(3), 40)
    row, column = brightest(drawn.erp(marked(8, 6, height=20)))
    large = brightest(drawn.erp(marked(80, 60, height=200)))  # ten times the size
    assert (large[0] // 10, large[1] // 10) == (row, column)
