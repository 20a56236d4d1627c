"""Recordings that cannot be right, through `prepare`: left out and counted, or said."""

import json

import numpy as np
import pytest

from atsal.datasets import dataset_named
from atsal.datasets.dataset import ItemGaze, Stimulus
from atsal.datasets.implausible_gaze import drop_implausible
from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.item_fixations import item_fixations
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.errors import DataError
from atsal.gaze.directions import unit_vectors
from atsal.gaze.records import Fixations, GazeSamples
from fakes.gaze import Target

FOLDER = dataset_named("folder")
SAMPLES = "observer,timestamp_s,head_eye_lon_deg,head_eye_lat_deg\n"
TIMES = np.arange(150) * 0.02


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "v.mp4"
    Target(1).write_video(path, seconds=4, fps=10)
    return path


def rows(times=TIMES, observer="a", hide=()):
    rng = np.random.default_rng(7)
    looks = np.stack([rng.uniform(-170, 170, len(times)), rng.uniform(-30, 30, len(times))], 1).round(3)
    for first, value in hide:
        looks[first::3] = value
    return "".join(f"{observer},{t:.6g},{x:g},{y:g}\n" for t, (x, y) in zip(times, looks, strict=True))


@pytest.fixture
def prepared(clip, tmp_path):
    def make(text, events="samples"):
        raw = tmp_path / "raw"
        raw.mkdir()
        (raw / "v.mp4").symlink_to(clip)
        (raw / "v.csv").write_text(text)
        done = prepare(FOLDER, raw, tmp_path / "out", preparation_for(FOLDER, events=events, erp_height=32))
        return done, PreparedSet(tmp_path / "out")

    return make


@pytest.mark.parametrize("value", [0, -1, 9999])
def test_lost_samples_that_are_written_as_positions_count_as_lost(prepared, value):
    done, opened = prepared(SAMPLES + rows(hide=[(0, value)]))
    assert done.dropped == {}, "they stay, so that detection sees the gaps"
    assert done.lost_share == pytest.approx(1 / 3)
    assert (opened.record("v")["samples"], len(opened.fixations("v"))) == (150, 100)
    assert opened.statistics().lost_share == pytest.approx(1 / 3)
    assert any("33% of the samples are not valid" in text for text in done.warnings)


def test_whole_degrees_that_may_be_lost_are_kept_with_a_warning(prepared):
    whole = [line.split(",") for line in rows(hide=[(1, 0)]).splitlines()]
    done, opened = prepared(SAMPLES + "".join(f"a,{t},{float(x):.0f},{float(y):.0f}\n" for _, t, x, y in whole))
    assert done.dropped == {}
    assert len(opened.fixations("v")) == 150
    assert any("50 samples at exactly 0, 0" in text for text in done.warnings)


def test_a_viewer_who_starts_ahead_is_believed(prepared):
    start = "".join(f"a,{t:g},0,0\n" for t in np.arange(20) * 0.02)
    done, _ = prepared(SAMPLES + start + rows(TIMES + 0.4))
    assert done.dropped == {}


def test_rows_that_stand_twice_count_once(prepared):
    lines = rows().splitlines(keepends=True)
    done, opened = prepared(SAMPLES + "".join(line * 2 for line in lines))
    assert done.dropped == {"the same row once more": 150}
    assert len(opened.fixations("v")) == 150


def test_spaces_around_a_name_make_no_other_viewer(prepared):
    lines = rows().splitlines(keepends=True)
    text = "".join(line.replace("a,", "a ,") if n % 2 else line for n, line in enumerate(lines))
    done, opened = prepared(SAMPLES + text)
    assert opened.fixations("v").observers == ["a"]
    assert done.dropped == {}


def test_warnings_are_printed_and_kept(prepared, tmp_path):
    constant = "".join(f"A,{t:g},10,5\n" for t in TIMES)
    late = rows(TIMES + 300, "b")
    done, _ = prepared(SAMPLES + rows() + constant + late + rows(observer="c"))
    expected = [
        "v: all gaze of b lies past the end of the video: another clock?",
        "v: the gaze of A never moves: was nothing tracked?",
        "v: the names of observers a, A differ by capitals only: is this one person?",
    ]
    assert [text for text in done.warnings if text.startswith("v:")] == expected
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert set(expected) <= set(manifest["warnings"])


def test_times_in_minutes_are_said(prepared):
    done, _ = prepared(SAMPLES + rows(TIMES / 60))
    assert "v: all gaze begins in the frames 0 to 0 of 40: are its times or frames in another unit?" in done.warnings


def test_times_that_stand_still_are_left_out_of_videos(prepared):
    done, _ = prepared(SAMPLES + rows(np.full(150, 1.5)))
    assert "150 x all times of the recording are the same" in done.refused["v"]


def test_on_a_still_times_that_stand_are_only_said():
    lon = np.linspace(-1, 1, 30)
    gaze = ItemGaze((GazeSamples("1", np.full(30, 2.0), head=unit_vectors(lon, 0 * lon)),))
    found = drop_implausible(gaze, Stimulus("image", 64, 32))
    assert len(found.samples[0]) == 30
    assert found.warnings[-1] == "all times of 1 are the same"


def test_what_lasts_beyond_the_video_ends_with_it(prepared):
    good = "".join(f"a,{n * 0.2:g},{n},0,150\n" for n in range(12))
    done, opened = prepared("observer,onset_s,lon_deg,lat_deg,duration_ms\n" + good + "a,3,5,0,120000\n", "fixations")
    found = opened.fixations("v")
    assert (len(found), int(found.last_frame[-1])) == (13, 39)
    assert "1 fixations last beyond the video's 40 frames and end with it" in opened.record("v")["notes"]
    assert "v: 1 fixations last longer than 20 s: are their durations in another unit?" in done.warnings


def test_fixations_out_of_order_are_sorted(prepared):
    text = "observer,onset_s,lon_deg,lat_deg\n" + "".join(f"a,{t},{t * 10},0\n" for t in (2, 1, 0.5, 3))
    _, opened = prepared(text, "fixations")
    assert opened.fixations("v").onset_s.tolist() == [0.5, 1, 2, 3]
    assert any("onset_s goes back for some observers; sorted" in note for note in opened.record("v")["notes"])


def test_gaze_past_the_end_is_refused_whatever_the_set():
    late = Fixations(np.array(["1"] * 3), np.zeros(3), np.zeros(3), np.array([1.0, 70, 71]))
    clip = Stimulus("video", 64, 32, 40, 10.0, 4.0)
    with pytest.raises(DataError, match=r"2 of 3 fixations or samples begin past the end.*from 1 to 71"):
        item_fixations(ItemGaze(fixations=late), clip, FOLDER, preparation_for(FOLDER))


def test_a_time_or_duration_beyond_all_frames_is_bounded():
    huge = Fixations(np.array(["1"]), np.zeros(1), np.zeros(1), np.array([0.0]), np.array([1e300]))
    assert 0 < huge.with_frames(30.0).last_frame[0] < 2**40
