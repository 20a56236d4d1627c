"""Each metric by hand, against other implementations, and what must not change it."""

import json
import math
import runpy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

from atsal.errors import ConfigError, ShapeError
from atsal.evaluation import metrics as m
from atsal.projection import solid_angle_weights
from evaluation import oracles as o
from evaluation.oracles import ARGUMENTS, data_of

CLOSE = 1e-12  # float64 sums in another order
SPHERE = solid_angle_weights(6).numpy()
UNEVEN = np.arange(1.0, 7)[:, None]  # differs from itself upside down, as the solid angle does not
NAMES = tuple(metric.name for metric in m.METRICS)
EXACT = [name for name in NAMES if name != "auc_borji"]
AREAS = ("auc_judd", "auc_borji", "auc_shuffled")
SHIFTABLE = ("cc", "nss", *AREAS)  # maps below 0 are fine
seeds = st.integers(0, 10**6)
few = settings(max_examples=25, derandomize=True)


def score(name, data, **options):
    """A metric of `data_of`; AUC-Borji with few splits, for the time they take."""
    if name == "auc_borji":
        options = {"splits": 5} | options
    return getattr(m, name)(*(data[argument] for argument in ARGUMENTS[name]), **options)


def each_argument():
    return [(name, argument) for name, arguments in ARGUMENTS.items() for argument in arguments]


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_cc_by_hand():
    # deviations -1.5 -.5 .5 1.5 and -1.5 -.5 1.5 .5: products 2.25 + .25 + .75 + .75 = 4, squares 5 and 5
    assert m.cc(np.array([[0, 1], [2, 3]]), np.array([[0, 1], [3, 2]])) == pytest.approx(4 / 5)


def test_weighted_cc_by_hand():
    # weights 1/4, 3/4; the rows alone differ: a line through two values, falling
    assert m.cc(np.array([[0], [1]]), np.array([[5], [2]]), weights=np.array([[1], [3]])) == pytest.approx(-1)
    # values 0 0 1 1 | 0 1 0 1, weights 3 1 1 3 / 8: covariance 3/8 - 1/4, variances 1/4
    t, p = np.array([[0], [0], [1], [1]]), np.array([[0], [1], [0], [1]])
    assert m.cc(t, p, weights=np.array([[3], [1], [1], [3]])) == pytest.approx(1 / 2)


def test_sim_by_hand():
    # probabilities 1/4 3/4 and 1/2 1/2: the smaller ones 1/4 + 1/2
    assert m.sim(np.array([[1, 3]]), np.array([[7, 7]])) == pytest.approx(3 / 4)
    assert m.sim(np.array([[1, 0]]), np.array([[0, 1]])) == 0
    # weights 1, 3: probabilities 1/4 3/4 and 1/2 1/2
    assert m.sim(np.array([[1], [1]]), np.array([[3], [1]]), weights=np.array([[1], [3]])) == pytest.approx(3 / 4)


def test_kld_goes_from_the_target_to_the_prediction():
    target, prediction = np.array([[1, 3]]), np.array([[1, 1]])
    forth = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)  # 0.131
    back = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)  # 0.144
    assert m.kld(target, prediction) == pytest.approx(forth)
    assert m.kld(prediction, target) == pytest.approx(back)
    assert m.kld_symmetric(target, prediction) == pytest.approx((forth + back) / 2)


def test_an_exact_zero_costs_24_nats():
    # the target evenly on the western half, all of it missed: log(1 / 102400 / epsilon) = 36.04 - 11.54
    target = np.zeros((320, 640))
    target[:, :320] = 1
    found = m.kld(target, 1 - target)
    assert found == pytest.approx(math.log(1 / 102400 / 2.2204e-16), abs=1e-3)
    assert 24 < found < 25
    assert m.kld_symmetric(target, 1 - target) == pytest.approx(found)
    # 1/2 log(1/2 / 1) on the pixel seen, 1/2 log(1/2 / epsilon) on the one missed
    missed = (math.log(0.5) + math.log(0.5 / 1e-6)) / 2
    assert m.kld(np.array([[1, 1]]), np.array([[1, 0]]), epsilon=1e-6) == pytest.approx(missed, abs=1e-5)


def test_nss_by_hand():
    prediction = np.array([[0.0, 2.0], [0.0, 2.0]])  # mean 1, deviation 1
    assert m.nss(prediction, np.array([[0, 3], [1, 0]])) == pytest.approx((3 * 1 - 1) / 4)


def test_weights_of_nss_are_those_of_mean_and_deviation_not_of_fixations():
    # weights 1/4 3/4 on 0 and 4: mean 3, variance 9/4 + 3/4 = 3; one fixation on each: (-3 + 1) / 2 / √3
    found = m.nss(np.array([[0], [4]]), np.array([[1], [1]]), weights=np.array([[1], [3]]))
    assert found == pytest.approx(-1 / math.sqrt(3))


def test_ties_of_an_auc_count_half():
    # against 1, 1 and 0: half, half, one. Counted fully this were 1, not at all 1/3
    prediction, fixations = np.array([[1, 1], [1, 0]]), np.array([[1, 0], [0, 0]])
    assert m.auc_judd(prediction, fixations) == pytest.approx(2 / 3)
    for name in AREAS:
        flat = data_of(0) | {"prediction": np.full((6, 12), 0.3)}
        assert score(name, flat) == pytest.approx(0.5)
        assert score(name, flat, weights=SPHERE) == pytest.approx(0.5)


def test_weighted_auc_by_hand():
    # the fixation on 2 beats the 1 of weight 1/4, and loses to the 3 of weight 3/4
    prediction, fixations = np.array([[2], [1], [3]]), np.array([[9], [0], [0]])
    assert m.auc_judd(prediction, fixations, weights=np.array([[5], [1], [3]])) == pytest.approx(1 / 4)
    # a second one, on the pole's 3, counts as much as any: (1/4 + 1 (its 1; no other 3 is left)) / 2, weights apart
    fixations = np.array([[1], [0], [1]])
    assert m.auc_judd(prediction, fixations, weights=np.array([[5], [1], [3]])) == pytest.approx(1)
    prediction, fixations = np.array([[2], [1], [3], [4]]), np.array([[1], [0], [0], [1]])
    found = m.auc_judd(prediction, fixations, weights=np.array([[5], [1], [3], [0]]))
    assert found == pytest.approx((1 / 4 + 1) / 2)


def test_shuffled_auc_by_hand():
    # two fixations on a 2, one on the 1; others: one on the 3, three on the other 2.
    # 2 x (0 + 3 / 2) + 1 x 0 of 3 x 4 pairs
    prediction, fixations, others = np.array([[3, 2, 2, 1]]), np.array([[0, 2, 0, 1]]), np.array([[1, 0, 3, 0]])
    assert m.auc_shuffled(prediction, fixations, others) == pytest.approx(3 / 12)


def test_auc_borji_by_hand():
    # one pixel alone can be drawn
    prediction, fixations, weights = np.array([[2], [1], [3]]), np.array([[4], [0], [0]]), np.array([[0], [1], [0]])
    assert m.auc_borji(prediction, fixations, weights=weights) == 1
    assert m.auc_borji(-prediction, fixations, weights=weights) == 0


def test_all_density_on_one_half_is_one_bit():
    for weights in (None, SPHERE):
        prediction, fixations = np.zeros((2, 6, 12))
        prediction[:, :6], fixations[1, 2], fixations[3, 4] = 1, 7, 1
        assert m.information_gain(prediction, np.ones((6, 12)), fixations, weights=weights) == pytest.approx(1)


def test_information_gain_is_of_the_prediction_over_the_baseline():
    # 1/8 against 1/2: -2 bits; 7/8 against 1/2 at the other; fixations 3 to 1
    prediction, baseline = np.array([[1, 7]]), np.array([[2, 2]])
    assert m.information_gain(prediction, baseline, np.array([[1, 0]])) == pytest.approx(-2)
    assert m.information_gain(baseline, prediction, np.array([[1, 0]])) == pytest.approx(2)
    expected = (3 * -2 + math.log2(7 / 4)) / 4
    assert m.information_gain(prediction, baseline, np.array([[3, 1]])) == pytest.approx(expected)
    # a fixation on an exact zero: log2(epsilon / (1/2))
    nothing = m.information_gain(np.array([[0, 1]]), baseline, np.array([[1, 0]]))
    assert nothing == pytest.approx(math.log2(2.2204e-16 / 0.5), abs=1e-9)


# --- against other implementations -----------------------------------------------------------------------------------


@few
@given(seeds, st.sampled_from([None, 3, 20]))
def test_cc_against_scipy(seed, levels):
    data, times = data_of(seed, levels=levels), np.random.default_rng(seed).integers(1, 5, (6, 1))
    for weights in (None, times):
        found = m.cc(data["target"], data["prediction"], weights=weights)
        expected = o.cc_by_repetition(data["target"], data["prediction"], 1 if weights is None else times)
        assert found == pytest.approx(expected, abs=CLOSE)


@few
@given(seeds)
def test_kld_against_scipy(seed):
    data = data_of(seed)
    for weights in (None, SPHERE, UNEVEN):
        t, p = (o.probability(data[name], weights) for name in ("target", "prediction"))
        # epsilon adds up to 72 pixels x 2e-16 / the smallest probability, of about 1e-5
        assert m.kld(data["target"], data["prediction"], weights=weights) == pytest.approx(entropy(t, p), abs=1e-8)
        both = (entropy(t, p) + entropy(p, t)) / 2
        assert m.kld_symmetric(data["target"], data["prediction"], weights=weights) == pytest.approx(both, abs=1e-8)


@few
@given(seeds, st.sampled_from([None, 2, 4, 30]), st.sampled_from(["flat", "sphere", "uneven", "pixels"]))
def test_aucs_against_scikit_learn_and_a_count_of_all_pairs(seed, levels, kind):
    data = data_of(seed, levels=levels)
    pixels = np.random.default_rng(seed).random((6, 12))
    weights = {"flat": None, "sphere": SPHERE, "uneven": UNEVEN, "pixels": pixels}[kind]
    sides = {
        "auc_judd": o.judd_sides(data["prediction"], data["fixations"], weights),
        "auc_shuffled": o.shuffled_sides(data["prediction"], data["fixations"], data["other_fixations"]),
    }
    for name, (positives, negatives) in sides.items():
        found = score(name, data, weights=weights)
        assert found == pytest.approx(o.auc_by_pairs(positives, negatives), abs=CLOSE)
        assert found == pytest.approx(o.auc_by_sklearn(positives, negatives), abs=CLOSE)


@few
@given(seeds, st.sampled_from([1e-4, 1.0, 1e6]), st.sampled_from([0.0, -3.0, 1e5]))
def test_aucs_of_values_close_to_each_other_and_far_from_zero(seed, spread, shift):
    # positives and negatives a few rounding steps apart must not fall together
    rng = np.random.default_rng(seed)
    steps = np.nextafter(shift, np.inf) - shift if shift else 1e-15
    prediction = shift + np.where(
        rng.random((6, 12)) < 0.5, rng.random((6, 12)) * spread, rng.integers(0, 4, (6, 12)) * steps
    )
    data = data_of(seed) | {"prediction": prediction}
    expected = o.auc_by_pairs(*o.judd_sides(prediction, data["fixations"]))
    assert m.auc_judd(prediction, data["fixations"]) == pytest.approx(expected, abs=CLOSE)


@few
@given(seeds, st.sampled_from([None, 5]))
def test_every_formula_in_plain_numpy(seed, levels):
    data = data_of(seed, levels=levels)
    t, p, b, f = (data[name] for name in ("target", "prediction", "baseline", "fixations"))
    for weights in (None, SPHERE, UNEVEN, np.random.default_rng(seed).random((6, 12))):
        expected = {
            "cc": o.cc_by_formula(t, p, weights),
            "sim": o.sim_by_formula(t, p, weights),
            "kld": o.kld_by_formula(t, p, weights),
            "kld_symmetric": (o.kld_by_formula(t, p, weights) + o.kld_by_formula(p, t, weights)) / 2,
            "nss": o.nss_by_formula(p, f, weights),
            "information_gain": o.information_gain_by_formula(p, b, f, weights),
        }
        found = {name: score(name, data, weights=weights) for name in expected}
        # log2 of epsilon + a probability of 0 is off by the rounding of the sum alone
        assert found == pytest.approx(expected, rel=1e-11, abs=CLOSE)


def test_scores_of_pysaliency(pytestconfig):
    script = runpy.run_path(str(pytestconfig.rootpath / "benchmarks/pysaliency_oracle.py"))
    golden = json.loads(script["GOLDEN"].read_text(encoding="utf-8"))
    for seed, expected in golden.items():
        found = script["atsal_scores"](script["sample"](int(seed)))
        for name, value in expected.items():
            # its information gain has no epsilon, which is 2e-16 of a probability of 1e-6 here
            tolerance = 1e-9 if name == "information_gain" else 1e-12
            assert found[name] == pytest.approx(value, abs=tolerance), (seed, name)
    assert len(golden) >= 6


# --- weights ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cc", "sim", "kld", "kld_symmetric", "nss", "information_gain"])
def test_weights_count_like_repeated_rows(name):
    data, times = data_of(3), np.array([1, 3, 2, 5, 1, 4])
    rows = {key: np.repeat(array, times, axis=0) for key, array in data.items()}
    first = np.cumsum(times) - times
    for key in ("fixations", "other_fixations"):  # a fixation is not repeated
        rows[key] = np.zeros_like(rows[key])
        rows[key][first] = data[key]
    assert score(name, data, weights=times[:, None]) == pytest.approx(score(name, rows), abs=1e-10)


@pytest.mark.parametrize("name", ["cc", "sim", "kld", "kld_symmetric", "auc_judd"])
def test_solid_angles_count_like_repeated_rows(name):
    data = data_of(4)
    data["fixations"][:] = 0
    data["fixations"][2, 5] = 2  # alone in its row of repetitions: what is repeated of it hardly counts
    times = np.rint(1000 * SPHERE / SPHERE.max()).astype(int).ravel()
    rows = {key: np.repeat(array, times, axis=0) for key, array in data.items()}
    expected = score(name, rows)
    if name == "auc_judd":
        rows["prediction"][rows["fixations"] > 0] = data["prediction"][2, 5]
        expected = m.auc_judd(rows["prediction"], rows["fixations"])
    assert score(name, data, weights=SPHERE) == pytest.approx(expected, abs=1e-3)
    assert score(name, data, weights=SPHERE) != pytest.approx(score(name, data), abs=1e-3)


@pytest.mark.parametrize("name", EXACT)
def test_weights_on_the_wrong_rows_change_the_score(name):
    data = data_of(5)
    data["prediction"] += np.linspace(0, 3, 6)[:, None]
    turned = abs(score(name, data, weights=UNEVEN) - score(name, data, weights=UNEVEN[::-1].copy()))
    rolled = abs(score(name, data, weights=SPHERE) - score(name, data, weights=np.roll(SPHERE, 1, 0)))
    if name == "auc_shuffled":  # both sides are fixations
        assert turned == rolled == 0
    else:
        assert turned > 5e-3
        assert rolled > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_only_the_ratios_of_weights_count(name):
    data = data_of(6)
    expected = score(name, data, weights=SPHERE)
    for same in (SPHERE * 1e6, np.tile(SPHERE, (1, 12)), torch.from_numpy(SPHERE)):
        assert score(name, data, weights=same) == pytest.approx(expected, abs=CLOSE)
    flat = score(name, data)
    for same in (np.full((6, 1), 3), np.ones((6, 12), np.uint8)):
        assert score(name, data, weights=same) == pytest.approx(flat, abs=CLOSE)


@pytest.mark.parametrize("name", ["nss", "auc_judd", "auc_borji", "auc_shuffled", "information_gain"])
def test_fixations_are_never_weighted(name):
    # as many fixations on the pole as on the equator: the score is the mean of both alone
    data, alone = data_of(7), []
    if name == "auc_judd":  # the negatives must stay: both pixels lack weight
        weights = np.tile(SPHERE, (1, 12))
        weights[0, 3] = weights[3, 4] = 0
    else:
        weights = SPHERE
    for places in ([(0, 3)], [(3, 4)], [(0, 3), (3, 4)]):
        fixations = np.zeros((6, 12))
        fixations[tuple(zip(*places, strict=True))] = 500
        alone.append(score(name, data | {"fixations": fixations}, weights=weights))
    tolerance = 0.02 if name == "auc_borji" else CLOSE  # 0.3 / sqrt(5 x 500) a value
    assert alone[2] == pytest.approx((alone[0] + alone[1]) / 2, abs=tolerance)
    assert abs(alone[0] - alone[1]) > 0.05


# --- what has no meaning ---------------------------------------------------------------------------------------------

FLAT, EMPTY = np.full((6, 12), 0.3), np.zeros((6, 12))
NOT_A_NUMBER = [
    ("cc", {"target": FLAT}),
    ("cc", {"prediction": FLAT}),
    ("cc", {"prediction": EMPTY}),
    ("nss", {"prediction": FLAT}),
    ("nss", {"fixations": EMPTY}),
    *((name, {argument: EMPTY}) for name in ("sim", "kld", "kld_symmetric") for argument in ("target", "prediction")),
    *((name, {"fixations": EMPTY}) for name in (*AREAS, "information_gain")),
    ("auc_judd", {"fixations": FLAT}),
    ("auc_shuffled", {"other_fixations": EMPTY}),
    ("information_gain", {"prediction": EMPTY}),
    ("information_gain", {"baseline": EMPTY}),
]


@pytest.mark.parametrize(("name", "replaced"), NOT_A_NUMBER)
def test_nothing_to_score_is_not_a_number(name, replaced):
    data = data_of(8) | replaced
    for weights in (None, SPHERE, UNEVEN / 3):  # rounding must not make a constant map score
        assert math.isnan(score(name, data, weights=weights))
    everything = m.all_metrics(**data, weights=SPHERE)
    assert math.isnan(everything[name])
    # in a batch, in its place alone
    batch = {key: np.stack([array, data_of(9)[key]]) for key, array in data.items()}
    assert np.isnan(score(name, batch, weights=SPHERE)).tolist() == [True, False]


def test_constant_maps_are_fine_as_densities():
    data = data_of(8)
    assert math.isfinite(m.kld(data["target"], FLAT))
    assert m.sim(FLAT, 7 * FLAT) == pytest.approx(1)
    assert m.kld(FLAT, 7 * FLAT) == pytest.approx(0, abs=1e-9)
    assert math.isfinite(m.information_gain(FLAT, data["baseline"], data["fixations"]))
    assert m.auc_borji(data["prediction"], np.ones((6, 12))) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(("name", "argument"), each_argument())
def test_values_that_are_no_numbers_are_refused_by_name(name, argument):
    for value in (math.nan, math.inf, -math.inf):
        data = data_of(10)
        data[argument][2, 3] = value
        with pytest.raises(ShapeError, match=rf"\b{argument}: 1 of 72 values are NaN or infinite"):
            score(name, data)
        with pytest.raises(ShapeError, match=rf"\b{argument}: 1 of 72 values are NaN or infinite"):
            m.all_metrics(**data)


@pytest.mark.parametrize(("name", "argument"), each_argument())
def test_negative_values_are_refused_where_a_density_or_a_count_is_needed(name, argument):
    data = data_of(11)
    data[argument][2, 3] = -0.5
    if name in SHIFTABLE and "fixations" not in argument:
        assert math.isfinite(score(name, data))
    else:
        with pytest.raises(ShapeError, match=rf"\b{argument}: 1 of 72 values are below 0"):
            score(name, data)


@pytest.mark.parametrize(("name", "argument"), each_argument())
def test_maps_of_another_shape_are_refused_by_name(name, argument):
    for shape in ((6, 11), (12, 6), (6, 1), (12,), (), (0, 12), (3, 6, 13)):
        with pytest.raises(ShapeError, match=rf"\b{argument}\b"):
            score(name, data_of(12) | {argument: np.ones(shape)})


@pytest.mark.parametrize("name", NAMES)
def test_weights_that_cannot_weigh_are_refused(name):
    shapes = [np.ones((5, 1)), np.ones((12, 6)), np.ones((1, 6, 12))]
    values = [np.zeros((6, 1)), -UNEVEN, UNEVEN - 2, np.full((6, 1), math.nan), np.full((6, 1), math.inf)]
    for weights in shapes + values:
        with pytest.raises(ShapeError, match="weights"):
            score(name, data_of(13), weights=weights)


def test_what_is_no_array_is_refused_by_name():
    with pytest.raises(ShapeError, match="prediction"):
        m.cc(np.ones((2, 2)), [["a", "b"], ["c", "d"]])
    with pytest.raises(ShapeError, match="target"):
        m.cc(None, np.ones((2, 2)))


def test_leading_dimensions_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"target of shape \(2, 6, 12\), prediction of shape \(3, 6, 12\)"):
        m.cc(np.ones((2, 6, 12)), np.ones((3, 6, 12)))


# --- numpy and torch, batches, types ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_what_goes_in_comes_out(name):
    one, batch = data_of(14), data_of(14, 6, 12, 2, 3)
    expected, many = score(name, one, weights=SPHERE), score(name, batch, weights=SPHERE)
    assert type(expected) is float
    assert isinstance(many, np.ndarray)
    assert (many.shape, many.dtype) == ((2, 3), np.float64)
    for data, numbers in ((one, expected), (batch, many)):
        tensors = {key: torch.from_numpy(array) for key, array in data.items()}
        found = score(name, tensors, weights=solid_angle_weights(6))
        assert isinstance(found, torch.Tensor)
        assert (found.dtype, found.device.type, tuple(found.shape)) == (torch.float64, "cpu", np.shape(numbers))
        assert np.array_equal(found.numpy(), numbers)
        first = ARGUMENTS[name][0]
        mixed = score(name, data | {first: tensors[first].float().requires_grad_()}, weights=SPHERE)
        assert isinstance(mixed, torch.Tensor)
        assert not mixed.requires_grad


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("levels", [None, 3])
def test_a_batch_equals_its_maps_one_by_one(name, levels):
    batch = data_of(15, 6, 12, 2, 3, levels=levels)
    found = score(name, batch, weights=SPHERE)
    for place in np.ndindex(2, 3):
        one = {key: array[place] for key, array in batch.items()}
        assert found[place] == pytest.approx(score(name, one, weights=SPHERE), abs=CLOSE)


@pytest.mark.parametrize(("name", "argument"), each_argument())
def test_leading_dimensions_are_broadcast(name, argument):
    batch, one = data_of(16, 6, 12, 2, 1), data_of(17)
    data = one | {argument: batch[argument]}
    found = score(name, data, weights=SPHERE)
    assert found.shape == (2, 1)
    for number in range(2):
        alone = score(name, one | {argument: batch[argument][number, 0]}, weights=SPHERE)
        assert found[number, 0] == pytest.approx(alone, abs=CLOSE)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [np.float32, np.float16, np.uint8, np.int64, bool])
def test_other_types_are_computed_in_double_precision(name, kind):
    data = {key: np.rint(array * 4).astype(kind) for key, array in data_of(18).items()}
    data["fixations"][0] = data["other_fixations"][1] = 0
    exact = {key: array.astype(np.float64) for key, array in data.items()}
    assert score(name, data) == score(name, exact)
    tensors = {key: torch.from_numpy(array) for key, array in data.items()}
    assert float(score(name, tensors)) == score(name, exact)


@pytest.mark.parametrize("name", NAMES)
def test_views_of_any_stride(name):
    big = data_of(19, 12, 24)
    views = {
        "strided": {key: array[::2, ::2] for key, array in big.items()},
        "upside down and mirrored": {key: array[:6, :12][::-1, ::-1] for key, array in big.items()},
        "column-major": {key: np.asfortranarray(array[:6, :12]) for key, array in big.items()},
        "swapped": {key: array[:12, :6].swapaxes(0, 1) for key, array in big.items()},
    }
    for how, view in views.items():
        copies = {key: array.copy(order="C") for key, array in view.items()}
        assert score(name, view) == score(name, copies), how
    tensors = {key: torch.from_numpy(array.copy())[::2, ::2] for key, array in big.items()}
    assert float(score(name, tensors)) == score(name, views["strided"])


@pytest.mark.parametrize("name", [*NAMES, "all_metrics"])
def test_inputs_stay_as_they_are(name):
    data, weights = data_of(20, 6, 12, 2), SPHERE.copy()
    before = {key: array.copy() for key, array in data.items()}
    tensors = {key: torch.from_numpy(array) for key, array in data.items()}  # share the arrays' memory
    for given_ in (data, tensors):
        if name == "all_metrics":
            m.all_metrics(**given_, weights=weights)
        else:
            score(name, given_, weights=weights)
    assert all(np.array_equal(data[key], array) for key, array in before.items())
    assert np.array_equal(weights, SPHERE)


@settings(max_examples=10)
@given(seeds, st.sampled_from([None, 4]), st.sampled_from([(), (2,)]), st.integers(0, 9))
def test_all_metrics_equals_each_alone(seed, levels, leading, drawn):
    data = data_of(seed, 6, 12, *leading, levels=levels)
    found = m.all_metrics(**data, weights=SPHERE, seed=drawn)
    assert tuple(found) == NAMES
    for name in NAMES:
        options = {"seed": drawn, "splits": None} if name == "auc_borji" else {}
        assert np.array_equal(found[name], score(name, data, weights=SPHERE, **options)), name
        assert type(found[name]) is (float if not leading else np.ndarray)


# --- what numbers and views may look like -----------------------------------------------------------------------------


@pytest.mark.parametrize("argument", ["target", "weights"])
def test_arrays_that_cannot_be_written_are_read(argument):
    data = data_of(26) | {"weights": SPHERE.copy()}
    expected = m.cc(data["target"], data["prediction"], weights=data["weights"])
    data[argument].flags.writeable = False  # as of `np.load(path, mmap_mode="r")`
    torch.set_warn_always(True)  # else once a process
    try:
        assert m.cc(data["target"], data["prediction"], weights=data["weights"]) == expected
    finally:
        torch.set_warn_always(False)


def test_weights_of_any_stride_and_byte_order():
    data = data_of(27)
    expected = score("cc", data, weights=UNEVEN[::-1].copy())
    for same in (UNEVEN[::-1], UNEVEN[::-1].astype(">f8"), UNEVEN[::-1].tolist()):
        assert score("cc", data, weights=same) == expected


def test_weights_that_are_no_numbers_are_refused_by_name():
    with pytest.raises(ShapeError, match="weights"):
        score("cc", data_of(27), weights="solid angle")


def test_one_row_upside_down():
    row = np.array([[1.0, 2, 4]])
    assert m.cc(row[::-1], row) == pytest.approx(1)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_batch_has_no_scores(name):
    data = data_of(28, 6, 12, 0)
    assert score(name, data).shape == (0,)


@pytest.mark.parametrize("offset", [1e4, 1e6, 1e8])
def test_small_differences_of_large_values(offset):
    data = data_of(29)
    # exact in float64: whole numbers
    t, p = (np.floor(data[name] * 64) for name in ("target", "prediction"))
    assert m.cc(t + offset, p, weights=SPHERE) == pytest.approx(m.cc(t, p, weights=SPHERE), abs=1e-9)
    assert m.cc(t, p + offset, weights=SPHERE) == pytest.approx(m.cc(t, p, weights=SPHERE), abs=1e-9)
    found = m.nss(p + offset, data["fixations"], weights=SPHERE)
    assert found == pytest.approx(m.nss(p, data["fixations"], weights=SPHERE), abs=1e-7)


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e200])
def test_very_small_and_very_large_values(size):
    data = data_of(30)
    for name in EXACT:
        expected = score(name, data, weights=SPHERE)
        for argument in set(ARGUMENTS[name]) & {"target", "prediction", "baseline"}:
            found = score(name, data | {argument: data[argument] * size}, weights=SPHERE)
            assert found == pytest.approx(expected, abs=1e-9), (name, argument)


def test_fixations_on_the_far_tail_of_a_density():
    # a Gaussian of 2° is 1e-307 and less at 75°: below what double precision holds in full
    prediction = np.array([[0.0, 1e-310, 1e-308, 1.0]])
    assert m.auc_judd(prediction, np.array([[1, 1, 0, 0]])) == 0
    assert m.auc_judd(prediction, np.array([[1, 0, 1, 0]])) == pytest.approx(1 / 4)
    assert m.auc_shuffled(prediction, np.array([[0, 1, 1, 0]]), np.array([[1, 0, 0, 1]])) == pytest.approx(1 / 2)


def test_scores_keep_to_their_range():
    for height in (6, 20, 40):
        rng, weights = np.random.default_rng(height), solid_angle_weights(height).numpy()
        for _ in range(20):
            saliency, peak = rng.random((height, 2 * height)), np.zeros((height, 2 * height))
            peak[tuple(rng.integers(0, height, 2))] = 1
            assert 0 <= m.sim(saliency, 3 * saliency, weights=weights) <= 1
            # epsilon takes up to itself from each pixel's term
            assert m.kld(saliency, 3 * saliency, weights=weights) > -2 * saliency.size * o.EPSILON
            assert -1 <= m.cc(saliency, -3 * saliency, weights=weights) <= 1
            assert 0 <= m.auc_judd(saliency + 2 * peak, peak, weights=weights) <= 1
            assert 0 <= m.auc_shuffled(saliency + 2 * peak, peak, 0.1 * (1 - peak), weights=weights) <= 1


# --- what must not change a score ------------------------------------------------------------------------------------


@few
@given(seeds, st.integers(1, 11), st.sampled_from([None, 4]))
def test_turning_the_sphere_about_its_axis_changes_nothing(seed, columns, levels):
    data = data_of(seed, levels=levels)
    turned = {key: np.roll(array, columns, axis=1) for key, array in data.items()}
    for name in EXACT:
        assert score(name, turned, weights=SPHERE) == pytest.approx(
            score(name, data, weights=SPHERE), rel=1e-11, abs=CLOSE
        ), name


def test_turning_one_map_alone_is_another_question():
    data = data_of(0)
    turned = np.roll(data["prediction"], 1, axis=1)
    assert abs(m.cc(data["target"], turned) - m.cc(data["target"], data["prediction"])) > 0.01


@few
@given(seeds, st.floats(1e-3, 1e3), st.floats(-100, 100))
def test_scale_and_shift_of_a_map(seed, factor, shift):
    data = data_of(seed)
    for name in EXACT:
        expected = score(name, data, weights=SPHERE)
        for argument in set(ARGUMENTS[name]) & {"target", "prediction", "baseline"}:
            scaled = data | {argument: data[argument] * factor}
            assert score(name, scaled, weights=SPHERE) == pytest.approx(expected, abs=1e-10), name
            if name in SHIFTABLE:
                shifted = data | {argument: data[argument] * factor + shift * factor}
                assert score(name, shifted, weights=SPHERE) == pytest.approx(expected, abs=1e-9), name


@few
@given(seeds, st.sampled_from([None, 4]))
def test_aucs_see_only_the_order_of_values(seed, levels):
    data = data_of(seed, levels=levels)
    for bent in (np.exp, np.cbrt, lambda x: x**3, lambda x: np.log(x + 1e-3)):
        changed = data | {"prediction": bent(data["prediction"])}
        for name in AREAS:
            assert score(name, changed, weights=SPHERE) == pytest.approx(score(name, data, weights=SPHERE), abs=CLOSE)
    upside_down = data | {"prediction": -data["prediction"]}
    for name in AREAS:
        assert score(name, upside_down) == pytest.approx(1 - score(name, data), abs=CLOSE)


def test_a_map_against_itself():
    data, weights = data_of(21), SPHERE
    t = data["target"]
    assert m.cc(t, t, weights=weights) == pytest.approx(1)
    assert m.cc(t, -t, weights=weights) == pytest.approx(-1)
    assert m.sim(t, t, weights=weights) == pytest.approx(1)
    assert m.kld(t, t, weights=weights) == pytest.approx(0, abs=1e-9)
    assert m.information_gain(t, 3 * t, data["fixations"], weights=weights) == pytest.approx(0, abs=1e-9)


def smooth(height):
    """Maps that are formulas of the direction, and six fixations."""
    lat = (0.5 - (np.arange(height) + 0.5) / height)[:, None] * np.pi
    lon = ((np.arange(2 * height) + 0.5) / height - 1) * np.pi
    target = np.exp(3 * np.cos(lat) * np.cos(lon))
    prediction = np.exp(2 * np.cos(lat) * np.cos(lon - 0.5) + np.sin(lat))
    fixations = np.zeros((height, 2 * height))
    for row, column in ((0.1, 0.3), (0.3, 0.52), (0.45, 0.6), (0.52, 0.48), (0.7, 0.9), (0.55, 0.55)):
        fixations[int(row * height), int(column * 2 * height)] = 1
    other = np.roll(fixations, height // 2, axis=1)
    return {
        "target": target,
        "prediction": prediction,
        "baseline": np.cos(lat) + 0 * lon,
        "fixations": fixations,
        "other_fixations": other,
    }


@pytest.mark.parametrize("name", EXACT)
def test_the_size_of_maps_hardly_matters_on_the_sphere(name):
    small, large = (score(name, smooth(height), weights=solid_angle_weights(height)) for height in (40, 120))
    # maps agree up to the pixels' size squared; fixations lie up to half a pixel, 2°, off
    tolerance = 1e-3 if name in ("cc", "sim", "kld", "kld_symmetric") else 0.05
    assert small == pytest.approx(large, abs=tolerance)


# --- AUC-Borji -------------------------------------------------------------------------------------------------------


def test_auc_borji_is_the_same_for_the_same_seed():
    data = data_of(22)
    assert score("auc_borji", data) == score("auc_borji", data)
    assert score("auc_borji", data, seed=1) == score("auc_borji", data, seed=1)
    assert score("auc_borji", data, seed=1) != score("auc_borji", data, seed=2)
    assert score("auc_borji", data, seed=0) == score("auc_borji", data)


@pytest.mark.parametrize("weights", [None, SPHERE, UNEVEN], ids=["flat", "sphere", "uneven"])
@pytest.mark.parametrize("levels", [None, 4])
def test_auc_borji_approaches_the_area_against_all_pixels(weights, levels):
    data = data_of(23, levels=levels)
    values, fixations = data["prediction"].ravel(), data["fixations"].ravel()
    exact = o.auc_by_pairs((values[fixations > 0], fixations[fixations > 0]), (values, o.spread(weights, (6, 12))))
    splits = 20_000
    noise = 0.3 / math.sqrt(splits * fixations.sum())
    assert score("auc_borji", data, weights=weights, splits=splits) == pytest.approx(exact, abs=5 * noise)


def test_auc_borji_draws_evenly_on_the_sphere():
    # the prediction is the row; a fixation in the middle outscores the share of the sphere above it
    prediction = -np.arange(6.0)[:, None] * np.ones(12)
    fixations = np.zeros((6, 12))
    fixations[1, 4] = 1000
    above_and_half = 1 - (SPHERE[0, 0] + SPHERE[1, 0] / 2) / SPHERE.sum()
    assert m.auc_borji(prediction, fixations, weights=SPHERE) == pytest.approx(above_and_half, abs=0.005)
    assert m.auc_borji(prediction, fixations) == pytest.approx(1 - 1.5 / 6, abs=0.005)


@pytest.mark.parametrize(("fixations", "splits"), [(40, 100), (5000, 20)])
def test_auc_borji_draws_100_splits_or_what_makes_100_000_pixels(fixations, splits):
    data = data_of(31)
    data["fixations"] = np.zeros((6, 12))
    data["fixations"][3, 3] = fixations
    default = m.auc_borji(data["prediction"], data["fixations"])
    assert default == score("auc_borji", data, splits=splits)
    assert default != score("auc_borji", data, splits=splits + 1)


@pytest.mark.parametrize("splits", [0, -1])
def test_auc_borji_needs_a_split(splits):
    with pytest.raises(ConfigError, match=f"splits {splits}"):
        score("auc_borji", data_of(24), splits=splits)


# --- devices ---------------------------------------------------------------------------------------------------------


@pytest.mark.gpu
@pytest.mark.parametrize("name", NAMES)
def test_scores_stay_on_the_cuda_device_and_equal_the_cpus(name):
    for data in (data_of(25), data_of(25, 6, 12, 2, levels=4)):
        tensors = {key: torch.from_numpy(array).cuda() for key, array in data.items()}
        found = score(name, tensors, weights=solid_angle_weights(6))
        assert (found.device.type, found.dtype) == ("cuda", torch.float64)
        assert found.cpu().numpy() == pytest.approx(np.asarray(score(name, data, weights=SPHERE)), abs=1e-10)
        together = m.all_metrics(**tensors, weights=SPHERE)[name]
        assert together.device.type == "cuda"
