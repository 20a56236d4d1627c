"""Units and clocks of tables of one's own: told by what they measure, never guessed against it."""

import numpy as np
import pytest

from atsal.datasets.dataset import Stimulus
from atsal.datasets.table_times import convert_times
from atsal.errors import DataError
from atsal.gaze.directions import unit_vectors
from atsal.gaze.records import Fixations, GazeSamples

CLIP = Stimulus("video", 128, 64, 40, 10.0, 4.0)
STILL = Stimulus("image", 128, 64)
STEPS = np.arange(150) * 0.02  # 0 to 2.98 s


def samples(times):
    lon = np.linspace(-1, 1, len(times))
    return (GazeSamples("1", np.asarray(times, float), head=unit_vectors(lon, 0 * lon)),)


def fixations(onset_s, duration_ms=None):
    lon = np.linspace(-1, 1, len(onset_s))
    return Fixations(np.full(len(lon), "1"), lon, 0 * lon, np.asarray(onset_s, float), duration_ms)


def times_of(times, stimulus=CLIP):
    found, notes = convert_times(samples(times), stimulus, "a.csv")
    return found[0].timestamp_s, notes


def test_seconds_stay_and_milliseconds_are_converted():
    times, notes = times_of(STEPS)
    assert (times.tolist(), notes) == (STEPS.tolist(), ())
    for stimulus in (CLIP, STILL):
        times, notes = times_of(STEPS * 1000, stimulus)
        assert times == pytest.approx(STEPS)
        assert notes == ("a.csv: timestamp_s is in milliseconds; made seconds",)


def test_a_log_of_1_khz_in_ms_is_told_from_one_of_1_hz_that_starts_late():
    assert times_of(np.arange(4000.0))[0][-1] == pytest.approx(3.999)
    with pytest.raises(DataError, match=r"from 300 to 303, expected seconds from 0 to 4; .*clock starts before"):
        times_of([300.0, 301, 302, 303])


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (STEPS + 300, "150 of 150 rows.*from 300 to 302.98, expected seconds from 0 to 4.*subtract the time at which"),
        (STEPS + 60, "from 60 to 62.98.*fit s, .*subtract"),
        (STEPS + 1.7e9, "from 1700000000 to .*subtract"),
        ((STEPS + 300) * 1000, "from 300000 to 302980.*fit ms, .*subtract.*and convert"),
        (STEPS * 1e6, "fit µs: convert"),
        (STEPS * 1e9, "fit ns: convert"),
        (np.arange(0, 60, 0.5), "another one, or cut short"),
        ([9.0], "from 9 to 9"),
    ],
)
def test_other_clocks_are_refused_with_what_was_found(times, message):
    with pytest.raises(DataError, match=message):
        times_of(times)


def test_steps_tell_the_unit_where_there_is_no_video():
    assert times_of(STEPS + 300, STILL)[1] == ()
    with pytest.raises(DataError, match="steps of 20000, as in µs"):
        times_of(STEPS * 1e6, STILL)


def test_onsets():
    assert convert_times(fixations(np.arange(15) * 250.0), CLIP, "a.csv")[0].onset_s[-1] == pytest.approx(3.5)
    assert convert_times(fixations([0.0, 0.5, 3.9]), CLIP, "a.csv")[1] == (), "few and sparse"
    with pytest.raises(DataError, match=r"15 of 15 rows.*from 300 to 302\.8"):
        convert_times(fixations(300 + np.arange(15) * 0.2), CLIP, "a.csv")


@pytest.mark.parametrize(("unit", "scale"), [("µs", 1e3), ("ns", 1e6)])
def test_durations_in_another_unit_are_refused_by_name(unit, scale):
    with pytest.raises(DataError, match=f"duration_ms: fixations last .* in the median; expected 5 to 20000.*{unit}"):
        convert_times(fixations(np.arange(10) * 0.3, np.full(10, 120.0) * scale), CLIP, "a.csv")


def test_durations_in_seconds_are_converted_unless_the_onsets_speak_against_it():
    onsets = np.arange(10) * 0.3
    assert convert_times(fixations(onsets, np.full(10, 0.2)), CLIP, "a.csv")[0].duration_ms == pytest.approx([200] * 10)
    with pytest.raises(DataError, match="last 4 ms in the median"):  # samples of 250 Hz, each as a fixation
        convert_times(fixations(np.arange(100) * 0.004, np.full(100, 4.0)), CLIP, "a.csv")
    few = fixations([0.0], np.array([120000.0]))
    assert convert_times(few, CLIP, "a.csv")[0].duration_ms.tolist() == [120000], "one may be a slip"
