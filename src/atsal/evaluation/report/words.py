"""What the report calls things: metrics, kinds, the settings of a protocol; and how it writes numbers."""

import math

from atsal.evaluation.protocol import Protocol
from atsal.evaluation.results import HIGHER_IS_BETTER, DatasetResult, Kind

NOTHING = "–"
LABELS = {
    "cc": "CC",
    "sim": "SIM",
    "kld": "KLD",
    "nss": "NSS",
    "auc_judd": "AUC-Judd",
    "auc_borji": "AUC-Borji",
    "auc_shuffled": "sAUC",
    "information_gain": "IG",
    "kld_symmetric": "KLD-sym",
}
MEANINGS = {
    "cc": "Pearson correlation of the predicted and the measured map",
    "sim": "what both maps share: the sum of the smaller probability at each pixel, 0 to 1",
    "kld": "Kullback-Leibler divergence KL(measured ‖ predicted) in nats",
    "nss": "mean over fixations of the map standardised to mean 0 and deviation 1; 0 is chance",
    "auc_judd": "area under the ROC curve, fixations against all other pixels; 0.5 is chance",
    "auc_borji": "area under the ROC curve, fixations against random pixels; 0.5 is chance",
    "auc_shuffled": "area under the ROC curve, fixations against those on other items; 0.5 is chance, and a prior "
    "fitted on the other items lies below",
    "information_gain": "bits per fixation gained over the equator prior (on photos, over the mean map)",
    "kld_symmetric": "mean of KL(measured ‖ predicted) and KL(predicted ‖ measured) in nats",
}
KINDS: dict[Kind, str] = {
    "baseline": "Baselines",
    "model": "Models",
    "maps": "Given maps",
    "ceiling": "Ceiling",
}
STREAMS = ("attention", "experts", "fused")
_DIRECTIONS = {
    "head": "where the head points",
    "head_eye": "where the eyes look, head and eyes together",
    "eye": "where the eyes look",
}
_EVENTS = {
    "fixations": "the fixations that the data set's authors detected",
    "samples": "every valid sample of gaze",
    "ivt": "fixations detected by velocity (I-VT)",
    "idt": "fixations detected by dispersion (I-DT)",
}
_WINDOWS = {
    "frame": "one frame",
    "200ms": "200 ms",
    "clip": "the whole item",
}


def number(value: float | None, *, signed: bool = False) -> str:
    """Three decimals, a true minus sign; a dash for None."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:+.3f}" if signed else f"{value:z.3f}"  # signed, a rounded zero keeps its side: [−0.000, +0.146]
    return text.replace("-", "−")


def interval(low: float | None, high: float | None, *, signed: bool = False) -> str:
    """The ends of an interval in brackets; nothing where there is none."""
    if low is None or high is None:
        return ""
    return f"[{number(low, signed=signed)}, {number(high, signed=signed)}]"


def label(metric: str) -> str:
    """A metric's name with the direction that is better."""
    return f"{LABELS[metric]} {'↑' if HIGHER_IS_BETTER[metric] else '↓'}"


def split_stream(predictor: str) -> tuple[str, str] | None:
    """("lite", "fused") of "lite: fused"; None for other names."""
    name, _, stream = predictor.rpartition(": ")
    return (name, stream) if name and stream in STREAMS else None


def told(value: object) -> str:
    """A setting's or a fact's value."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {told(found)}" for name, found in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(told, value))
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}" if value >= 10_000 else str(value)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NOTHING
    return str(value)


def protocol_sentence(protocol: Protocol) -> str:
    """What a score means, in one paragraph."""
    part = "all items" if protocol.part is None else f"the items of part “{protocol.part}” of split “{protocol.split}”"
    measured = (
        "a Gaussian around each fixation whose width is the data set's share of the photo's width"
        if protocol.sigma_deg is None
        else f"a Gaussian of σ = {protocol.sigma_deg:g}° on the sphere around each fixation"
    )
    weighed = "by the solid angle that they cover" if protocol.weighting == "solid_angle" else "all the same"
    return (
        f"Maps are scored as predictions of {_DIRECTIONS[protocol.direction]}, on {part}. A measured map pools the "
        f"gaze of {_WINDOWS[protocol.window]} of all viewers, {measured}; what counts as a fixation: "
        f"{_EVENTS[protocol.events]}. Maps are compared at {_size(protocol)}; pixels count {weighed}. Scores are "
        "averaged over the windows of an item, then over items."
    )


def protocol_table(result: DatasetResult) -> list[tuple[str, str]]:
    """The settings of a protocol, in words."""
    protocol = result.protocol
    scored = "all items" if protocol.part is None else f"part “{protocol.part}” of split “{protocol.split}”"
    priors = "the other items" if protocol.fit_part is None else f"part “{protocol.fit_part}”"
    rows = [
        ("data set", result.title),
        ("gaze", f"{_DIRECTIONS[protocol.direction]} ({protocol.direction})"),
        ("a fixation is", _EVENTS[protocol.events]),
        ("σ of measured maps", "share of the width" if protocol.sigma_deg is None else f"{protocol.sigma_deg:g}°"),
        ("one map pools", _WINDOWS[protocol.window]),
        ("size of maps", _size(protocol)),
        ("weight of a pixel", "solid angle" if protocol.weighting == "solid_angle" else "1 (no weighting)"),
        ("scored", scored),
        ("priors are fitted on", priors),
        ("metrics", ", ".join(LABELS[metric] for metric in protocol.metrics)),
        ("source", protocol.source),
    ]
    return [*((name, text) for name, text in rows if text), *(("note", note) for note in protocol.notes)]


def _size(protocol: Protocol) -> str:
    height = protocol.erp_height
    return "the photo's own size" if height is None else f"{2 * height} × {height} pixels"
