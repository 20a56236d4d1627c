"""Plain head logs: one viewer or several, read strictly."""

import numpy as np
import pytest

from atsal.errors import DataError
from atsal.gaze.readers.head_log import read_head_log


def write(folder, text):
    path = folder / "heads.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_log_of_one_viewer(tmp_path):
    (track,) = read_head_log(write(tmp_path, "timestamp_s,yaw_deg,pitch_deg\n0,0,0\n0.5,90,0\n1,-180,-90\n"))
    assert track.timestamp_s.tolist() == [0, 0.5, 1]
    assert track.head == pytest.approx(np.array([[0, 0, 1], [1, 0, 0], [0, -1, 0]]), abs=1e-9)


def test_a_log_of_several_viewers_keeps_their_names(tmp_path):
    text = "viewer,timestamp_s,yaw_deg,pitch_deg\nb,0,0,0\na,0,10,0\nb,1,0,5\n"
    tracks = read_head_log(write(tmp_path, text))
    assert [(track.observer, len(track)) for track in tracks] == [("b", 2), ("a", 1)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,yaw_deg,pitch_deg\n0,0,0\n", "not a head log file: no column timestamp_s"),
        ("timestamp_s,yaw_deg,pitch_deg\n", "a header without rows"),
        ("timestamp_s,yaw_deg,pitch_deg\n0,0,95\n", "line 2: pitch_deg is '95', expected a number from -90 to 90"),
        ("timestamp_s,yaw_deg,pitch_deg\n0,left,0\n", "line 2: yaw_deg is 'left', expected a number"),
        ("timestamp_s,yaw_deg,pitch_deg\n1,0,0\n0.5,0,0\n", "line 3: time goes back"),
        ("timestamp_s,yaw_deg,pitch_deg\n-1,0,0\n", "timestamp_s is '-1', expected 0 or more"),
        (
            "timestamp_s,yaw_deg,pitch_deg\n" + "".join(f"{11 * i},0,0\n" for i in range(21)),
            r"a sample every 11 s \(median\).*milliseconds\? Convert",
        ),
    ],
)
def test_mistakes_are_explained(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_head_log(write(tmp_path, text))
