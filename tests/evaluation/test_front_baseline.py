"""The front prior as a baseline: at what time, of which direction, and marked where the shipped one saw the set."""

import dataclasses

import numpy as np
import pytest
import torch

from atsal.config import from_mapping
from atsal.datasets import dataset_named
from atsal.datasets.dataset import Stimulus
from atsal.datasets.prepared import frame_times as times
from atsal.errors import OutputError
from atsal.evaluation import front_baseline
from atsal.evaluation.baselines import BASELINES
from atsal.evaluation.benchmark import Benchmark
from atsal.evaluation.benchmark_config import BenchmarkConfig
from atsal.evaluation.front_baseline import front_prior_maps
from atsal.evaluation.ground_truth import GroundTruth
from atsal.evaluation.priors import OtherItems, PooledGaze
from atsal.evaluation.scoring import score_item
from atsal.gaze.records import Fixations
from atsal.models.front_prior import PHOTO, FrontPrior
from atsal.models.front_prior_file import read_front_priors
from evaluation.conftest import ROWS, prepared, protocol
from fakes.avtrack360 import write_avtrack360


def alone(direction, *seconds):
    """The shipped prior at the strength of the fit."""
    config = dataclasses.replace(read_front_priors().of(direction), video_strength=1.0)
    return FrontPrior(config, ROWS)(torch.tensor(seconds, dtype=torch.float64))[:, 0].numpy()


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    """AVTrack360 with stills of two clips of 4 s."""
    root = tmp_path_factory.mktemp("heads")
    write_avtrack360(root / "raw", items=2, observers=3, stills=True)
    return prepared("avtrack360", root / "raw", root / "prepared")


def test_videos_have_it_at_the_middle_of_each_window_and_images_as_photos(truth, pooled):
    found = BASELINES["front-prior"].make_maps(truth, pooled, "video_2")
    np.testing.assert_allclose(found, alone("head_eye", 0.1, 0.3, 0.5, 0.7, 0.9))
    np.testing.assert_allclose(
        BASELINES["front-prior"].make_maps(truth, pooled, "image_1"), alone("head_eye", PHOTO)[0]
    )


def test_whole_clips_have_its_mean(truth):
    clips = GroundTruth(truth.prepared, dataclasses.replace(truth.protocol, window="clip"))
    np.testing.assert_allclose(front_prior_maps(clips, "video_2"), alone("head_eye", 0.25, 0.75).mean(0))


def test_stills_of_clips_have_it_at_their_time_and_towards_the_head(heads):
    truth = GroundTruth(heads, protocol("avtrack360"))
    np.testing.assert_allclose(front_prior_maps(truth, "1"), alone("head", 15.0)[0])
    assert dataset_named("salient360-images").still_s is None


def test_it_is_marked_where_the_shipped_prior_has_seen_the_set(heads, base_of, photo_set):
    (found,) = base_of(heads, "avtrack360", {"baseline": "front-prior"}, {"baseline": "uniform"}).datasets
    assert found.run("front-prior").in_sample == ("1", "2")
    assert found.run("front-prior").settings["prior"]
    assert found.run("uniform").in_sample == ()
    (found,) = base_of(photo_set, "flat-photos", {"baseline": "front-prior"}, {"baseline": "uniform"}).datasets
    assert "flat photos" in found.failed["front-prior"]


def test_it_is_not_marked_elsewhere(folder_set, base_of):
    (found,) = base_of(folder_set, "folder-video", {"baseline": "front-prior"}).datasets
    assert found.run("front-prior").in_sample == ()
    assert found.run("front-prior").items[0].scores["cc"] is not None


@pytest.fixture
def base_of(tmp_path):
    def run(prepared_set, ready, *predictors):
        entry = {"prepared": str(prepared_set.folder), "protocol": ready, "name": "set"}
        values = {"title": "t", "datasets": [entry], "predictors": list(predictors)}
        output = tmp_path / f"out of {ready}"
        return Benchmark(from_mapping(BenchmarkConfig, values, "t"), tmp_path, output).run()

    return run


def test_it_beats_latitudes_where_viewers_keep_to_the_front(truth):
    class Front(GroundTruth):
        """Gaze about the front, anywhere on the equator for one in four."""

        def gaze(self, item, window=None):
            rng = np.random.default_rng(truth.items.index(item))
            lon = np.where(rng.random(200) < 0.75, rng.normal(0, 0.4, 200), rng.uniform(-np.pi, np.pi, 200))
            return Fixations(np.full(200, "a"), lon, rng.normal(0, 0.15, 200))

    front = Front(truth.prepared, dataclasses.replace(truth.protocol, window="clip"))
    pooled = PooledGaze.of(front)
    for item, least in (("video_2", 0.3), ("image_1", 0.02)):
        equator, found = (
            score_item(
                front, item, OtherItems(front, pooled, item), [(0, BASELINES[name].make_maps(front, pooled, item))]
            ).scores
            for name in ("equator-prior", "front-prior")
        )
        assert found["nss"] > equator["nss"]
        assert found["information_gain"] > least


@pytest.mark.parametrize("stimulus", [Stimulus("frames", 128, 64, 10), Stimulus()])
def test_without_a_rate_it_is_late(truth, monkeypatch, stimulus):
    """Of a folder of frames, and of gaze whose video is not there."""
    monkeypatch.setattr(truth.prepared, "stimulus", lambda _item: stimulus)
    clips = GroundTruth(truth.prepared, dataclasses.replace(truth.protocol, window="clip"))
    np.testing.assert_allclose(front_prior_maps(clips, "video_2"), alone("head_eye", 30.0)[0])
    frames = GroundTruth(truth.prepared, dataclasses.replace(truth.protocol, window="frame"))
    found = front_prior_maps(frames, "video_2")
    np.testing.assert_allclose(found, alone("head_eye", 30.0).repeat(len(found), 0))


def test_frames_of_an_uneven_rate_have_their_own_times(truth, monkeypatch):
    uneven = dataclasses.replace(truth.prepared.stimulus("video_2"), uneven_rate=True)
    shown = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 2.0, 2.1, 2.2, 2.3, 2.4])
    monkeypatch.setattr(truth.prepared, "stimulus", lambda _item: uneven)
    monkeypatch.setattr(times, "_read_times", lambda _path: shown)
    np.testing.assert_allclose(times.frame_seconds(truth.prepared, "video_2", [4, 4.5, 6]), [0.4, 1.2, 2.1])
    np.testing.assert_allclose(front_prior_maps(truth, "video_2"), alone("head_eye", 0.1, 0.3, 2.0, 2.2, 2.4))
    monkeypatch.setattr(truth.prepared, "source", truth.prepared.folder / "gone")
    assert times.frame_seconds(truth.prepared, "video_2", [4]) == [0.4]


def test_its_maps_are_made_anew_where_what_they_depend_on_has_changed(folder_set, base_of, monkeypatch):
    entry = {"baseline": "front-prior"}
    (found,) = base_of(folder_set, "folder-video", entry).datasets
    assert found.run("front-prior").settings["still_s"] is None
    assert found.run("front-prior").settings["skip_s"] == 0.0
    monkeypatch.setattr(front_baseline, "VERSION", 99)
    with pytest.raises(OutputError, match=r"version was '1', is '99'.*--overwrite"):
        base_of(folder_set, "folder-video", entry)
