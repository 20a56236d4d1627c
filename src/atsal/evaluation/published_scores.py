"""Figures of the literature on the data sets that are scored here, and which of them ours may be held against.

Few may. The paper's own evaluation (Dahou et al. 2020, as released) averaged AUC and NSS with the ground truth's own
score, took its fixations from thresholded maps, averaged KLD over both directions on 8-bit maps with exact zeros, and
gave all pixels the same weight. Later papers do not state all of σ, size and weighting.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from atsal.config import suggest_name
from atsal.errors import ConfigError
from atsal.evaluation.metrics import METRICS
from atsal.evaluation.protocol import Protocol

PUBLISHED_METRICS = ("auc_judd", "nss", "cc", "sim", "kld_symmetric")  # by our names, in the order of the paper's table
PAPER = "Dahou et al. 2020, arXiv 2011.10600"
_SALIENT, _VR = "salient360-videos", "vr-eyetracking"
_VR_SIGMA_DEG = 9.35
_LATER = "Later papers, as reported there"


@dataclass(frozen=True)
class PublishedScore:
    """One published figure; `why` says what stands against a comparison, or what is left open by it."""

    value: float
    comparable: bool
    why: str


@dataclass(frozen=True)
class PublishedRow:
    """One model's published figures on one data set."""

    model: str
    dataset: str
    source: str
    scores: Mapping[str, PublishedScore]  # by our name of the metric

    def __post_init__(self) -> None:
        """Refuse a name that is no metric's: its figures would stand beside nothing."""
        for metric in self.scores:
            if metric not in METRICS:
                raise ConfigError(f"published, {self.model}: unknown metric {metric!r}{suggest_name(metric, METRICS)}")

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        scores = {metric: vars(score) for metric, score in self.scores.items()}
        return {"model": self.model, "dataset": self.dataset, "source": self.source, "scores": scores}


# AUC-J, NSS, CC, SIM, KLD on Salient360! video, and on VR-EyeTracking
_TABLE: dict[str, tuple[tuple[float, ...] | None, tuple[float, ...] | None]] = {
    "Unisal": ((0.746, 1.258, 0.206, 0.190, 8.524), (0.764, 1.798, 0.314, 0.281, 6.767)),
    "SalEMA": (None, (0.772, 1.790, 0.320, 0.284, 6.532)),
    "3DSal": ((0.656, 0.898, 0.192, 0.139, 10.129), (0.679, 1.229, 0.228, 0.232, 8.317)),
    "U-Net (Zhang et al.)": ((0.725, 0.864, 0.129, 0.122, 9.810), (0.818, 1.430, 0.331, 0.247, 7.070)),
    "CP-360 (Cheng et al.)": ((0.819, 1.094, 0.175, 0.213, 9.313), (0.735, 0.914, 0.171, 0.179, 8.879)),
    "SalGAN360": (None, (0.704, 1.267, 0.236, 0.238, 7.625)),
    "Two-Stream": ((0.787, 1.608, 0.265, 0.179, 8.252), (0.827, 1.906, 0.346, 0.254, 7.127)),
    "ATSal (i): attention": ((0.827, 1.397, 0.222, 0.168, 8.225), (0.795, 1.338, 0.255, 0.229, 7.405)),
    "ATSal (i): experts": ((0.870, 2.438, 0.366, 0.227, 6.990), (0.754, 1.292, 0.221, 0.224, 7.840)),
    "ATSal (i): fused": ((0.881, 2.580, 0.363, 0.252, 6.327), (0.801, 1.590, 0.265, 0.255, 6.571)),
    "ATSal (ii): attention": ((0.796, 1.299, 0.201, 0.168, 7.973), (0.836, 1.791, 0.342, 0.302, 5.664)),
    "ATSal (ii): experts": ((0.807, 1.564, 0.242, 0.223, 7.679), (0.778, 1.388, 0.259, 0.211, 7.407)),
    "ATSal (ii): fused": ((0.837, 1.764, 0.285, 0.255, 7.382), (0.862, 2.185, 0.363, 0.312, 5.561)),
}
# later papers, VR-EyeTracking: where the model comes from; NSS, CC, SIM
_LATER_TABLE: dict[str, tuple[str, tuple[float | None, ...]]] = {
    "ATSal, evaluated by others": ("model: arXiv 2011.10600", (1.317, 0.336, 0.318)),
    "PAVER": ("model: Yun et al., ECCV 2022", (1.511, 0.307, 0.294)),
    "SalViT360": ("model: arXiv 2308.13004", (2.630, 0.586, 0.492)),
    "SalViT360-AV": ("model: arXiv 2508.20221", (2.821, 0.599, 0.511)),
    "Djilali et al. 2021": ("model: ICCV 2021", (3.183, None, None)),
    "SalFormer360": ("model: arXiv 2602.04584", (None, 0.593, None)),
}


def published_rows(dataset: str, protocol: Protocol, *, whole: bool = True) -> tuple[PublishedRow, ...]:
    """The published rows about a data set, each figure with whether ours may be held against it.

    `whole` says whether all items of the protocol's parts are there.
    """
    rows = []
    if dataset in (_SALIENT, _VR):
        number = (_SALIENT, _VR).index(dataset)
        rows += [_paper_row(model, dataset, both[number], protocol, whole) for model, both in _TABLE.items()]
    if dataset == _VR:
        rows += [_later_row(model, *entry) for model, entry in _LATER_TABLE.items()]
    return tuple(row for row in rows if row.scores)


def _paper_row(
    model: str, dataset: str, values: tuple[float, ...] | None, protocol: Protocol, whole: bool
) -> PublishedRow:
    scores = {
        metric: PublishedScore(value, *_comparability(metric, dataset, protocol, whole))
        for metric, value in zip(PUBLISHED_METRICS if values else (), values or (), strict=True)
    }
    return PublishedRow(model, dataset, PAPER, scores)


def _later_row(model: str, origin: str, values: tuple[float | None, ...]) -> PublishedRow:
    why = "the later papers do not state all of σ, size and weighting"
    scores = {
        metric: PublishedScore(value, False, why)
        for metric, value in zip(("nss", "cc", "sim"), values, strict=True)
        if value is not None
    }
    return PublishedRow(model, _VR, f"{_LATER}; {origin}", scores)


def _comparability(metric: str, dataset: str, protocol: Protocol, whole: bool) -> tuple[bool, str]:
    """Whether the paper's figure is of the same kind as ours, and why not or with what left open."""
    if metric in ("auc_judd", "nss"):
        return False, "the paper's is averaged with the ground truth's own score, on fixations from thresholded maps"
    if metric == "kld_symmetric":
        return False, "the paper's measured maps have 8 bits and exact zeros, which make most of it; ours are not cut"
    differences = _differences(dataset, protocol) + ["some of its videos are not here"] * (not whole)
    if differences:
        return False, "; ".join(differences)
    return True, "in kind only: same videos, σ and weighting; size, bit depth and pooling of frames may differ"


def _differences(dataset: str, protocol: Protocol) -> list[str]:
    """What the protocol does otherwise than the paper."""
    found = []
    if dataset == _SALIENT:
        found.append("the paper does not state its test videos")
    elif (protocol.split, protocol.part) != ("published", "test"):
        found.append("other videos than the published test part")
    if dataset == _VR and protocol.sigma_deg != _VR_SIGMA_DEG:
        found.append(f"other σ: the paper's maps have {_VR_SIGMA_DEG}°")
    if protocol.direction != "head_eye":
        found.append("other direction: the paper predicts head and eye")
    if protocol.weighting != "none":
        found.append("other weighting: the paper gives all pixels the same")
    return found
