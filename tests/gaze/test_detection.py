import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from atsal.errors import ConfigError, DataError
from atsal.gaze.detection import Label, detect_fixations, detect_idt, detect_ivt
from atsal.gaze.detection_parameters import IDT_DEFAULTS, IVT_DEFAULTS, IdtParameters, IvtParameters
from atsal.gaze.directions import angle_rad, unit_vectors
from atsal.gaze.filtering import LOST, angular_velocity, continuous_signal, smooth
from atsal.gaze.readers.salient360_raw import read_salient360_raw
from atsal.gaze.records import GazeSamples
from fakes.gaze_signal import add_noise, directions, gaze, jumps, turned

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "salient360_raw"
PLACES = [(0, 0), (30, 10), (175, -20), (-170, -15), (-100, 85), (60, 88)]
DETECT = {"ivt": detect_ivt, "idt": detect_idt}


def found(fixations):
    return np.rad2deg(np.stack([fixations.lon_rad, fixations.lat_rad], 1))


def off_deg(fixations, lonlat_deg):
    return np.rad2deg(angle_rad(unit_vectors(fixations.lon_rad, fixations.lat_rad), directions(lonlat_deg)))


def test_a_jump_parts_two_fixations():
    result = detect_ivt(jumps([(0, 0), (30, 10)], stay_ms=500), "head_eye")
    fixations = result.fixations
    # at 100 Hz the velocity of a sample spans its neighbours: samples 49 and 50 see the jump
    assert fixations.onset_s == pytest.approx([0.0, 0.51])
    assert fixations.duration_ms == pytest.approx([480, 480])
    assert found(fixations) == pytest.approx(np.array([[0, 0], [30, 10]]), abs=1e-9)
    assert fixations.observer.tolist() == ["a", "a"]
    assert np.flatnonzero(result.labels == Label.SACCADE).tolist() == [49, 50]
    assert (result.labels != Label.LOST).all()


def test_dispersion_parts_them_without_losing_a_sample():
    fixations = detect_idt(jumps([(0, 0), (30, 10)], stay_ms=500), "head_eye").fixations
    assert fixations.onset_s == pytest.approx([0.0, 0.5])
    assert fixations.duration_ms == pytest.approx([490, 490])


@pytest.mark.parametrize("method", DETECT)
@pytest.mark.parametrize("rate_hz", [60, 120, 250, 1000])
@pytest.mark.parametrize("jitter", [0, 0.4])
def test_any_rate_and_uneven_steps_give_the_same_fixations(method, rate_hz, jitter):
    samples = jumps(PLACES, rate_hz=rate_hz, jitter=jitter, noise_deg=0.05)
    fixations = DETECT[method](samples, "head_eye").fixations
    assert len(fixations) == len(PLACES)
    assert off_deg(fixations, PLACES).max() < 0.1
    assert np.abs(fixations.onset_s - 0.3 * np.arange(len(PLACES))).max() < 2.5 / min(rate_hz, 100)
    assert np.abs(fixations.duration_ms - 300).max() < 5000 / min(rate_hz, 100) + 1


@pytest.mark.parametrize("method", DETECT)
@pytest.mark.parametrize("direction", ["head", "head_eye", "eye"])
def test_gaze_that_stays_is_one_fixation(method, direction):
    samples = gaze(np.tile(directions([(40, 20)]), (101, 1)), direction=direction)
    result = DETECT[method](samples, direction)
    assert result.fixations.duration_ms == pytest.approx([1000])
    assert (result.labels == Label.FIXATION).all()


def test_a_fixation_around_the_pole_lies_at_the_pole():
    ring = [(lon, 89.8) for lon in range(-180, 180, 10)]
    fixations = detect_idt(gaze(directions(ring)), "head_eye").fixations
    assert len(fixations) == 1
    assert found(fixations)[0, 1] == pytest.approx(90, abs=1e-6)


def test_a_fixation_across_the_border_lies_at_the_border():
    seam = [(179.9 if k % 2 else -179.9, 5) for k in range(40)]
    fixations = detect_ivt(gaze(directions(seam)), "head_eye").fixations
    assert len(fixations) == 1
    assert abs(found(fixations)[0, 0]) == pytest.approx(180, abs=1e-6)


@pytest.mark.parametrize("method", DETECT)
@pytest.mark.parametrize(("count", "expected"), [(11, 1), (10, 0)])
def test_shortest_duration_is_included(method, count, expected):
    samples = gaze(np.tile(directions([(0, 0)]), (count, 1)), np.arange(count) / 100 + 12.3)
    parameters = {"ivt": replace(IVT_DEFAULTS["head_eye"], minimum_duration_ms=100), "idt": IDT_DEFAULTS["head_eye"]}[
        method
    ]
    assert len(DETECT[method](samples, "head_eye", parameters).fixations) == expected, "10 steps of 10 ms"


def pursuit(deg_s, seconds=2.0, rate_hz=100):
    return gaze(directions([(deg_s * t / rate_hz, 0) for t in range(round(seconds * rate_hz))]), rate_hz=rate_hz)


def test_slow_pursuit_is_below_the_velocity_threshold_and_fast_above():
    parameters = replace(IVT_DEFAULTS["head_eye"], velocity_threshold_deg_s=30)
    assert len(detect_ivt(pursuit(29), "head_eye", parameters).fixations) == 1
    assert len(detect_ivt(pursuit(31), "head_eye", parameters).fixations) == 0


def test_dispersion_cuts_pursuit_into_pieces():
    parameters = IdtParameters(dispersion_deg=2.05, minimum_duration_ms=100, merge_angle_deg=0)
    fixations = detect_idt(pursuit(10, seconds=1.0), "head_eye", parameters).fixations
    # 0.1° a sample: 21 samples span 2°
    assert fixations.duration_ms == pytest.approx([200, 200, 200, 200, 150])
    assert found(fixations)[:, 0] == pytest.approx([1, 3.1, 5.2, 7.3, 9.15])


def lost_between(first, last, count=100):
    valid = np.ones(count, bool)
    valid[first:last] = False
    return valid


def test_a_blink_ends_a_fixation_and_what_is_near_it_is_lost():
    vectors = np.tile(directions([(0, 0)]), (100, 1))
    vectors[40:60] = np.nan
    samples = gaze(vectors, valid=lost_between(40, 60))
    result = detect_ivt(samples, "head_eye", replace(IVT_DEFAULTS["head_eye"], padding_ms=20))
    assert result.fixations.onset_s == pytest.approx([0, 0.62]), "samples 60 and 61 are within 20 ms of the blink"
    assert result.fixations.duration_ms == pytest.approx([370, 370])
    assert np.flatnonzero(result.labels == Label.LOST).tolist() == list(range(38, 62))
    assert np.isnan(result.velocity_deg_s[38:62]).all()


def test_a_short_loss_is_filled_along_the_great_circle():
    vectors = directions([(170, 0)] * 50 + [(-170, 0)] * 50)
    vectors[48:52] = np.nan
    signal = continuous_signal(gaze(vectors, valid=lost_between(48, 52)), "head_eye", maximum_gap_ms=50)
    lon = np.rad2deg(np.arctan2(signal.vectors[:, 0], signal.vectors[:, 2]))
    assert lon[47:53] % 360 == pytest.approx([170, 174, 178, 182, 186, 190])
    assert np.flatnonzero(~signal.measured).tolist() == [48, 49, 50, 51]
    assert (signal.segment == 0).all()
    apart = continuous_signal(gaze(vectors, valid=lost_between(48, 52)), "head_eye", maximum_gap_ms=49)
    assert np.flatnonzero(apart.segment == LOST).tolist() == [48, 49, 50, 51]


@pytest.mark.parametrize("method", DETECT)
def test_missing_rows_are_a_gap_too(method):
    samples = jumps([(0, 0)], stay_ms=1000).select(np.r_[0:40, 60:100])
    assert DETECT[method](samples, "head_eye").fixations.onset_s == pytest.approx([0, 0.62])
    bare = replace({"ivt": IVT_DEFAULTS, "idt": IDT_DEFAULTS}[method]["head_eye"], padding_ms=0)
    assert DETECT[method](samples, "head_eye", bare).fixations.onset_s == pytest.approx([0, 0.6])


def test_a_recording_that_begins_and_ends_in_a_blink():
    samples = gaze(np.tile(directions([(0, 0)]), (100, 1)), valid=lost_between(10, 90) == lost_between(0, 100))
    assert samples.is_valid.sum() == 80
    fixations = detect_ivt(samples, "head_eye").fixations
    assert fixations.onset_s == pytest.approx([0.12]), "20 ms after the blink"
    assert fixations.duration_ms == pytest.approx([750]), "sample 87 is the last 20 ms before the next"


def test_nothing_is_merged_across_a_gap_that_is_not_filled():
    samples = gaze(np.tile(directions([(0, 0)]), (100, 1)), valid=lost_between(48, 52))
    parameters = replace(IVT_DEFAULTS["head_eye"], maximum_gap_ms=30, padding_ms=0, merge_gap_ms=75)
    assert detect_ivt(samples, "head_eye", parameters).fixations.onset_s == pytest.approx([0, 0.52])


def test_slow_logs_are_not_all_gaps():
    samples = jumps([(0, 0), (90, 0)], stay_ms=2000, rate_hz=10)
    assert len(detect_ivt(samples, "head_eye").fixations) == 2


def test_filled_samples_do_not_move_a_fixation():
    vectors = directions([(0, 0)] * 20 + [(0, 50)] * 5 + [(0.4, 0)] * 60)
    samples = gaze(vectors, valid=lost_between(20, 25, 85))
    fixations = detect_ivt(samples, "head_eye").fixations
    assert found(fixations) == pytest.approx(np.array([[0.3, 0]]), abs=1e-5)


def test_neighbours_in_time_and_direction_are_merged():
    vectors = directions([(0, 0)] * 30 + [(3, 0)] + [(0.4, 0)] * 30)
    merged = detect_ivt(gaze(vectors), "head_eye").fixations
    assert merged.duration_ms == pytest.approx([600])
    assert (
        len(detect_ivt(gaze(vectors), "head_eye", replace(IVT_DEFAULTS["head_eye"], merge_angle_deg=0)).fixations) == 2
    )
    assert (
        len(detect_ivt(gaze(vectors), "head_eye", replace(IVT_DEFAULTS["head_eye"], merge_angle_deg=0.3)).fixations)
        == 2
    )
    assert len(detect_ivt(gaze(vectors), "head_eye", replace(IVT_DEFAULTS["head_eye"], merge_gap_ms=39)).fixations) == 2


def test_short_fixations_are_dropped_after_merging():
    short = directions([(0, 0)] * 7 + [(3, 0)] + [(0, 0)] * 7)
    assert detect_ivt(gaze(short), "head_eye").fixations.duration_ms == pytest.approx([140]), "60 ms each, 80 needed"


def test_frames_come_with_the_fixations():
    samples = jumps([(0, 0), (30, 0)], stay_ms=500)
    framed = GazeSamples("a", samples.timestamp_s, np.arange(100) // 4, head_eye=samples.head_eye)
    fixations = detect_ivt(framed, "head_eye").fixations
    assert fixations.first_frame.tolist() == [0, 12]
    assert fixations.last_frame.tolist() == [12, 24]


def test_velocity_is_the_angle_over_the_time_whatever_the_steps():
    times = np.cumsum(np.random.default_rng(0).uniform(0.002, 0.03, 200))
    meridian = directions([(0, 0)] * 200)
    meridian = np.stack([0 * times, np.sin(np.deg2rad(40 * times)), np.cos(np.deg2rad(40 * times))], 1)
    signal = continuous_signal(gaze(meridian, times), "head_eye")
    assert angular_velocity(signal, 20) == pytest.approx(np.full(200, 40)), "over the pole and down on the other side"


def test_velocity_looks_neither_across_a_gap_nor_stops_at_equal_times():
    vectors = directions([(0, 0)] * 10 + [(50, 0)] * 10)
    gap = continuous_signal(gaze(vectors, np.r_[np.arange(10), np.arange(10) + 30] / 100), "head_eye")
    assert angular_velocity(gap) == pytest.approx(np.zeros(20))
    same = continuous_signal(gaze(vectors[9:11], [1.0, 1.0]), "head_eye")
    assert np.isinf(angular_velocity(same)).all()


@pytest.mark.parametrize("kind", ["mean", "quadratic"])
def test_smoothing_averages_noise_but_not_across_a_gap(kind):
    rng = np.random.default_rng(1)
    clean = directions([(0, 0)] * 200 + [(0, 90)] * 200)
    times = np.r_[np.arange(200), np.arange(200) + 230] / 1000
    signal = continuous_signal(gaze(add_noise(clean, 0.5, rng), times), "head_eye", maximum_gap_ms=20)
    smoothed = smooth(signal, 60, kind)
    before, after = (np.rad2deg(angle_rad(s.vectors, clean)) for s in (signal, smoothed))
    assert after.mean() < before.mean() / (4 if kind == "mean" else 2.5)
    assert after.max() < 1, "samples at the gap do not see the other side, a quarter turn away"
    assert np.linalg.norm(smoothed.vectors, axis=1) == pytest.approx(np.ones(400))


def test_quadratic_smoothing_keeps_a_curve_at_uneven_times():
    times = 1000 + np.cumsum(np.random.default_rng(2).uniform(0.005, 0.015, 80))
    angle = np.deg2rad(20 * (times - 1000) + 30 * (times - 1000) ** 2)
    vectors = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], 1)
    signal = continuous_signal(gaze(vectors, times), "head_eye")
    kept, blurred = (np.rad2deg(angle_rad(smooth(signal, 80, kind).vectors, vectors)) for kind in ("quadratic", "mean"))
    assert kept.max() < 0.02
    assert blurred[10:-10].mean() > 20 * kept[10:-10].mean()


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), shift_s=st.integers(0, 5000))
@pytest.mark.parametrize("method", DETECT)
def test_turning_the_world_and_the_clock_changes_no_event(method, seed, shift_s):
    rng = np.random.default_rng(seed)
    places = np.stack([rng.uniform(-180, 180, 6), rng.uniform(-80, 80, 6)], 1)
    samples = jumps(places, stay_ms=rng.uniform(100, 400), rate_hz=120, noise_deg=0.3, jitter=0.4, seed=seed)
    samples = replace(samples, valid=rng.random(len(samples)) > 0.02)
    matrix = Rotation.random(random_state=rng).as_matrix()
    smoothing = replace(IVT_DEFAULTS["head_eye"] if method == "ivt" else IDT_DEFAULTS["head_eye"], smoothing_ms=30)
    plain = DETECT[method](samples, "head_eye", smoothing)
    moved = DETECT[method](turned(samples, matrix, shift_s), "head_eye", smoothing)
    assert moved.labels.tolist() == plain.labels.tolist()
    assert moved.fixations.onset_s == pytest.approx(plain.fixations.onset_s + shift_s)
    vectors = unit_vectors(plain.fixations.lon_rad, plain.fixations.lat_rad) @ matrix.T
    assert angle_rad(unit_vectors(moved.fixations.lon_rad, moved.fixations.lat_rad), vectors) == pytest.approx(
        np.zeros(len(vectors)), abs=1e-9
    )


def naive_idt(vectors, times, dispersion_deg, minimum_s):
    """As Salvucci & Goldberg write it down."""

    def together(first, last):
        pairs = itertools.combinations(range(first, last + 1), 2)
        return all(np.rad2deg(angle_rad(vectors[i], vectors[j])) <= dispersion_deg for i, j in pairs)

    first, periods = 0, []
    while first < len(times):
        last = next((k for k in range(first, len(times)) if times[k] - times[first] >= minimum_s - 1e-9), None)
        if last is None:
            break
        if together(first, last):
            while last + 1 < len(times) and together(first, last + 1):
                last += 1
            periods.append((first, last))
            first = last + 1
        else:
            first += 1
    return periods


@pytest.mark.parametrize("seed", range(4))
def test_dispersion_agrees_with_the_method_as_written(seed):
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 0.4, (90, 2)), 0)
    samples = gaze(directions(walk), rate_hz=50)
    parameters = IdtParameters(dispersion_deg=2.0, minimum_duration_ms=100, merge_angle_deg=0)
    fixations = detect_idt(samples, "head_eye", parameters).fixations
    expected = naive_idt(samples.head_eye, samples.timestamp_s, 2.0, 0.1)
    assert len(expected) > 3
    assert fixations.onset_s == pytest.approx([samples.timestamp_s[first] for first, _ in expected])
    assert fixations.duration_ms == pytest.approx([(last - first) * 20 for first, last in expected])


@pytest.mark.parametrize("method", DETECT)
@pytest.mark.parametrize(
    ("count", "valid"), [(0, True), (1, True), (1, False), (50, False)], ids=["none", "one", "one lost", "all lost"]
)
def test_nothing_to_find_is_no_error(method, count, valid):
    samples = gaze(np.tile(directions([(0, 0)]), (count, 1)).reshape(-1, 3), valid=np.full(count, valid))
    result = DETECT[method](samples, "head_eye")
    assert len(result.fixations) == 0
    assert result.labels.shape == (count,)
    assert valid or (result.labels == Label.LOST).all()


def test_vectors_a_little_off_unit_length_do_not_matter():
    samples = gaze(directions([(0, 0)] * 30) * (1 + 9e-5))
    assert detect_idt(
        samples, "head_eye", IdtParameters(dispersion_deg=0.1, minimum_duration_ms=100)
    ).fixations.duration_ms == (pytest.approx([290]))


def test_all_observers_in_one_call():
    tracks = [replace(jumps([(0, 0), (30, 0)]), observer=name) for name in "ab"]
    fixations = detect_fixations(tracks, "head_eye")
    assert fixations.observer.tolist() == ["a", "a", "b", "b"]
    assert len(detect_fixations(tracks, "head_eye", method="idt")) == 4
    assert len(detect_fixations([], "head_eye")) == 0
    slow = IvtParameters(velocity_threshold_deg_s=1e-3, minimum_duration_ms=500)
    assert len(detect_fixations(tracks, "head_eye", parameters=slow)) == 0


def test_what_cannot_be_done_is_said():
    vectors = directions([(0, 0)] * 10)
    with pytest.raises(DataError, match="frames but no times"):
        detect_ivt(GazeSamples("a", frame_index=np.arange(10), head=vectors), "head")
    with pytest.raises(DataError, match="no head direction; it has head_eye"):
        detect_ivt(gaze(vectors), "head")
    with pytest.raises(DataError, match=r"roll.*choose head or head_eye"):
        detect_idt(GazeSamples("a", np.arange(10.0), head=vectors, head_eye=vectors), "eye")
    with pytest.raises(ConfigError, match="velocity_threshold_deg_s -1"):
        IvtParameters(velocity_threshold_deg_s=-1, minimum_duration_ms=80)
    with pytest.raises(ConfigError, match="minimum_duration_ms nan"):
        IdtParameters(dispersion_deg=1, minimum_duration_ms=float("nan"))
    with pytest.raises(ConfigError, match="expected 'ivt' with IvtParameters"):
        detect_fixations([gaze(vectors)], "head_eye", method="ivt", parameters=IDT_DEFAULTS["head_eye"])
    with pytest.raises(ConfigError, match="'mean' or 'quadratic'"):
        smooth(continuous_signal(gaze(vectors), "head_eye"), 20, "median")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real logs are not here")
@pytest.mark.parametrize("name", [f"rawData{kind}{k}.csv.gz" for kind in ("Dyn", "Static") for k in (1, 2, 3)])
def test_real_gaze_fixates_as_people_do(name):
    samples = read_salient360_raw(SHARED / name).records
    fixations = detect_ivt(samples, "head_eye").fixations
    assert 2 < len(fixations) / samples.timestamp_s[-1] < 4.5
    assert 140 < np.median(fixations.duration_ms) < 300
    by_dispersion = detect_idt(samples, "head_eye").fixations
    assert 2 < len(by_dispersion) / samples.timestamp_s[-1] < 4.5
    assert 0 < len(detect_ivt(samples, "head").fixations) < len(fixations) / 2
