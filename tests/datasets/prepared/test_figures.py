import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atsal.datasets.prepared.figures import MOST_PATHS, draw_item, great_circle, observer_colours, unwrapped_lines
from atsal.errors import ConfigError, ShapeError
from atsal.gaze.directions import lonlat_from_vectors, unit_vectors
from atsal.gaze.records import Fixations, PlanarFixations

WIDTH = 360  # a pixel a degree
LEFT = 36  # pixels of the margin
BLACK = np.zeros((180, 360, 3), np.uint8)


def fixations(*observer_lon_lat):
    names, lon, lat = zip(*observer_lon_lat, strict=True)
    return Fixations(np.array(names), np.deg2rad(np.array(lon, float)), np.deg2rad(np.array(lat, float)))


def drawn(gaze, saliency=None, picture=BLACK, **options):
    return draw_item(picture, gaze, saliency, name="x", width=WIDTH, **options).astype(int)


def place(page):
    """Middle (x, y) of the pixels that differ from the drawing without gaze; the title is left out."""
    empty = drawn(Fixations.empty())
    rows, columns = np.nonzero(np.abs(page - empty).sum(-1)[30:])
    return (columns.min() + columns.max()) / 2, (rows.min() + rows.max()) / 2


def vector(lon_deg, lat_deg):
    return unit_vectors(math.radians(lon_deg), math.radians(lat_deg))


def test_right_is_right_and_up_is_up():
    x0, y0 = place(drawn(fixations(("a", 1, 1))))
    x1, y1 = place(drawn(fixations(("a", 91, 31))))
    assert x1 - x0 == pytest.approx(90, abs=1)
    assert y1 - y0 == pytest.approx(-30, abs=1)
    x2, y2 = place(drawn(fixations(("a", -59, -44))))
    assert x2 - x0 == pytest.approx(-60, abs=1)
    assert y2 - y0 == pytest.approx(45, abs=1)


def test_on_photos_v_goes_down():
    def at(u, v):
        gaze = PlanarFixations(np.array(["a"]), np.array([u]), np.array([v]))
        page = draw_item(np.zeros((200, 400, 3), np.uint8), gaze, name="x", width=400).astype(int)
        rows, columns = np.nonzero(page[-200:].sum(-1))
        return (columns.min() + columns.max() + 1) / 2, (rows.min() + rows.max() + 1) / 2

    assert at(0.25, 0.8) == pytest.approx((100, 160), abs=1)


def test_photos_have_no_grid_and_keep_their_shape():
    nothing = PlanarFixations(np.array([], str), np.array([]), np.array([]))
    page = draw_item(np.zeros((300, 200, 3), np.uint8), nothing, name="x", width=400)
    assert page.shape[1] == 400
    assert 600 < page.shape[0] < 650
    assert (page[-600:] == 0).all()


def test_a_disc_on_the_border_shows_on_both_sides():
    page = np.abs(drawn(fixations(("a", 180, 20))) - drawn(Fixations.empty()))[30:].sum(-1).sum(0)
    columns = np.flatnonzero(page)
    assert columns.max() - columns.min() > 350
    assert len(columns) < 12


def test_each_observer_has_a_colour_of_their_own():
    colours = 255 * observer_colours(12)
    apart = [np.abs(np.subtract(a, b)).sum() for n, a in enumerate(colours) for b in colours[:n]]
    assert min(apart) > 40
    page = drawn(fixations(("a", -100, 10), ("b", 100, 10)))
    colour = [page[(np.abs(page - shade).sum(-1) < 60)].size for shade in 255 * observer_colours(2)]
    assert min(colour) > 0


def test_saliency_is_brightest_at_its_peak_and_the_picture_stays():
    saliency = np.zeros((18, 36), np.float32)
    saliency[4, 30] = 1  # longitude 125°, latitude 45°
    before = BLACK.copy()
    x, y = place(drawn(Fixations.empty(), saliency, picture=before))
    x0, y0 = place(drawn(fixations(("a", 125, 45))))
    assert (x, y) == pytest.approx((x0, y0), abs=3)
    assert (before == 0).all()


def test_a_photos_map_does_not_go_round_the_border():
    gaze = PlanarFixations(np.array([], str), np.array([]), np.array([]))
    saliency = np.zeros((10, 10), np.float32)
    saliency[:, 0] = 1
    page = draw_item(np.zeros((200, 200, 3), np.uint8), gaze, saliency, name="x", width=200)
    assert page[-100, 2].sum() > 100
    assert page[-100, -1].sum() == 0


def test_a_great_circle_bends_towards_the_pole():
    arc = great_circle(vector(-60, 45), vector(60, 45))
    lon, lat = np.rad2deg(lonlat_from_vectors(arc))
    assert (lon[0], lat[0], lon[-1], lat[-1]) == pytest.approx((-60, 45, 60, 45))
    assert lat.max() == pytest.approx(math.degrees(math.atan(2)), abs=0.05)  # tan 45° / cos 60°, above longitude 0
    assert np.abs(lon[lat.argmax()]) < 2
    steps = np.rad2deg(np.arccos(np.clip((arc[:-1] * arc[1:]).sum(-1), -1, 1)))
    assert steps.max() <= 1.001


@pytest.mark.parametrize("there", [(30, 20), (30, 20.0000001), (-150, -20)], ids=["same", "beside", "opposite"])
def test_a_great_circle_to_the_same_and_to_the_opposite_place(there):
    arc = great_circle(vector(30, 20), vector(*there))
    assert np.isfinite(arc).all()
    assert np.linalg.norm(arc, axis=1) == pytest.approx(1)
    assert arc[0] == pytest.approx(vector(30, 20))
    assert arc[-1] == pytest.approx(vector(*there), abs=1e-7)


def test_a_path_over_the_seam_is_cut_there():
    (line,) = unwrapped_lines(great_circle(vector(170, 0), vector(-170, 0)))
    assert line[0] == pytest.approx((170, 0))
    assert line[-1] == pytest.approx((190, 0))
    page = np.abs(drawn(fixations(("a", 170, 45), ("a", -170, 45)), scanpaths=True) - drawn(Fixations.empty()))
    columns = np.flatnonzero(page[30:].sum(-1).sum(0)) - LEFT
    assert set(columns) <= {*range(-1, 25), *range(335, 361)}, "nothing between"
    assert {*range(350, 360), *range(11)} <= set(columns), "both sides, up to the border"


def test_a_path_that_ends_on_the_seam_stays_on_its_side():
    for end in (vector(180, 0), vector(-180, 0)):
        (line,) = unwrapped_lines(great_circle(vector(170, 0), end))
        assert line[-1] == pytest.approx((180, 0))
        assert widest([line]) < 2


def test_a_path_over_the_pole_is_no_line_across():
    lines = unwrapped_lines(great_circle(vector(10, 80), vector(-170, 80)))
    assert widest(lines) < 90
    assert {round(x) % 360 for line in lines for x, _ in line} >= {10, 190}


def widest(lines):
    return max(abs(a[0] - b[0]) for line in lines for a, b in pairwise(line))


directions = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


@settings(max_examples=200)
@given(directions, directions)
def test_no_path_crosses_the_frame(start, end):
    lines = unwrapped_lines(great_circle(vector(*start), vector(*end)))
    assert max((abs(a[0] - b[0]) for line in lines for a, b in pairwise(line)), default=0) <= 90.001
    assert all(abs(lat) <= 90 + 1e-6 and abs(lon) <= 540 for line in lines for lon, lat in line), "three copies suffice"


def test_scanpaths_are_those_of_the_first_observers():
    many = [(f"o{n}", 20 * n - 90 + 5 * k, 10 * k) for n in range(MOST_PATHS + 2) for k in range(3)]
    all_of_them, first = drawn(fixations(*many), scanpaths=True), drawn(fixations(*many[:-6]), scanpaths=True)
    assert (all_of_them[30:] == first[30:]).all()
    assert (all_of_them[:22] != first[:22]).any()  # the title says how many there are


def test_a_scanpath_joins_its_fixations_only_when_asked_for():
    two = fixations(("a", -40, 30), ("a", 40, 30))
    apart, joined = (np.abs(drawn(two, scanpaths=on) - drawn(Fixations.empty())).sum(-1)[30:] for on in (False, True))
    columns = [np.flatnonzero(page.sum(0)) for page in (apart, joined)]
    assert np.diff(columns[0]).max() > 60
    assert np.diff(columns[1]).max() == 1


def test_order_is_seen():
    path = [("a", -60, 20), ("a", 0, -20), ("a", 60, 20)]
    forth, back = drawn(fixations(*path), scanpaths=True), drawn(fixations(*path[::-1]), scanpaths=True)
    assert np.abs(forth - back)[30:].sum() > 1000


def test_without_a_picture_or_gaze_there_is_still_a_drawing():
    page = draw_item(None, Fixations.empty(), name="gaze only", scanpaths=True, width=200)
    assert page.dtype == np.uint8
    assert page.shape[2] == 3


def test_a_long_title_and_many_observers_fit():
    names = [(f"observer number {n}", 10 * n, 0) for n in range(8)]
    page = drawn(fixations(*names), scanpaths=True)
    long = draw_item(BLACK, fixations(*names), name="x" * 300, scanpaths=True, width=WIDTH)
    assert long.shape == page.shape
    assert (long[:20, -4:] == 255).all()


def test_wrong_input_is_refused():
    gaze = fixations(("a", 0, 0))
    with pytest.raises(ShapeError, match="twice as wide as high"):
        draw_item(np.zeros((100, 150, 3), np.uint8), gaze, name="x")
    with pytest.raises(ShapeError, match="uint8"):
        draw_item(np.zeros((100, 200, 3)), gaze, name="x")
    with pytest.raises(ShapeError, match=r"\(h, w\)"):
        draw_item(BLACK, gaze, np.zeros((1, 18, 36)), name="x")
    with pytest.raises(ShapeError, match="finite"):
        draw_item(BLACK, gaze, np.full((18, 36), np.nan), name="x")
    with pytest.raises(ConfigError, match="at least 100"):
        draw_item(BLACK, gaze, name="x", width=10)
