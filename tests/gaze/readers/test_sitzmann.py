import numpy as np
import pytest

from atsal.errors import DataError
from atsal.gaze.readers.sitzmann import read_sitzmann
from fakes.sitzmann import frame, python2_pickle


@pytest.fixture
def log(tmp_path):
    def write(*runs, viewpoints=None, document=None):
        path = tmp_path / "cubemap_0003.pck"
        numbers = list(range(len(runs))) if viewpoints is None else viewpoints
        path.write_bytes(python2_pickle(frame(numbers, list(runs)) if document is None else document))
        return path

    return write


def run(gaze=((90.0, 180.0),) * 4, head=((90.0, 180.0),) * 4, fixations=((0.5, 0.5),) * 4, times=(0.0, 0.1, 0.2, 0.3)):
    arrays = {"timestamp": times, "gaze_lat_lon": gaze, "headLatLon": head, "gaze_fixations": fixations}
    return {key: np.array(value, np.float64) for key, value in arrays.items() if value is not None}


def test_axes_of_angles(log):
    reading = read_sitzmann(log(run(), run(gaze=[(45, 270), (135, 90), (90, 359), (10, 1)], head=[(60, 200)] * 4)))
    first, second = reading.records
    assert (first.viewpoint, second.viewpoint) == (0, 1)
    assert (first.samples.observer, second.samples.observer) == ("cubemap_0003-run00", "cubemap_0003-run01")
    assert second.samples.timestamp_s == pytest.approx([0, 0.1, 0.2, 0.3])
    lon, lat = np.rad2deg(second.samples.lonlat("head_eye"))
    assert lon == pytest.approx([90, -90, 179, -179])
    assert lat == pytest.approx([45, -45, 0, 80]), "latitude counts from the top"
    assert np.rad2deg(second.samples.lonlat("head")[0]) == pytest.approx([20] * 4)
    assert np.rad2deg(second.samples.lonlat("head")[1]) == pytest.approx([30] * 4)


def test_equal_entries_are_one_fixation_and_none_is_none(log):
    points = [(0.0, 0.0), (0.75, 0.25), (0.75, 0.25), (np.nan, np.nan), (0.25, 0.5), (0.3, 0.5)]
    made = run(gaze=[(90, 180)] * 6, head=None, fixations=points, times=np.arange(6) / 10)
    fixations = read_sitzmann(log(made)).records[0].fixations
    assert np.rad2deg(fixations.lon_rad) == pytest.approx([90, -90, -72]), "longitude comes first"
    assert np.rad2deg(fixations.lat_rad) == pytest.approx([45, 0, 0])
    assert fixations.onset_s == pytest.approx([0.1, 0.4, 0.5])
    assert fixations.duration_ms == pytest.approx([200, 100, 100])


def test_fixations_of_another_length_come_without_times(log):
    fixations = read_sitzmann(log(run(fixations=[(0.5, 0.5), (0.5, 0.5), (0.75, 0.5)]))).records[0].fixations
    assert np.rad2deg(fixations.lon_rad) == pytest.approx([0, 90])
    assert fixations.onset_s is None


def test_runs_without_fixations_or_gaze(log):
    reading = read_sitzmann(log(run(fixations=[]), run(gaze=[])))
    assert [len(found.fixations) for found in reading.records] == [0]
    assert [(drop.reason, drop.count) for drop in reading.drops] == [("a run without gaze", 1)]


def test_lost_and_broken_samples_are_dropped_and_counted(log):
    gaze = [(90.0, 180.0)] * 16 + [(0, 0), (np.nan, 180), (90, 361), (90, 180)]
    times = [*np.arange(19) / 10, -1.0]
    reading = read_sitzmann(log(run(gaze=gaze, head=None, fixations=[], times=times)))
    assert len(reading.records[0].samples) == 16
    assert {drop.reason: (drop.count, drop.first.split()[-1]) for drop in reading.drops} == {
        "no position (a lost sample)": (2, "16"),
        "position outside the frame": (1, "18"),
        "no time, or one before the start": (1, "19"),
    }


@pytest.mark.parametrize(
    ("times", "note"),
    [([0, 1e4, 2e4, 3e4], "timestamp is in ms"), ([9e8, 9e8 + 10, 9e8 + 20, 9e8 + 30], "another clock")],
)
def test_other_clocks_are_told_and_said(log, times, note):
    reading = read_sitzmann(log(run(times=times)))
    assert reading.records[0].samples.timestamp_s == pytest.approx([0, 10, 20, 30])
    assert note in reading.notes[0]


def without(key):
    made = run()
    del made[key]
    return made


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (without("timestamp"), "run 0: no timestamp"),
        (without("gaze_lat_lon"), "run 0: no gaze_lat_lon"),
        (without("gaze_fixations"), "run 0: no gaze_fixations"),
        (run(times=[0, 0.1]), "4 gaze_lat_lon for 2 times"),
        (run(times=[np.nan] * 4), "no timestamp at all"),
        (run(times=[0, 1e7, 2e7, 3e7]), "neither s nor ms"),
        (run(gaze=np.ones((4, 3))), r"shape \(4, 3\)"),
        (run(gaze=[(-20, 180), (10, 20), (20, 30), (30, 40)]), "1 of 4 positions lie outside"),
        (run(gaze=np.full((30, 2), 0.5), head=None, times=np.arange(30)), "radians, or fractions"),
        (run(fixations=[(180, 90)] * 4), "positions lie outside"),
        (dict(run(), gaze_lat_lon="here"), "gaze_lat_lon"),
        ([1], "holds a list"),
    ],
)
def test_other_runs_are_refused(log, made, message):
    with pytest.raises(DataError, match=message) as caught:
        read_sitzmann(log(made))
    assert "cubemap_0003.pck" in str(caught.value)


@pytest.mark.parametrize("document", [[1], {"data": []}, {"data": [1], "viewpoint_idx": []}, {"a": 1}, 7])
def test_other_documents_are_refused(log, document):
    with pytest.raises(DataError, match=r"cubemap_0003\.pck.*expected a pandas frame"):
        read_sitzmann(log(document=document))


def test_a_dict_of_lists_is_read_like_a_frame(log):
    assert read_sitzmann(log(document={"viewpoint_idx": [3], "data": [run()]})).records[0].viewpoint == 3


def test_viewpoints_may_come_as_floats(log):
    reading = read_sitzmann(log(run(), run(), viewpoints=[2.0, np.float64(3)]))
    assert [found.viewpoint for found in reading.records] == [2, 3]
