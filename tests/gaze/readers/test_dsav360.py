import numpy as np
import pytest

from atsal.errors import DataError
from atsal.gaze.readers.dsav360 import read_dsav360

HEADER = "id,video,frame,t,u,v,fixation,valid_fix_classification"


@pytest.fixture
def log(tmp_path):
    def write(*rows, header=HEADER, name="gaze_video_0011.csv"):
        path = tmp_path / name
        path.write_text("\n".join([header, *rows]) + "\n")
        return path

    return write


def rows(viewer, frames, *, unit=1.0, offset=0.0, u=0.75, v=0.25, fixation=1):
    return [f"{viewer},11,{f},{offset + f / 60 * unit},{u},{v},{fixation},1" for f in frames]


def test_axes_frames_times_and_viewers(log):
    reading = read_dsav360(log(*rows(3, range(6, 12)), *rows(1, range(4), u=0.25, v=1)))
    first, second = reading.records.samples
    assert (first.observer, second.observer) == ("3", "1")
    assert first.frame_index.tolist() == [6, 7, 8, 9, 10, 11]
    assert first.timestamp_s == pytest.approx(np.arange(6, 12) / 60)
    assert np.rad2deg(first.lonlat("head_eye")[0]) == pytest.approx([90] * 6)
    assert np.rad2deg(first.lonlat("head_eye")[1]) == pytest.approx([45] * 6), "v counts from the top"
    assert np.rad2deg(second.lonlat("head_eye")[1]) == pytest.approx([-90] * 4)


@pytest.mark.parametrize(("unit", "name"), [(1, None), (1e3, "ms"), (1e6, "µs"), (1e9, "ns")])
def test_unit_of_time_is_told_from_the_frames(log, unit, name):
    reading = read_dsav360(log(*rows(1, range(60, 121), unit=unit, offset=5 * unit)))
    times = reading.records.samples[0].timestamp_s
    assert (times[0], times[-1]) == (pytest.approx(1), pytest.approx(2)), "by the frame of the first sample"
    assert [note for note in reading.notes if name and f"t is in {name}" in note] == list(reading.notes)
    assert bool(reading.notes) == (name is not None)


def test_time_of_no_unit_is_left_out_with_a_note(log):
    reading = read_dsav360(log(*rows(1, range(60), unit=37)))
    assert reading.records.samples[0].timestamp_s is None
    assert reading.records.fixations.onset_s is None
    assert "neither s nor ms" in reading.notes[0]


def test_a_run_of_marked_samples_is_one_fixation(log):
    path = log(
        *rows(1, [0, 1, 2], u=0.5, v=0.5, fixation=0),
        *rows(1, [3, 4], u=0.6),
        *rows(1, [5], u=0.7),
        *rows(1, [6], fixation="False"),
        *[f"1,11,{f},{f / 60},0.2,0.5,True,True" for f in (7, 8)],
        "1,11,9,0.15,0.2,0.5,1,0",
        *rows(2, [0], u=0.1),
    )
    fixations = read_dsav360(path).records.fixations
    assert fixations.observer.tolist() == ["1", "1", "2"]
    assert (fixations.first_frame.tolist(), fixations.last_frame.tolist()) == ([3, 7, 0], [5, 8, 0])
    assert np.rad2deg(fixations.lon_rad) == pytest.approx([48, -108, -144], abs=0.3)
    assert fixations.onset_s == pytest.approx([3 / 60, 7 / 60, 0])
    assert fixations.duration_ms == pytest.approx([50, 1000 / 30, 0])


def test_broken_values_are_dropped_and_counted(log):
    path = log(
        "1,11,0,0,0.5,0.5,0,0",
        *rows(1, range(1, 8)),
        *rows("", [8]),
        *rows(1, [9], u="nan"),
        *rows(1, [10], v=1.5),
        "1,11,-1,0.1,.5,.5,0,1",
        "1,11,11,,.5,.5,0,1",
    )
    reading = read_dsav360(path)
    assert len(reading.records.samples[0]) == 7
    assert {drop.reason: drop.first.split()[-1] for drop in reading.drops} == {
        "frame 0 at the centre, no measurement": "2",
        "no viewer": "10",
        "no position (a lost sample)": "11",
        "position outside the frame": "12",
        "frame below 0": "13",
        "no time": "14",
    }


@pytest.mark.parametrize(
    ("lines", "header", "message"),
    [
        ([], HEADER, "header without rows"),
        (rows(1, [1]), HEADER.replace("fixation,", "fix,"), "no column fixation"),
        (["1,11,1,.1,.5,.5,1"], HEADER, "line 2: 7 columns, expected 8"),
        (["1,11,x,.1,.5,.5,1,1"], HEADER, "line 2: frame is 'x'"),
        (["1,11,1,.1,.5,.5,maybe,1"], HEADER, "line 2: fixation is 'maybe'"),
        (["1,12,1,.1,.5,.5,1,1"], HEADER, "video is 12, expected 11 as in the file's name"),
        (rows(1, range(5), u=200, v=100), HEADER, "5 of 5 positions lie outside"),
    ],
)
def test_other_structures_are_refused(log, lines, header, message):
    with pytest.raises(DataError, match=message) as caught:
        read_dsav360(log(*lines, header=header))
    assert "gaze_video_0011.csv" in str(caught.value)


def test_two_videos_in_a_file_without_number(log):
    with pytest.raises(DataError, match="expected one video, 11"):
        read_dsav360(log(*rows(1, [1]), "1,12,1,.1,.5,.5,1,1", name="gaze.csv"))


def test_columns_as_pandas_writes_them(tmp_path):
    path = tmp_path / "gaze_video_0001.csv"
    header = ",id,video,frame,t,u,v,fixation,valid_fix_classification\n"
    rows = [f"{n},{'7.0' if n % 2 else '7'},1.0,{n}.0,{n / 60},.75,.25,1.0,True\n" for n in range(1, 9)]
    rows += ["9,7,,,0.5,.75,.25,1,1\n", "10,7,1,999999.0,0.15,.75,.25,0,0\n"]
    path.write_text(header + "".join(rows))
    reading = read_dsav360(path)
    (track,) = reading.records.samples
    assert track.observer == "7"
    assert track.frame_index.tolist() == [*range(1, 9), 999999]
    assert track.timestamp_s[:3] == pytest.approx([1 / 60, 2 / 60, 3 / 60]), "one frame far off does not tell the unit"
    assert np.rad2deg(track.lonlat("head_eye")) == pytest.approx(np.array([[90] * 9, [45] * 9]))
    assert [(drop.reason, drop.count) for drop in reading.drops] == [("no frame", 1)]
