"""Which published figures ours may be held against: hardly any, and each says why."""

from dataclasses import replace

import pytest

from atsal.errors import ConfigError
from atsal.evaluation.protocol import protocol_names, read_protocol
from atsal.evaluation.published_scores import PAPER, PUBLISHED_METRICS, PublishedRow, PublishedScore, published_rows

VR = read_protocol("vr-eyetracking")
SAME = replace(VR, weighting="none")  # as the paper, as far as it says


def row(rows: tuple[PublishedRow, ...], model: str) -> PublishedRow:
    return next(found for found in rows if found.model == model)


def test_rows_are_those_of_the_paper():
    found = row(published_rows("vr-eyetracking", VR), "ATSal (ii): fused")
    assert [found.scores[metric].value for metric in PUBLISHED_METRICS] == [0.862, 2.185, 0.363, 0.312, 5.561]
    found = row(published_rows("salient360-videos", read_protocol("salient360-video")), "ATSal (i): experts")
    assert [found.scores[metric].value for metric in PUBLISHED_METRICS] == [0.870, 2.438, 0.366, 0.227, 6.990]


def test_every_row_of_the_table_is_there_once():
    for protocol, count in ((VR, 13), (read_protocol("salient360-video"), 11)):
        paper = [found.model for found in published_rows(protocol.datasets[0], protocol) if found.source == PAPER]
        assert len(paper) == len(set(paper)) == count
        assert all(
            len(found.scores) == 5 for found in published_rows(protocol.datasets[0], protocol) if found.source == PAPER
        )


def test_later_rows_have_only_what_was_reported():
    rows = published_rows("vr-eyetracking", VR)
    assert set(row(rows, "Djilali et al. 2021").scores) == {"nss"}
    assert {metric: score.value for metric, score in row(rows, "SalViT360").scores.items()} == {
        "nss": 2.63,
        "cc": 0.586,
        "sim": 0.492,
    }
    assert not any(score.comparable for found in rows if found.source != PAPER for score in found.scores.values())


def test_only_cc_and_sim_compare_and_only_in_kind():
    found = row(published_rows("vr-eyetracking", SAME), "ATSal (ii): fused")
    assert {metric for metric, score in found.scores.items() if score.comparable} == {"cc", "sim"}
    assert "in kind" in found.scores["cc"].why


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"weighting": "solid_angle"}, "other weighting"),
        ({"sigma_deg": 5.0}, "other σ"),
        ({"split": "ca-sum-360"}, "other videos"),
        ({"split": None, "part": None, "fit_part": None}, "other videos"),
        ({"part": "train", "fit_part": None}, "other videos"),
        ({"direction": "head"}, "other direction"),
    ],
)
def test_what_is_done_otherwise_stands_against_it(change, why):
    score = row(published_rows("vr-eyetracking", replace(SAME, **change)), "ATSal (ii): fused").scores["cc"]
    assert not score.comparable
    assert why in score.why


@pytest.mark.parametrize("name", protocol_names())
def test_only_the_papers_own_protocol_can_be_compared_and_only_in_maps(name):
    protocol = read_protocol(name)
    rows = [row for dataset in protocol.datasets for row in published_rows(dataset, protocol)]
    assert bool(rows) == bool({"vr-eyetracking", "salient360-videos"} & set(protocol.datasets))
    for found in rows:
        assert found.dataset in protocol.datasets
        assert found.source
        for score in found.scores.values():
            assert score.why
    comparable = {metric for found in rows for metric, score in found.scores.items() if score.comparable}
    assert comparable == ({"cc", "sim"} if name == "vr-eyetracking-paper" else set())


def test_salient360_never_compares():
    protocol = replace(read_protocol("salient360-video"), weighting="none", split="published", part="test")
    assert not any(
        score.comparable for found in published_rows("salient360-videos", protocol) for score in found.scores.values()
    )


def test_a_part_of_the_videos_does_not_compare():
    rows = published_rows("vr-eyetracking", SAME, whole=False)
    assert not any(score.comparable for found in rows for score in found.scores.values())
    assert "some of its videos are not here" in row(rows, "ATSal (ii): fused").scores["cc"].why


def test_other_data_sets_have_no_published_rows():
    assert published_rows("folder", SAME) == ()


def test_a_published_figure_by_an_unknown_name_is_refused():
    with pytest.raises(ConfigError, match="unknown metric 'kld_sym'; did you mean 'kld_symmetric'"):
        PublishedRow("a model", "vr-eyetracking", PAPER, {"kld_sym": PublishedScore(1.0, False, "why")})
