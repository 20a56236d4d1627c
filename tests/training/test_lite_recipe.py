"""The recipe of `lite` from raw files to a weight folder, in small."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from atsal import load_model
from atsal.config import read_yaml
from atsal.errors import ConfigError, DataError
from atsal.gaze.directions import unit_vectors
from atsal.gaze.maps import fixation_map
from atsal.gaze.records import Fixations, GazeSamples
from atsal.projection import solid_angle_weights
from atsal.synthetic import Scene
from atsal.training.lite import Recipe, choose_exponents, main
from atsal.training.panoramas import augment, head_counts, latitude_profile, log_profile, read_head_frames
from fakes.lite_data import write_head_frames, write_panoramas, write_photo_set

RECIPE = """
seed: 0
photo_sets: [osie]
validation_photos: 4
model: {architecture: lite, frame_height: 320, erp_height: 160, map_height: 40,
  face_size: 64, face_fov_deg: 100, smoothing_deg: 6}
equator: {epochs: 1, learning_rate: 0.002, batch: 4, size: 64}
poles: {epochs: 1, learning_rate: 0.001, batch: 4, size: 64, crops: {roll_deg: 180}}
attention: {steps: 2, learning_rate: 0.001, batch: 2, measured_share: 0.5}
averaging: 0.3
target_sigma_deg: 8
excluded_frames: ["2"]
folds: 2
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    write_photo_set(root / "fixations2d" / "osie", 16)
    write_head_frames(root / "avtrack360", 5)
    write_panoramas(root / "panoramas", 2)
    return root


def test_from_raw_files_to_a_model(data, tmp_path):
    (tmp_path / "lite.yaml").write_text(RECIPE)
    arguments = [str(tmp_path / "lite.yaml"), "--data", str(data), "-o", str(tmp_path / "out")]
    first = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert first.exit_code == 0, first.output
    model = load_model(tmp_path / "out" / "lite", device="cpu")
    assert model.predict_image(Scene(0).render(160, 0.0)).shape == (160, 320)
    share = torch.sigmoid(model.network.equator.average.alpha).item()
    assert share == pytest.approx(0.3), "the average's share is the recipe's"
    scores = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert scores["frames"] == ["1", "3", "4", "5"], "the excluded frame takes no part"
    assert set(scores["scores"]) == {"prior", "attention", "experts", "experts x prior", "fused"}
    second = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert "taken up" in second.output
    again = load_model(tmp_path / "out" / "lite", device="cpu")
    assert again.bundle.checksum == model.bundle.checksum, "the same seed gives the same weights"
    (tmp_path / "lite.yaml").write_text(RECIPE.replace("averaging: 0.3", "averaging: 0.4"))
    other = CliRunner().invoke(main, arguments)
    assert other.exit_code == 1
    assert "made by another recipe" in other.output
    assert load_model(tmp_path / "out" / "lite", device="cpu").bundle.checksum == model.bundle.checksum


def test_shipped_recipe_is_valid(pytestconfig):
    recipe = read_yaml(Recipe, pytestconfig.rootpath / "configs" / "lite.yaml")
    assert load_model("lite", device="cpu").config == dataclasses.replace(
        recipe.model,
        attention_exponent=load_model("lite", device="cpu").config.attention_exponent,
        experts_exponent=load_model("lite", device="cpu").config.experts_exponent,
    )


def test_misspelt_setting_is_named(tmp_path):
    (tmp_path / "lite.yaml").write_text(RECIPE.replace("averaging", "averageing"))
    with pytest.raises(ConfigError, match="did you mean 'averaging'"):
        read_yaml(Recipe, tmp_path / "lite.yaml")


def test_heads_are_where_the_object_is(data):
    frames = read_head_frames(data / "avtrack360", (), 40)
    densities = frames.densities(8)
    weights = solid_angle_weights(40).float()
    assert torch.allclose((densities * weights).sum((-2, -1)) / weights.sum() / 80, torch.ones(5, 1), atol=1e-4)
    for name, density in zip(frames.names, densities, strict=True):
        row, column = divmod(int(density.argmax()), 80)
        lon, lat = Scene(int(name)).object_directions(0.0)[0]
        assert (0.5 - (row + 0.5) / 40) * 180 == pytest.approx(np.rad2deg(lat), abs=4.6)
        away = ((column + 0.5) / 80 - 0.5) * 360 - np.rad2deg(lon)
        assert abs((away + 180) % 360 - 180) < 4.6


def test_counts_lie_where_the_head_pointed():
    """Whole degrees lie on the pixels' borders: a pixel holds its left and upper one. The first 2 s do not count."""
    yaw, pitch = np.array([0, 9, 90, -180, 180, -81, 0]), np.array([0, 0, -30, 45, 45, 9, -87])
    seconds = np.array([1.9, 2.0, 2.1, 2.2, 2.3, 2.4, 30])
    head = unit_vectors(np.deg2rad(yaw), np.deg2rad(-pitch))
    counts = head_counts((GazeSamples("2", seconds, head=head),), 20)  # pixels of 9 degrees
    expected = np.zeros((20, 40))
    expected[10, 21] = 1  # 9 degrees right
    expected[6, 30] = 1  # 90 right, 30 up
    expected[15, 0] = 2  # behind, 45 down
    expected[11, 11] = 1  # 81 left, 9 down
    expected[0, 20] = 1  # 87 up
    assert counts.tolist() == expected.tolist()


def test_whole_degrees_are_counted_as_logged():
    """The way through unit vectors moves no sample over a pixel's border: the shipped weights depend on it."""
    yaw, pitch = (angle.ravel() for angle in np.meshgrid(np.arange(-180, 180), np.arange(-89, 90)))
    lon, lat = np.deg2rad(yaw), np.deg2rad(-pitch)
    track = GazeSamples("2", np.full(len(yaw), 2.0), head=unit_vectors(lon, lat))
    logged = fixation_map(Fixations(np.full(len(yaw), "2"), lon, lat), 80)
    assert np.array_equal(head_counts((track,), 80), logged)


def test_frames_without_heads_are_told(data):
    with pytest.raises(DataError, match=r"no still of the videos 1, 2, 3, 4, 5"):
        read_head_frames(data / "avtrack360", ("1", "2", "3", "4", "5"), 40)


def test_augmentation_moves_frame_and_map_together():
    rng = torch.Generator().manual_seed(0)
    frames = torch.zeros(16, 3, 40, 80, dtype=torch.uint8)
    maps = torch.zeros(16, 1, 10, 20)
    frames[:, :, 12:16, 32:36] = 255
    maps[:, :, 3, 8] = 1
    images, moved = augment(frames, maps, rng)
    pooled = torch.nn.functional.avg_pool2d(images.mean(1, keepdim=True), 4)
    assert torch.equal(pooled.flatten(1).argmax(1), moved.flatten(1).argmax(1))
    assert len(set(moved.flatten(1).argmax(1).tolist())) > 5


def test_log_profile_is_the_prior():
    profile = torch.exp(-(torch.linspace(-2, 2, 40) ** 2))
    rebuilt = torch.sigmoid(log_profile(profile, 40))
    assert torch.allclose(rebuilt / rebuilt.max(), profile / profile.max(), atol=1e-3)
    assert latitude_profile(profile[:, None].expand(3, 1, 40, 80)).tolist() == pytest.approx(profile.tolist())


def test_exponents_are_those_that_made_the_target():
    streams = torch.rand(2, 4, 1, 20, 40) * 0.9 + 0.05
    assert choose_exponents(streams, streams[0] ** 0.5 * streams[1] ** 1.25) == (0.5, 1.25)
