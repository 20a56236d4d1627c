"""Direction, front and time, as users reach them."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from torch import nn

from atsal import load_model
from atsal.cli.parameters import DIRECTION
from atsal.errors import ConfigError, OutputError
from atsal.models import DIRECTIONS
from atsal.models.config import ModelConfig
from atsal.models.front_prior import PHOTO
from atsal.models.loading import build_network, find_weights
from atsal.models.two_stream import ATSal
from atsal.prediction.compare import compare
from atsal.prediction.job import predict_source
from atsal.prediction.options import Options, ReadOptions
from atsal.prediction.predictor import Predictor
from atsal.prediction.run_record import changed_settings
from atsal.prediction.runtimes import start_session
from atsal.prediction.runtimes.onnx_graph import RecurrentStep
from atsal.prediction.sources import Source
from atsal.prediction.streams import STREAMS, finish_maps, other_direction
from atsal.projection.sphere import solid_angle_weights
from atsal.video.reader import Frame, read_frames

NPY = Options(formats=("npy",))


@pytest.fixture(scope="module")
def model():
    """Makes a predictor with these settings."""
    made = {}

    def make(**settings):
        key = tuple(sorted(settings.items()))
        if key not in made:
            made[key] = load_model("lite", device="cpu", runtime="torch", **settings)
        return made[key]

    return make


def ahead(saliency, degrees=30):
    """The share of the looks within so many degrees of longitude 0."""
    rows, columns = saliency.shape
    looks = (saliency * solid_angle_weights(rows).numpy()).sum(0)
    half = round(columns * degrees / 360)
    return looks[columns // 2 - half : columns // 2 + half].sum() / looks.sum()


def prior(predictor, seconds):
    return predictor.network.prior(torch.tensor([seconds]))[0, 0].numpy()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_both_directions_come_from_one_run(model, scene, direction):
    """The other direction is what a model of that direction predicts, with its own prior."""
    (other,) = (known for known in DIRECTIONS if known != direction)
    frames = [Frame(index, index / 2, scene) for index in range(3)]
    names = (*STREAMS, *other_direction(direction))
    found = list(model(direction=direction).predict_frames(frames, streams=names))
    alone = list(model(direction=other).predict_frames(frames))
    for both, expected in zip(found, alone, strict=True):
        for name in STREAMS:
            np.testing.assert_allclose(both.maps[f"{name}-{other}"], expected.maps[name], rtol=1e-5)
            assert not np.allclose(both.maps[name], expected.maps[name], rtol=0.05)


def test_the_front_goes_where_it_is_said_to_be(model, scene):
    """The content stays and the prior turns."""
    straight, right = (model(front_deg=yaw).predict_image(scene, height=80, seconds=1) for yaw in (0.0, 90.0))
    known = prior(model(front_deg=0.0), 1.0)
    expected = straight / known * np.roll(known, known.shape[1] // 4, axis=1)
    np.testing.assert_allclose(right, expected, rtol=1e-3)
    assert ahead(np.roll(right, -right.shape[1] // 4, axis=1)) > 2 * ahead(right)


def test_without_a_front_only_the_content_tells_longitudes_apart(model, scene):
    found = model(front_deg=None).predict_image(scene, height=80)
    again = model(front_deg=None).step(scene, None, ("fused",), 80, seconds=60)[0]["fused"]
    np.testing.assert_array_equal(found, again)
    latitude = prior(model(front_deg=None), 0.0)
    np.testing.assert_allclose(latitude, np.broadcast_to(latitude[:, :1], latitude.shape), rtol=1e-5)
    content = model(front_deg=0.0).predict_image(scene, height=80, seconds=60) / prior(model(front_deg=0.0), 60.0)
    np.testing.assert_allclose(found, content * latitude, rtol=1e-3)


def test_heads_and_gaze_have_maps_of_their_own(model, scene):
    gaze, head = (model(direction=name).predict_image(scene) for name in ("head_eye", "head"))
    assert np.abs(gaze / gaze.mean() - head / head.mean()).max() > 0.05


def test_looks_begin_at_the_front_and_spread_out(model, scene):
    shares = [ahead(model().predict_image(scene, seconds=seconds)) for seconds in (0, 1, 10, None)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[2] + 0.05
    assert shares[2] > shares[3] + 0.05


@pytest.mark.parametrize("seconds", [-1, -1e-9, float("nan"), float("inf")])
def test_a_time_that_there_is_not_is_refused(model, scene, seconds):
    with pytest.raises(ConfigError, match="since the start of the video"):
        model().predict_image(scene, seconds=seconds)
    with pytest.raises(ConfigError, match="since the start of the video"):
        Options(still_at_s=seconds)


def test_part_of_a_video_has_the_times_of_the_whole(clip, tmp_path):
    """Under a start that fades within a few frames: a time off by one would show."""
    bundle = find_weights("lite")
    head_eye = bundle.config.directions.head_eye
    quick = dataclasses.replace(head_eye.prior, start=0.9, fading_s=0.2, video_strength=1.0)
    directions = dataclasses.replace(bundle.config.directions, head_eye=dataclasses.replace(head_eye, prior=quick))
    model = load_bundle(dataclasses.replace(bundle, config=dataclasses.replace(bundle.config, directions=directions)))
    options = Options(formats=("npy",), streams=("attention",), reading=ReadOptions(start_s=0.5), height=80)
    predict_source(model, Source(clip, "video"), tmp_path, options)
    for frame in read_frames(clip, start_s=0.5, size=model.frame_size):
        found = np.load(tmp_path / "walk" / f"{frame.index:06d}.npy")
        content = model.predict_image(frame.image, stream="attention", height=80) / prior(model, PHOTO)
        np.testing.assert_allclose(found / content, prior(model, frame.index / 8), rtol=1e-3)
        assert np.abs(prior(model, frame.index / 8) / prior(model, (frame.index + 1) / 8) - 1).max() > 0.01


def test_a_folder_of_frames_has_the_times_of_its_rate(model, frame_folder, tmp_path):
    options = Options(formats=("npy",), streams=("attention",), reading=ReadOptions(fps=2, start_s=4), height=80)
    predict_source(model(), Source(frame_folder, "sequence"), tmp_path / "out", options)
    found = np.load(tmp_path / "out" / "frames" / "000008.npy")
    picture = next(Source(frame_folder / "f8.png", "image").frames(ReadOptions(), None)).image
    expected = model().predict_image(picture, stream="attention", height=80, seconds=4)
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_a_still_is_a_photo_or_a_frame_of_a_video(model, still, tmp_path):
    path = still("x.png")
    picture = next(Source(path, "image").frames(ReadOptions(), None)).image
    for folder, still_at_s in (("photo", None), ("frame", 2.0)):
        outcome = predict_source(
            model(), Source(path, "image"), tmp_path / folder, Options(("fused",), ("npy",), still_at_s=still_at_s)
        )
        found = np.load(tmp_path / folder / "x.npy")
        np.testing.assert_array_equal(found, model().predict_image(picture, seconds=still_at_s))
        assert json.loads(outcome.manifest.read_text())["settings"]["options"]["still_at_s"] == still_at_s


@pytest.mark.parametrize(
    ("settings", "still_at_s", "word"),
    [
        ({"direction": "head"}, None, "direction"),
        ({"front_deg": 90.0}, None, "front"),
        ({"front_deg": None}, None, "front"),
        ({}, 3.0, "still-at"),
    ],
)
def test_maps_of_other_settings_are_not_taken_for_these(model, still, tmp_path, settings, still_at_s, word):
    item = Source(still("x.png"), "image")
    predict_source(model(), item, tmp_path / "out", NPY)
    before = (tmp_path / "out" / "x.npy").read_bytes()
    other = Options(("fused",), ("npy",), still_at_s=still_at_s)
    with pytest.raises(OutputError, match=f"made with another {word}; give --overwrite"):
        predict_source(model(**settings), item, tmp_path / "out", other)
    assert (tmp_path / "out" / "x.npy").read_bytes() == before


def test_a_stopped_run_does_not_go_on_with_another_front(model, clip, tmp_path):
    def stop(done):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_source(model(), Source(clip, "video"), tmp_path / "out", NPY, stop)
    with pytest.raises(OutputError, match="made with another front"):
        predict_source(model(front_deg=90.0), Source(clip, "video"), tmp_path / "out", NPY)


def test_a_record_of_an_earlier_version_tells_by_its_weights(model, still, tmp_path):
    """It has no direction, front and time, and settings of a model that are gone."""
    item = Source(still("x.png"), "image")
    outcome = predict_source(model(), item, tmp_path / "out", NPY)
    now = json.loads(outcome.manifest.read_text())["settings"]
    earlier = json.loads(json.dumps(now))
    for name in ("direction", "front_deg", "still_at_s"):
        del earlier["options"][name]
    earlier["model"]["config"] |= {"width": 1.0, "smoothing_deg": 5.0}
    assert changed_settings(earlier, now, item) == []
    assert changed_settings(earlier, now | {"options": now["options"] | {"front_deg": None}}, item) == ["front"]
    earlier["model"]["sha256"] = "0" * 64
    assert changed_settings(earlier, now, item) == ["model"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"direction": "head"}, r"direction 'head' \(--direction\): .*'paper'.* leave it out, or use lite"),
        ({"front_deg": 20.0}, r"front_deg 20 \(--front\)"),
        ({"front_deg": None}, r"front_deg None \(--no-front\)"),
    ],
)
def test_the_published_layers_take_no_direction(settings, message):
    config = ModelConfig("paper", erp_height=64, map_height=64, face_size=32)
    with pytest.raises(ConfigError, match=message):
        ATSal(config, nn.Identity(), nn.Identity(), nn.Identity(), **settings)
    maps = {part: torch.ones(1, 1, 64, 128) for part in ("attention", "experts")}
    network = ATSal(config, nn.Identity(), nn.Identity(), nn.Identity())
    with pytest.raises(ConfigError, match=r"direction 'head'.*has no directions"):
        finish_maps(network, maps, ["fused-head"], torch.zeros(1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"direction": "heads"}, "did you mean 'head'"), ({"front_deg": 181.0}, "-180 to 180 degrees, or None")],
)
def test_a_direction_that_there_is_not_is_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        load_model("lite", device="cpu", **settings)


@pytest.fixture(scope="module")
def without_directions():
    bundle = find_weights("lite")
    return load_bundle(dataclasses.replace(bundle, config=dataclasses.replace(bundle.config, directions=None)))


def load_bundle(bundle):
    return Predictor(start_session("torch", build_network(bundle), torch.device("cpu")), bundle)


@pytest.mark.parametrize("name", ["no front", "no directions"])
def test_a_time_is_refused_where_it_changes_nothing(model, without_directions, still, scene, tmp_path, name):
    predictor = without_directions if name == "no directions" else model(front_deg=None)
    item = Source(still("x.png"), "image")
    message = r"\(--still-at\) 2: .*'lite' do not depend on the time.*leave it out, or use lite with a front"
    with pytest.raises(ConfigError, match=message):
        predict_source(predictor, item, tmp_path / "out", Options(still_at_s=2.0))
    with pytest.raises(ConfigError, match=message):
        compare(predictor, item, tmp_path / "out.png", ReadOptions(), still_at_s=2.0)
    with pytest.raises(ConfigError, match="seconds 2: "):
        predictor.predict_image(scene, seconds=2)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    maps, _ = predictor.step(scene, None, ("attention",), 80, seconds=2)  # a fact of a frame, with any model
    np.testing.assert_array_equal(maps["attention"], predictor.predict_image(scene, stream="attention", height=80))


def test_only_models_that_depend_on_the_time_ask_for_it(model, without_directions):
    for predictor, depends in ((model(), True), (model(front_deg=None), False), (without_directions, False)):
        assert ("seconds" in RecurrentStep(predictor.network, ("attention",)).input_names) == depends


def frames_at(scene, *times):
    return [Frame(number, time, scene) for number, time in enumerate(times)]


@pytest.mark.parametrize("wrong", [-0.02, float("nan"), float("inf")])
def test_frames_of_a_time_that_there_is_not_are_refused(model, scene, wrong):
    """After the results of those before them."""
    results = model().run(frames_at(scene, 0.0, 0.1, wrong), streams=("attention",), height=80)
    assert [next(results)[0].frame_index for _ in range(2)] == [0, 1]
    with pytest.raises(ConfigError, match=r"frame 2: timestamp_s .*since the start of the video, 0 or more"):
        next(results)
    with pytest.raises(ConfigError, match="since the start of the video"):
        next(model().run(frames_at(scene, 0.0), seconds=wrong))


def test_a_time_that_was_rounded_to_before_the_start_is_the_start(model, scene):
    early, start = (
        next(model().run(frames_at(scene, time), streams=("attention",), height=80))[0].attention
        for time in (-0.0005, 0.0)
    )
    np.testing.assert_array_equal(early, start)


@pytest.mark.parametrize("seconds", [None, 0, 2.5])
def test_one_time_may_stand_for_all_frames(model, scene, seconds):
    results = model().run(frames_at(scene, 0.0, 1.0, 9.0), streams=("attention",), height=80, seconds=seconds)
    expected = model().predict_image(scene, stream="attention", height=80, seconds=seconds)
    for result, _ in results:
        np.testing.assert_allclose(result.attention, expected, rtol=1e-4)


def test_a_comparison_has_the_time_of_its_still(model, still, clip, tmp_path):
    item = Source(still("x.png"), "image")
    picture = next(item.frames(ReadOptions(), None)).image
    for seconds in (None, 2.0):
        (result,) = compare(model(), item, tmp_path / "c.png", ReadOptions(), still_at_s=seconds).results
        expected = model().predict_image(picture, stream="attention", seconds=seconds)
        np.testing.assert_array_equal(result.attention, expected)
    with pytest.raises(ConfigError, match="is a video, whose frames have times"):
        compare(model(), Source(clip, "video"), tmp_path / "c.mp4", ReadOptions(), still_at_s=2.0)


def test_a_folder_of_frames_may_have_one_time(model, frame_folder, tmp_path):
    item = Source(frame_folder, "sequence")
    options = Options(formats=("npy",), streams=("attention",), still_at_s=20.0, height=80)
    predict_source(model(), item, tmp_path / "out", options)
    for number, frame in enumerate(item.frames(ReadOptions(), None)):
        found = np.load(tmp_path / "out" / "frames" / f"{number:06d}.npy")
        expected = model().predict_image(frame.image, stream="attention", height=80, seconds=20)
        np.testing.assert_allclose(found, expected, rtol=1e-3)
    with pytest.raises(OutputError, match="made with another still-at"):
        predict_source(model(), item, tmp_path / "out", dataclasses.replace(options, still_at_s=None))


def test_the_command_line_knows_the_directions():
    assert tuple(DIRECTION.choices) == DIRECTIONS
