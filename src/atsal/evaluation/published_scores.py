"""The figures of papers on the scored data sets (`published_scores.csv`), and which of them ours can be compared with.

Few can. The paper's own evaluation (Dahou et al. 2020, as released) averaged AUC and NSS with the ground truth's own
score, took its fixations from thresholded maps, averaged KLD over both directions on 8-bit maps with exact zeros, and
gave all pixels the same weight. Later papers do not state all of σ, size and weighting.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from atsal.evaluation.metric_registry import metric_named
from atsal.evaluation.protocol import Protocol

PUBLISHED_METRICS = ("auc_judd", "nss", "cc", "sim", "kld_symmetric")  # by our names, in the order of the paper's table
PAPER = "Dahou et al. 2020, arXiv 2011.10600"
_SALIENT360, _VR_EYETRACKING = "salient360-videos", "vr-eyetracking"
_SIGMA_DEG = 9.35  # of the paper's maps of VR-EyeTracking


@dataclass(frozen=True)
class PublishedScore:
    """One published figure; `why` says what forbids a comparison, or what is still unknown in one."""

    value: float
    comparable: bool
    why: str


@dataclass(frozen=True)
class PublishedRow:
    """The published figures of one model on one data set."""

    model: str
    dataset: str
    source: str
    scores: Mapping[str, PublishedScore]  # by our name of the metric

    def __post_init__(self) -> None:
        """Raise `ConfigError` for an unknown metric, because its figures would stand beside nothing."""
        for metric in self.scores:
            metric_named(metric)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        scores = {metric: vars(score) for metric, score in self.scores.items()}
        return {"model": self.model, "dataset": self.dataset, "source": self.source, "scores": scores}


def published_rows(dataset: str, protocol: Protocol, *, whole: bool = True) -> tuple[PublishedRow, ...]:
    """Return the published rows about a data set, each figure with whether ours can be compared with it.

    `whole` says whether all items of the protocol's parts are prepared.
    """
    text = resources.files(__package__).joinpath("published_scores.csv").read_text(encoding="utf-8")
    rows = []
    for line in csv.DictReader(text.splitlines()):
        if line["dataset"] == dataset:
            scores = {
                metric: PublishedScore(float(line[metric]), *_comparability(metric, line, protocol, whole))
                for metric in PUBLISHED_METRICS
                if line[metric]
            }
            rows.append(PublishedRow(line["model"], dataset, line["source"], scores))
    return tuple(rows)


def _comparability(metric: str, line: Mapping[str, str], protocol: Protocol, whole: bool) -> tuple[bool, str]:
    """Whether a figure is of the same kind as ours, and why not or what is still unknown."""
    if line["source"] != PAPER:
        return False, "the later papers do not state all of σ, size and weighting"
    if metric in ("auc_judd", "nss"):
        return False, "the paper's is averaged with the ground truth's own score, on fixations from thresholded maps"
    if metric == "kld_symmetric":
        return False, "the paper's measured maps have 8 bits and exact zeros, which make most of it; ours are not cut"
    differences = _differences(line["dataset"], protocol) + ["some of its videos are not here"] * (not whole)
    if differences:
        return False, "; ".join(differences)
    return True, "in kind only: same videos, σ and weighting; size, bit depth and pooling of frames may differ"


def _differences(dataset: str, protocol: Protocol) -> list[str]:
    """How the protocol differs from the paper."""
    found = []
    if dataset == _SALIENT360:
        found.append("the paper does not state its test videos")
    elif (protocol.split, protocol.part) != ("published", "test"):
        found.append("other videos than the published test part")
    if dataset == _VR_EYETRACKING and protocol.sigma_deg != _SIGMA_DEG:
        found.append(f"other σ: the paper's maps have {_SIGMA_DEG}°")
    if protocol.direction != "head_eye":
        found.append("other direction: the paper predicts head and eye")
    if protocol.weighting != "none":
        found.append("other weighting: the paper gives all pixels the same")
    return found
