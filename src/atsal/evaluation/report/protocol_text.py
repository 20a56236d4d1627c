"""A protocol in words."""

from atsal.evaluation.metric_registry import metric_named
from atsal.evaluation.protocol import Protocol
from atsal.untrusted.text import plural

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
    "any": "what the set was prepared for",
}
_WINDOWS = {"frame": "one frame", "200ms": "200 ms", "clip": "the whole item"}


def protocol_text(protocol: Protocol) -> str:
    """Return what a score means, in one paragraph."""
    measured = (
        "a Gaussian around each fixation whose width is the data set's share of the photo's width"
        if protocol.sigma_deg is None
        else f"a Gaussian of σ = {protocol.sigma_deg:g}° on the sphere around each fixation"
    )
    weighting = "by the solid angle that they cover" if protocol.weighting == "solid_angle" else "all the same"
    return (
        f"Maps are scored as predictions of {_DIRECTIONS[protocol.direction]}, on {_scored_part(protocol)}. A measured "
        f"map pools the gaze of {_WINDOWS[protocol.window]} of all viewers, {measured}; what counts as a fixation: "
        f"{_EVENTS[protocol.events]}. Maps are compared at {_map_size(protocol)}; pixels count {weighting}. Scores are "
        "averaged over the windows of an item, then over items."
    )


def protocol_entries(dataset_title: str, protocol: Protocol) -> list[tuple[str, str]]:
    """Return the settings of a protocol in words."""
    entries = [
        ("data set", dataset_title),
        ("gaze", f"{_DIRECTIONS[protocol.direction]} ({protocol.direction})"),
        ("a fixation is", _EVENTS[protocol.events]),
        ("σ of measured maps", "share of the width" if protocol.sigma_deg is None else f"{protocol.sigma_deg:g}°"),
        ("one map pools", _WINDOWS[protocol.window]),
        ("size of maps", _map_size(protocol)),
        ("weight of a pixel", "solid angle" if protocol.weighting == "solid_angle" else "1 (no weighting)"),
        ("scored", _scored_part(protocol)),
        ("priors are fitted on", f"part “{protocol.fit_part}”" if protocol.fit_part else "the other items"),
        ("metrics", ", ".join(metric_named(metric).label for metric in protocol.metrics)),
        ("source", protocol.source),
        *(("note", note) for note in protocol.notes),
    ]
    return [(name, text) for name, text in entries if text]


def _scored_part(protocol: Protocol) -> str:
    if protocol.items:
        return plural(len(protocol.items), "chosen item")
    return "all items" if protocol.part is None else f"the items of part “{protocol.part}” of split “{protocol.split}”"


def _map_size(protocol: Protocol) -> str:
    height = protocol.erp_height
    return "the photo's own size" if height is None else f"{2 * height} × {height} pixels"
