import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from atsal.datasets.dataset import ItemGaze
from atsal.datasets.prepared.checks import statistics_warnings
from atsal.datasets.prepared.statistics import CELL_ROWS, SetStatistics, add_up, item_statistics
from atsal.errors import DataError
from atsal.gaze.checked_records import Drop
from atsal.gaze.directions import unit_vectors, wrap_longitude
from atsal.gaze.readers.avtrack360 import read_avtrack360
from atsal.gaze.records import Fixations, GazeSamples, PlanarFixations
from fakes.declared import declared

AVTRACK = Path(__file__).resolve().parents[4] / "shared" / "data" / "avtrack360" / "head_rotation.tar.xz"

DECLARED = declared()


def track(observer, lon_deg, lat_deg, *, rate_hz=100.0, valid=None):
    lon, lat = np.deg2rad(wrapped(lon_deg)), np.deg2rad(np.asarray(lat_deg, float))
    return GazeSamples(observer, np.arange(len(lon)) / rate_hz, head_eye=unit_vectors(lon, lat), valid=valid)


def wrapped(lon_deg):
    return np.rad2deg(wrap_longitude(np.deg2rad(np.asarray(lon_deg, float))))


def natural_set(change=lambda lon, lat: (lon, lat), *, observers=8, items=3, drops=()):
    """Viewers who start near (0, 0) and then look around near the equator; `change` misreads the log."""
    rng = np.random.default_rng(5)

    def one(item):
        tracks = []
        for n in range(observers):
            lon = np.concatenate([rng.normal(0, 3, 1), rng.uniform(-180, 180, 99)])
            lat = np.concatenate([rng.normal(0, 3, 1), rng.normal(0, 12, 99)])
            tracks.append(track(f"o{n}", *change(lon, lat)))
        return item_statistics(item, ItemGaze(tuple(tracks), drops=drops), "head_eye")

    return add_up(one(f"i{n}") for n in range(items))


def test_counts_of_one_item_by_hand():
    valid = np.array([False, True, True, True])
    gaze = ItemGaze(
        (track("a", [5, 10, 10, 90], [0, 0, 0, 89], valid=valid), track("b", [0, -10], [0, -30], rate_hz=50)),
        drops=(Drop("out of range", 2, "f, line 3"), Drop("no number", 1, "f, line 9")),
    )
    found = item_statistics("x", gaze, "head_eye")
    counts = found.items["x"]
    assert (counts.fixations, counts.samples, counts.valid_samples) == (0, 6, 5)
    assert (counts.observers, counts.dropped) == (2, 3)
    assert found.observers == {"a", "b"}
    assert found.rates_hz == {100.0: 1, 50.0: 1}
    assert found.drops == {"out of range": 2, "no number": 1}
    # cells of 3°: longitude 10 is column 63, latitude 89 row 0, (-10, -30) is column 56, row 40
    cells = {(int(i), int(j)): int(found.gaze[i, j]) for i, j in np.argwhere(found.gaze)}
    assert cells == {(30, 63): 2, (0, 90): 1, (30, 60): 1, (40, 56): 1}
    assert {(int(i), int(j)) for i, j in np.argwhere(found.starts)} == {(30, 63), (30, 60)}  # the lost one is no start
    assert found.lost_share == pytest.approx(1 / 6)
    assert found.dropped_share == pytest.approx(3 / 9)


def test_positions_are_those_of_the_fixations_and_starts_those_of_the_samples():
    gaze = ItemGaze((track("a", [0.5, 40], [0, 0]),))
    fixations = Fixations(np.array(["a"]), np.deg2rad([60.5]), np.deg2rad([31.0]))
    found = item_statistics("x", replace(gaze, fixations=fixations), "head_eye")
    assert np.argwhere(found.gaze).tolist() == [[19, 80]]
    assert np.argwhere(found.starts).tolist() == [[30, 60]]
    assert (found.items["x"].fixations, found.items["x"].samples) == (1, 2)


def test_without_samples_the_first_fixation_is_the_start_if_it_is_early():
    fixations = Fixations(
        np.array(["a", "a", "b"]), np.deg2rad([1.0, 50, 100]), np.deg2rad([1.0, 1, 1]), onset_s=np.array([0.1, 0.4, 7])
    )
    found = item_statistics("x", ItemGaze(fixations=fixations), "head_eye")
    assert np.argwhere(found.starts).tolist() == [[29, 60]]


def test_density_per_steradian_of_even_gaze_is_flat():
    rng = np.random.default_rng(0)
    count = 200_000
    lat = np.rad2deg(np.arcsin(rng.uniform(-1, 1, count)))
    found = item_statistics("x", ItemGaze((track("a", rng.uniform(-180, 180, count), lat),)), "head_eye")
    density = found.latitude_density(5)
    assert density == pytest.approx(np.full(12, 1 / (4 * math.pi)), rel=0.05)
    bands = 2 * math.pi * -np.diff(np.sin(np.deg2rad(np.arange(90, -91, -15))))
    assert (density * bands).sum() == pytest.approx(1)


def test_whole_degrees_on_the_borders_of_cells_fall_on_one_side():
    degrees = np.arange(-180, 180)
    found = item_statistics("x", ItemGaze((track("a", degrees, np.zeros(360)),)), "head_eye")
    assert found.gaze[30].tolist() == [3] * 120
    assert found.gaze.sum() == 360


def test_mean_latitude_is_positive_upwards():
    found = item_statistics("x", ItemGaze((track("a", [0, 0], [40, 22]),)), "head_eye")
    assert found.mean_latitude_deg() == pytest.approx(31)


def test_pooling_adds_up_and_takes_an_item_once():
    one = item_statistics("x", ItemGaze((track("a", [0, 10], [0, 0]),), drops=(Drop("r", 2, "f"),)), "head_eye")
    two = item_statistics("y", ItemGaze((track("b", [0], [0]),), drops=(Drop("r", 3, "f"),)), "head_eye")
    both = add_up([one, two])
    assert list(both.items) == ["x", "y"]
    assert both.observers == {"a", "b"}
    assert both.gaze.sum() == 3
    assert both.starts.sum() == 2
    assert both.drops == {"r": 5}
    assert both.total("samples") == 3
    with pytest.raises(DataError, match="item x is counted twice"):
        both.merge(one)


def test_photos_and_360_do_not_mix():
    photo = item_statistics(
        "p", ItemGaze(fixations=PlanarFixations(np.array(["a"]), np.array([0.26]), np.array([0.9]))), "eye"
    )
    assert photo.flat
    assert np.argwhere(photo.gaze).tolist() == [[54, 31]]  # row 0.9 · 60, column 0.26 · 120
    assert add_up([photo]).flat
    with pytest.raises(DataError, match="flat photos"):
        photo.merge(item_statistics("x", ItemGaze((track("a", [0], [0]),)), "head_eye"))


def test_json_there_and_back():
    before = natural_set(drops=(Drop("out of range", 2, "f, line 3"),))
    after = SetStatistics.from_json(json.loads(json.dumps(before.to_json())))
    assert after.to_json() == before.to_json()
    assert (after.gaze == before.gaze).all()
    assert (after.starts == before.starts).all()
    assert after.rates_hz == {100.0: 24}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.pop("gaze"),
        lambda d: d.update(gaze=[[0, 120, 1]]),
        lambda d: d.update(gaze=[[-1, 0, 1]]),
        lambda d: d.update(gaze=[[0, 0, 10**40]]),
        lambda d: d.update(starts=[[0, 0]]),
        lambda d: d.update(items={"x": {"fixations": 1}}),
        lambda d: d.update(items=[1]),
        lambda d: d.update(drops={"r": "many"}),
    ],
)
def test_damaged_json_is_refused(spoil):
    document = natural_set().to_json()
    spoil(document)
    with pytest.raises(DataError, match="not statistics"):
        SetStatistics.from_json(document)


def test_natural_gaze_gives_no_warning():
    assert statistics_warnings(natural_set(), DECLARED) == []


def test_latitude_and_longitude_exchanged():
    _, text = statistics_warnings(natural_set(lambda lon, lat: (2 * lat, lon / 2)), DECLARED)
    assert "densest (per steradian) at latitudes" in text
    assert "latitude and longitude may be exchanged" in text


def test_latitudes_in_another_range():
    texts = statistics_warnings(natural_set(lambda lon, lat: (lon, lat / 2 + 45)), DECLARED)
    assert any("mean latitude of the gaze is 45°, expected within ±25°" in text for text in texts)


def test_radians_read_as_degrees():
    texts = statistics_warnings(natural_set(lambda lon, lat: (np.deg2rad(lon), np.deg2rad(lat))), DECLARED)
    assert len(texts) == 1
    assert "98 % of the gaze on all items lies within" in texts[0]
    assert "radians" in texts[0]


@pytest.mark.parametrize(
    ("declared", "misread", "cause"),
    [
        ((0, 0), lambda lon, lat: (lon + 180, lat), "longitude shifted by 180° fits"),
        ((0, 0), lambda lon, lat: (lon + 90, lat), "longitude shifted by 90° fits"),
        ((60, 0), lambda lon, lat: (-lon - 60, lat), "mirrored longitude fits"),
        ((0, 25), lambda lon, lat: (lon, -lat - 25), "flipped latitude fits"),
        ((0, 0), lambda lon, lat: (lon + 135, lat + 20), "no mirroring or shift fits"),
    ],
)
def test_start_positions_off(declared, misread, cause):
    texts = statistics_warnings(natural_set(misread), replace(DECLARED, start_lonlat_deg=declared))
    found = [text for text in texts if "viewers start around" in text]
    assert len(found) == 1
    assert cause in found[0]
    assert "24 viewers" in found[0]


def test_a_start_in_place_or_undeclared_is_quiet():
    shifted = natural_set(lambda lon, lat: (lon + 20, lat))
    assert statistics_warnings(shifted, DECLARED) == []
    assert (
        statistics_warnings(natural_set(lambda lon, lat: (lon + 180, lat)), replace(DECLARED, start_lonlat_deg=None))
        == []
    )


def test_many_dropped_rows_name_the_main_reason():
    few, many = Drop("out of range", 80, "f"), Drop("out of range", 400, "f")
    assert statistics_warnings(natural_set(drops=(few,)), DECLARED) == []
    (text,) = statistics_warnings(natural_set(drops=(many, Drop("no number", 10, "f"))), DECLARED)
    assert text.startswith("34% of the rows were left out, most (1200) for: out of range; expected at most 10%")


def test_lost_samples():
    valid = np.arange(200) % 2 == 0
    lat = np.tile([0.0, 20, -20, 10], 50)
    one, two = (
        item_statistics(
            name, ItemGaze(tuple(track(f"o{n}", np.arange(200) * 1.8, lat, valid=valid) for n in range(8))), "head_eye"
        )
        for name in "xy"
    )
    (text,) = statistics_warnings(one.merge(two), DECLARED)
    assert text.startswith("50% of the samples are not valid, expected at most 30%")


def test_fewer_observers_than_declared():
    texts = statistics_warnings(natural_set(observers=3), DECLARED)
    assert texts[0].startswith("3 observers found, expected 8")
    assert texts[1].startswith("3 of 3 items have fewer than 4 observers (i0, i1, i2)")


def test_nothing_at_all():
    texts = statistics_warnings(SetStatistics(), DECLARED)
    assert texts[0].startswith("no gaze at all")
    assert math.isnan(SetStatistics().mean_latitude_deg())
    assert math.isnan(SetStatistics().lost_share)
    assert (SetStatistics().latitude_density() == np.zeros(CELL_ROWS)).all()


def real_heads(change=lambda lon, lat: (lon, lat)):
    """Every fourth viewer of the data set, as read or misread."""

    def misread(samples):
        lon, lat = change(*samples.lonlat("head"))
        return replace(samples, head=unit_vectors(lon, lat))

    videos = read_avtrack360(AVTRACK).records.items()
    return add_up(
        item_statistics(name, ItemGaze(tuple(misread(samples) for samples in own[::4])), "head") for name, own in videos
    )


@pytest.mark.skipif(not AVTRACK.exists(), reason="needs the shared data: avtrack360/head_rotation.tar.xz")
def test_real_heads_look_as_they_should_unless_turned():
    declared = replace(DECLARED, observers="12")
    assert statistics_warnings(real_heads(), declared) == []
    (text,) = statistics_warnings(real_heads(lambda lon, lat: (lon + math.pi, lat)), declared)
    assert "longitude shifted by 180° fits" in text


@pytest.mark.parametrize(
    ("misread", "what"),
    [
        (lambda lon, lat: (lon, np.deg2rad(lat)), "latitude may be in another unit"),
        (lambda lon, lat: (np.deg2rad(lon), lat), "longitude may be in another unit"),
        (lambda lon, lat: (lon, 0 * lat), "latitude may be in another unit"),
    ],
)
def test_one_of_the_two_in_another_unit(misread, what):
    assert any(what in text for text in statistics_warnings(natural_set(misread), DECLARED))
