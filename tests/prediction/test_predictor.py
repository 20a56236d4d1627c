import dataclasses

import numpy as np
import pytest

import atsal
from atsal.device import choose_device
from atsal.errors import ConfigError, ShapeError, WeightsError
from atsal.models.two_stream import ATSal
from atsal.prediction.predictor import load_model
from atsal.prediction.streams import STREAMS
from atsal.video.reader import Frame, read_frames

LATER_S = 30.0  # when time makes no difference any more


def maps_of(predictor, *images):
    frames = (Frame(number, LATER_S + number / 10, image) for number, image in enumerate(images))
    return [result for result, _ in predictor.run(frames, seconds=LATER_S)]


def differ(one, other):
    """By more than rounding."""
    return np.abs(one - other).max() > 2e-5 * one.max()


@pytest.fixture(scope="module")
def without_front():
    return load_model("lite", device="cpu", front_deg=None)


def check_map(saliency, rows):
    assert saliency.dtype == np.float32
    assert saliency.shape == (rows, 2 * rows)
    assert np.isfinite(saliency).all()
    assert saliency.min() >= 0


def test_the_public_names_are_these():
    assert atsal.load_model is load_model
    with pytest.raises(AttributeError, match="nonsense"):
        atsal.nonsense  # noqa: B018


@pytest.mark.parametrize("stream", STREAMS)
def test_an_image_gives_a_finite_map(predictor, scene, stream):
    saliency = predictor.predict_image(scene, stream=stream)
    check_map(saliency, predictor.config.erp_height)
    assert saliency.max() > saliency.min()


@pytest.mark.parametrize("level", [0, 127, 255])
def test_an_even_image_gives_a_finite_map(predictor, level):
    check_map(predictor.predict_image(np.full((64, 128, 3), level, np.uint8)), predictor.config.erp_height)


@pytest.mark.parametrize("height", [1, 33, 400])
def test_height_is_the_number_of_rows(predictor, scene, height):
    saliency = predictor.predict_image(scene, height=height)
    check_map(saliency, height)
    if height == 1:
        return
    own = predictor.predict_image(scene)
    weights = [np.cos((0.5 - (np.arange(len(m)) + 0.5) / len(m)) * np.pi)[:, None] for m in (saliency, own)]
    means = [np.average(m, weights=np.broadcast_to(w, m.shape)) for m, w in zip((saliency, own), weights, strict=True)]
    assert means[0] == pytest.approx(means[1], rel=0.2)  # a density: not summed up, not shared out


@pytest.mark.parametrize("size", [(321, 161), (63, 31), (640, 320), (2000, 1000), (322, 160)])
def test_images_of_any_size_are_taken(predictor, scene, size):
    from PIL import Image

    image = np.asarray(Image.fromarray(scene).resize(size))
    check_map(predictor.predict_image(image), predictor.config.erp_height)


def test_the_size_of_an_image_hardly_changes_its_map(predictor):
    from atsal.video.synthetic_scene import Scene

    fine = Scene(7).render(960, 0.0)
    coarse = fine.reshape(320, 3, 640, 3, 3).mean(axis=(1, 3)).round().astype(np.uint8)
    one, other = predictor.predict_image(fine), predictor.predict_image(coarse)
    assert np.abs(one - other).mean() < 0.03 * one.mean()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((64, 128), np.uint8), "uint8.*expected an .H, W, 3. uint8"),
        (np.zeros((64, 128, 4), np.uint8), "expected an .H, W, 3. uint8"),
        (np.zeros((64, 128, 3), np.float32), "float32.*expected an .H, W, 3. uint8"),
        ("scene.png", "str: expected"),
        (np.zeros((64, 100, 3), np.uint8), "100x64 pixels: expected an equirectangular image"),
        (np.zeros((64, 64, 3), np.uint8), "stereo"),
        (np.zeros((8, 16, 3), np.uint8), "16x8 pixels: expected at least 16 rows"),
        (np.zeros((0, 0, 3), np.uint8), "expected at least 16 rows"),
    ],
)
def test_what_is_no_panorama_is_refused(predictor, image, message):
    with pytest.raises(ShapeError, match=message):
        predictor.predict_image(image)


def test_unknown_streams_and_heights_are_refused(predictor, scene, clip):
    with pytest.raises(ConfigError, match="did you mean 'fused'"):
        predictor.predict_image(scene, stream="fuse")
    with pytest.raises(ConfigError, match="height 0"):
        predictor.predict_image(scene, height=0)
    with pytest.raises(ConfigError, match="did you mean 'experts'"):
        predictor.predict_video(clip, streams=("expert",))  # at the call, not at the first frame
    with pytest.raises(ConfigError, match="height -1"):
        predictor.predict_video(clip, height=-1)


@pytest.mark.parametrize(("stream", "tolerance"), [("experts", 0.002), ("attention", 0.15), ("fused", 0.1)])
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_of_the_input_turn_the_maps(without_front, scene, stream, tolerance, turns):
    predictor = without_front
    straight = predictor.predict_image(scene, stream=stream)
    turned = predictor.predict_image(np.roll(scene, turns * scene.shape[1] // 4, axis=1), stream=stream)
    expected = np.roll(straight, turns * straight.shape[1] // 4, axis=1)
    # Between the latitudes that the pole faces do not reach: those see the picture turned in their plane. The attention
    # stream sees only some way across the border, so it is not exact.
    band = slice(round(len(expected) * 0.4), round(len(expected) * 0.6))
    difference, unturned = np.abs(turned - expected)[band].mean(), np.abs(straight - expected)[band].mean()
    assert difference < tolerance * expected[band].mean()
    assert difference < 0.5 * unturned


def test_there_is_no_jump_at_the_border(predictor, scene):
    (result,) = maps_of(predictor, scene)
    for stream in STREAMS:
        saliency = result.map(stream)
        inside = np.abs(np.diff(saliency, axis=1))
        across = np.abs(saliency[:, 0] - saliency[:, -1])
        assert across.mean() <= np.percentile(inside.mean(axis=0), 98), stream
        assert across.max() <= 1.1 * inside.max(), stream


def test_the_experts_remember_and_the_attention_does_not(predictor, scene):
    other = scene[:, ::-1].copy()
    (alone,) = maps_of(predictor, other)
    _, after = maps_of(predictor, scene, other)
    _, alone_state = predictor.step(other, None, ("experts",), seconds=LATER_S)
    _, before = predictor.step(scene, None, ("experts",), seconds=LATER_S)
    _, state = predictor.step(other, before, ("experts",), seconds=LATER_S)
    assert differ(state, alone_state)
    assert np.abs(after.experts - alone.experts).max() > 0
    np.testing.assert_allclose(after.attention, alone.attention, atol=1e-6)


def test_a_constant_clip_has_constant_maps(predictor, scene):
    first, second, third = maps_of(predictor, scene, scene, scene)
    for stream in STREAMS:
        np.testing.assert_allclose(second.map(stream), first.map(stream), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(third.map(stream), first.map(stream), rtol=1e-4, atol=1e-6)


def test_every_video_starts_without_memory(predictor, clip):
    first, again = list(predictor.predict_video(clip)), list(predictor.predict_video(clip))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.saliency, other.saliency)


def test_predict_video_is_run_over_the_frames_of_the_reader(predictor, clip):
    found = list(predictor.predict_video(clip, stride=3, start_s=0.2, height=40))
    frames = list(read_frames(clip, size=predictor.frame_size, stride=3, start_s=0.2))
    expected = [result for result, _ in predictor.run(frames, height=40)]
    assert [r.frame_index for r in found] == [r.frame_index for r in expected] == [2, 5]
    assert [r.timestamp_s for r in found] == pytest.approx([0.25, 0.625])
    for one, other in zip(found, expected, strict=True):
        check_map(one.saliency, 40)
        for stream in STREAMS:
            np.testing.assert_array_equal(one.map(stream), other.map(stream))
        np.testing.assert_array_equal(one.image, other.image)


def test_a_state_passed_back_in_goes_on_where_it_was(predictor, clip):
    frames = list(read_frames(clip, size=predictor.frame_size))
    whole = list(predictor.run(frames))
    state = whole[3][1]
    for (one, _), (other, _) in zip(predictor.run(frames[4:], state=state), whole[4:], strict=True):
        np.testing.assert_array_equal(one.saliency, other.saliency)


@pytest.mark.parametrize("stream", STREAMS)
def test_only_the_streams_asked_for_are_there(predictor, clip, stream):
    all_of_it = next(iter(predictor.predict_video(clip)))
    one = next(iter(predictor.predict_video(clip, streams=(stream,))))
    np.testing.assert_array_equal(one.map(stream), all_of_it.map(stream))
    for other in set(STREAMS) - {stream}:
        with pytest.raises(ConfigError, match="was not asked for"):
            one.map(other)


def test_the_fused_map_is_no_copy_of_a_stream(predictor, scene):
    (result,) = maps_of(predictor, scene)
    assert differ(result.saliency, result.attention)
    assert differ(result.saliency, result.experts)


def test_colours_are_told_apart(predictor, scene):
    (_, one), (_, other) = (
        predictor.step(image, None, ("experts",), seconds=None) for image in (scene, scene[..., ::-1].copy())
    )
    assert differ(one, other)


def test_the_input_is_left_as_it_was(predictor, scene):
    before = scene.copy()
    read_only = scene.copy()
    read_only.flags.writeable = False
    predictor.predict_image(read_only)
    np.testing.assert_array_equal(read_only, before)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"name": "lit"}, ConfigError, "did you mean 'lite'"),
        ({"runtime": "torhc"}, ConfigError, "did you mean 'torch'"),
        ({"face_size": 33}, ConfigError, "multiple of 32"),
        ({"procedure": "published"}, ConfigError, "published.*'lite'"),
        ({"device": "toaster"}, ConfigError, "'toaster' cannot be used.*try 'cpu'"),
        ({"device": "meta"}, ConfigError, "'meta' cannot be used"),
    ],
)
def test_what_cannot_be_loaded_is_refused(arguments, error, message):
    with pytest.raises(error, match=message) as caught:
        load_model(**arguments)
    assert len(str(caught.value)) < 300


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"model\.json: no such file"):
        load_model(tmp_path)


def test_another_face_size_runs(scene):
    model = load_model("lite", device="cpu", face_size=64)
    assert model.config.face_size == 64
    check_map(model.predict_image(scene), model.config.erp_height)


def test_auto_is_a_device_that_works():
    assert choose_device("auto").type in ("cpu", "cuda")
    assert choose_device("cpu").type == "cpu"


def test_the_network_is_ready_for_inference(predictor):
    assert isinstance(predictor.network, ATSal)
    assert not predictor.network.training
    assert not any(parameter.requires_grad for parameter in predictor.network.parameters())
    assert dataclasses.is_dataclass(predictor.config)


def test_a_video_that_is_left_half_way_leaves_no_thread(predictor, clip):
    import gc
    import threading

    results = predictor.predict_video(clip)
    next(results)
    results.close()
    gc.collect()
    assert not [thread for thread in threading.enumerate() if thread.name == "stage"]


@pytest.mark.parametrize("group", [1, 3])
def test_frames_may_go_in_groups_of_any_size(predictor, clip, group):
    frames = list(read_frames(clip))
    for (one, _), (other, _) in zip(predictor.run(frames, group=group), predictor.run(frames), strict=True):
        assert one.frame_index == other.frame_index
        np.testing.assert_allclose(one.saliency, other.saliency, atol=1e-5)


def test_a_group_of_no_frames_is_refused(predictor):
    with pytest.raises(ConfigError, match="group 0: expected the number of frames"):
        next(predictor.run([], group=0))


def test_states_are_those_of_each_frame_also_within_a_group(predictor, clip):
    """A journal may keep any of them: going on after any frame gives the rest of the video."""
    frames = list(read_frames(clip))
    assert predictor.session.frames > 1
    whole = list(predictor.run(frames))
    for done in range(1, len(frames)):
        rest = [result for result, _ in predictor.run(frames[done:], state=whole[done - 1][1])]
        for one, (other, _) in zip(rest, whole[done:], strict=True):
            np.testing.assert_allclose(one.experts, other.experts, atol=1e-5)


def test_bgr_is_told_from_rgb(predictor, scene):
    bgr = np.ascontiguousarray(scene[..., ::-1])
    expected = predictor.predict_image(scene)
    np.testing.assert_array_equal(predictor.predict_image(bgr, channels="bgr"), expected)
    assert differ(predictor.predict_image(bgr), expected)
    maps, _ = predictor.step(bgr, seconds=None, channels="bgr")
    np.testing.assert_array_equal(maps["fused"], expected)
    large = np.repeat(np.repeat(bgr, 2, 0), 2, 1)  # scaled before it is turned round
    np.testing.assert_array_equal(predictor.predict_image(large, channels="bgr"), expected)
    with pytest.raises(ConfigError, match="channels 'BGR'; expected one of rgb, bgr"):
        predictor.predict_image(bgr, channels="BGR")


def test_a_list_of_images_gives_a_map_of_each_by_itself(predictor, scene):
    images = [scene, scene[::2, ::2].copy(), scene[:, ::-1].copy()]
    maps = predictor.predict_image(images, stream="experts", height=40)
    assert maps.shape == (3, 40, 80)
    for image, saliency in zip(images, maps, strict=True):
        np.testing.assert_array_equal(saliency, predictor.predict_image(image, stream="experts", height=40))
    stacked = np.stack([images[0], images[2]])
    np.testing.assert_array_equal(predictor.predict_image(stacked, stream="experts", height=40), maps[[0, 2]])
    assert predictor.predict_image([scene]).ndim == 3
    with pytest.raises(ShapeError, match="no image: expected one"):
        predictor.predict_image([])
    with pytest.raises(ShapeError, match="image 1 of the list of 100x64 pixels"):
        predictor.predict_image([scene, np.zeros((64, 100, 3), np.uint8)])


def test_steps_give_the_maps_of_predict_video(predictor, clip):
    state = None
    for frame, expected in zip(
        read_frames(clip, size=predictor.frame_size), predictor.predict_video(clip), strict=True
    ):
        maps, state = predictor.step(frame.image, state, tuple(STREAMS), seconds=frame.timestamp_s)
        for stream in STREAMS:
            np.testing.assert_allclose(maps[stream], expected.map(stream), rtol=1e-3, atol=1e-5)


def test_a_step_gives_the_fused_map_and_starts_without_state(predictor, scene):
    maps, state = predictor.step(scene, seconds=2.0)
    assert list(maps) == ["fused"]
    np.testing.assert_array_equal(maps["fused"], predictor.predict_image(scene, seconds=2.0))
    assert state.shape == predictor.network.state_shape[1:]
