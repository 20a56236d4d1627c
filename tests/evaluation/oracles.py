"""The metrics once more, slowly: by SciPy, scikit-learn, plain numpy and by comparing every pair."""

import numpy as np
from scipy.stats import pearsonr
from sklearn.metrics import roc_auc_score

ARGUMENTS = {
    "cc": ("target", "prediction"),
    "sim": ("target", "prediction"),
    "kld": ("target", "prediction"),
    "kld_symmetric": ("target", "prediction"),
    "nss": ("prediction", "fixations"),
    "auc_judd": ("prediction", "fixations"),
    "auc_borji": ("prediction", "fixations"),
    "auc_shuffled": ("prediction", "fixations", "other_fixations"),
    "information_gain": ("prediction", "baseline", "fixations"),
}
EPSILON = 2.2204e-16


def data_of(seed, height=6, width=12, *leading, levels=None):
    """Every argument of a metric; maps of few `levels` are full of ties."""
    rng, shape = np.random.default_rng(seed), (*leading, height, width)
    found = {name: rng.random(shape) for name in ("target", "prediction", "baseline")}
    if levels:
        found = {name: np.floor(array * levels) for name, array in found.items()}
    for name, most in (("fixations", 3), ("other_fixations", 4)):
        found[name] = rng.integers(0, most, shape) * rng.integers(0, 2, shape).astype(float)
    return found


def spread(weights, shape):
    return np.broadcast_to(np.ones((1, 1)) if weights is None else np.asarray(weights), shape).ravel()


def probability(saliency, weights=None):
    mass = saliency.ravel() * spread(weights, saliency.shape)
    return mass / mass.sum()


def repeated(times, *maps):
    """Each map's values, a pixel as often as `times` (integers) says."""
    return [np.repeat(array.ravel(), spread(times, array.shape)) for array in maps]


def cc_by_repetition(target, prediction, times):
    return pearsonr(*repeated(times, target, prediction))[0]


def cc_by_formula(target, prediction, weights=None):
    w = spread(weights, target.shape)
    (a, b), w = (target.ravel(), prediction.ravel()), w / w.sum()
    a, b = a - (w * a).sum(), b - (w * b).sum()
    return (w * a * b).sum() / np.sqrt((w * a * a).sum() * (w * b * b).sum())


def sim_by_formula(target, prediction, weights=None):
    return np.minimum(probability(target, weights), probability(prediction, weights)).sum()


def kld_by_formula(target, prediction, weights=None, epsilon=EPSILON):
    t, p = probability(target, weights), probability(prediction, weights)
    return (t * np.log(epsilon + t / (p + epsilon))).sum()


def nss_by_formula(prediction, fixations, weights=None):
    values, w = prediction.ravel(), spread(weights, prediction.shape)
    mean = np.average(values, weights=w)
    deviation = np.sqrt(np.average((values - mean) ** 2, weights=w))
    return np.repeat((values - mean) / deviation, fixations.ravel().astype(int)).mean()


def information_gain_by_formula(prediction, baseline, fixations, weights=None, epsilon=EPSILON):
    gains = np.log2(epsilon + probability(prediction, weights)) - np.log2(epsilon + probability(baseline, weights))
    return np.repeat(gains, fixations.ravel().astype(int)).mean()


def judd_sides(prediction, fixations, weights=None):
    """(values, weights) of fixations, and of the pixels without one."""
    values, counts, w = prediction.ravel(), fixations.ravel(), spread(weights, prediction.shape)
    return (values[counts > 0], counts[counts > 0]), (values[counts == 0], w[counts == 0])


def shuffled_sides(prediction, fixations, other_fixations):
    values = prediction.ravel()
    return tuple((values[c > 0], c[c > 0]) for c in (fixations.ravel(), other_fixations.ravel()))


def auc_by_sklearn(positives, negatives):
    truth = np.r_[np.ones(len(positives[0])), np.zeros(len(negatives[0]))]
    values, weights = (np.concatenate(pair) for pair in zip(positives, negatives, strict=True))
    return roc_auc_score(truth, values, sample_weight=weights)


def auc_by_pairs(positives, negatives, tie=0.5):
    (p, pw), (n, nw) = positives, negatives
    wins = (p[:, None] > n) + tie * (p[:, None] == n)
    return (pw[:, None] * nw * wins).sum() / pw.sum() / nw.sum()
