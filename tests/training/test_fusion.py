import dataclasses

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from atsal.cli import main
from atsal.errors import ConfigError, DataError
from atsal.evaluation.metrics import information_gain
from atsal.models.directions import DirectionConfig
from atsal.models.front_prior import PHOTO
from atsal.models.front_prior_file import read_front_priors, write_front_priors
from atsal.models.fusion_folds import read_fusion_folds
from atsal.models.loading import build_network, find_weights
from atsal.models.seen_items import PRIORS, items_seen, seen_by_fusion
from atsal.models.weight_folder import PARTS, read_weight_folder, write_weight_folder
from atsal.prediction.streams import finish_maps
from atsal.projection import solid_angle_weights
from atsal.training import fusion
from atsal.training.config import Augmentation, SourceConfig
from atsal.training.fusion import Choice, FusionFrames, bits_per_fixation, choose, fuse, fused_density, run_streams
from atsal.training.losses import kld_cc
from atsal.training.sources import SphereSource

HEAD = find_weights("lite").config.directions.head
LATE = torch.full((6,), 30.0)


def streams(rows=20, seed=0):
    """Two rough maps that have nothing to do with each other, for six frames."""
    rng = torch.Generator().manual_seed(seed)
    return (0.05 + 0.9 * torch.rand(2, 6, 1, rows, 2 * rows, generator=rng) ** 2).unbind()


@pytest.fixture
def small_grid(monkeypatch):
    """Few settings: the whole grid is tried on maps of few rows, above."""
    monkeypatch.setattr(fusion, "EXPONENTS", (0.7, 1.0))
    monkeypatch.setattr(fusion, "SMOOTHINGS_DEG", (0.0, 10.0))
    monkeypatch.setattr(fusion, "LATITUDE_STRENGTHS", (0.5, 0.8))
    monkeypatch.setattr(fusion, "FRONT_STRENGTHS", (0.35, 0.8))


def measured_as(truth):
    """Maps that were measured of viewers who look as the model says under some setting."""
    attention, experts = streams()
    nobody = torch.zeros(6, 1, 20, 40)
    measured = FusionFrames(attention, experts, nobody, nobody, LATE)
    return measured._replace(target=fused_density(measured, truth, HEAD.prior))


@pytest.mark.parametrize(
    "truth",
    [
        Choice(0.75, 0.7, 5.0, 0.6, 0.5, 0),
        Choice(0.25, 1.0, 10.0, 1.0, 1.5, 0),
        Choice(1.0, 0.5, 5.0, 0.4, 0.25, 0),
    ],
)
def test_the_setting_that_was_looked_by_is_chosen(truth):
    found = choose(measured_as(truth), HEAD.prior, truth.share)
    assert dataclasses.replace(found, loss=0) == truth
    assert found.loss == pytest.approx(-1, abs=1e-3), "KLD 0, CC 1"


def test_a_stream_alone_gets_its_own_setting():
    found = choose(measured_as(Choice(0.75, 0.7, 5.0, 0.6, 0.5, 0)), HEAD.prior, share=0.0)
    assert found.share == 0
    assert found.loss > -0.99


def test_the_loss_of_the_choice_is_that_of_the_training(small_grid):
    """Of frames in several chunks, on which nothing fits."""
    attention, experts = (stream.repeat(3, 1, 1, 1) for stream in streams())
    target, seconds = streams(seed=1)[0].repeat(3, 1, 1, 1), torch.linspace(0, 10, 18)
    measured = FusionFrames(attention, experts, target, torch.zeros_like(target), seconds)
    found = choose(measured, HEAD.prior, share=0.5)
    expected = kld_cc(fused_density(measured, found, HEAD.prior), target, solid_angle_weights(20).float())
    assert found.loss == pytest.approx(expected.item(), abs=1e-4)
    for changed in ({"front_strength": 0.35}, {"exponent": 1.0}, {"smoothing_deg": 0.0}):
        other = fused_density(measured, dataclasses.replace(found, **changed), HEAD.prior)
        assert kld_cc(other, target, solid_angle_weights(20).float()) > found.loss - 1e-5


def test_what_lies_at_the_edge_of_the_grid_is_told():
    middle = Choice(0.0, 0.7, 5.0, 0.6, 0.8, 0)
    assert middle.on_edge() == ()
    assert dataclasses.replace(middle, exponent=1.0, front_strength=1.5).on_edge() == ("exponent", "front_strength")


def test_photos_and_videos_are_not_mixed():
    attention, experts = streams()
    seconds = torch.tensor([PHOTO, 1, 2, 3, 4, 5])
    with pytest.raises(DataError, match="1 photos and 5 frames of videos"):
        choose(FusionFrames(attention, experts, attention, attention, seconds), HEAD.prior, 0.5)


def test_useless_settings_of_gaze_are_refused_before_anything_is_tried(sets, tmp_path, monkeypatch):
    monkeypatch.setattr(fusion, "run_streams", None)
    source, how = SourceConfig(prepared=sets.images), {"half": False, "overwrite": False}
    with pytest.raises(ConfigError, match="--head-eye: needs head directions"):
        fuse("lite", source, tmp_path / "fused", head_eye=(1.0, 5.0), **how)
    with pytest.raises(ConfigError, match="smoothing_deg"):
        fuse("lite", source, tmp_path / "fused", direction="head", head_eye=(1.0, 120.0), **how)


def test_another_prior_is_taken_and_its_sets_are_noted(sets, tmp_path, small_grid):
    shipped = read_front_priors()
    narrow = dataclasses.replace(shipped.head_eye, fading_s=1.5)
    own = dataclasses.replace(shipped.sources[0], name="salient360-images")
    write_front_priors(tmp_path / "own.json", dataclasses.replace(shipped, head_eye=narrow, sources=(own,)))
    arguments = ["weights", "fuse", "lite", sets.images, "-o", str(tmp_path / "fused"), "--exclude", "P1"]
    found = CliRunner().invoke(main, [*arguments, "--prior", str(tmp_path / "own.json")], catch_exceptions=False)
    assert found.exit_code == 0
    assert "the last value that was tried" in found.output, "a grid of two is all edges"
    bundle = read_weight_folder(tmp_path / "fused")
    assert bundle.config.directions.head_eye.prior.fading_s == 1.5
    seen = items_seen(seen_by_fusion(bundle.provenance), "salient360-images", ["P1", "P2"])
    assert seen == {"has a fusion that was chosen on": ("P2",), PRIORS[own.used]: ("P1", "P2")}


def test_bits_are_those_of_the_benchmark_over_the_uniform_density():
    rng = torch.Generator().manual_seed(0)
    maps, counts = torch.rand(3, 1, 16, 32, generator=rng), torch.randint(0, 3, (3, 1, 16, 32), generator=rng).float()
    weights = solid_angle_weights(16).expand(16, 32).numpy()
    expected = [
        information_gain(m[0].numpy(), np.ones((16, 32), np.float32), c[0].numpy(), weights=weights)
        for m, c in zip(maps, counts, strict=True)
    ]
    assert bits_per_fixation(maps, counts).tolist() == pytest.approx(expected, abs=1e-3)
    assert bits_per_fixation(torch.ones(3, 1, 16, 32), counts).tolist() == pytest.approx([0, 0, 0], abs=1e-6)


def test_streams_are_measured_raw_on_the_frames_as_they_are(sets):
    bundle = find_weights("lite")
    source = SphereSource(SourceConfig(prepared=sets.images), bundle.config, Augmentation(yaw=True))
    network = build_network(bundle)
    found = run_streams(network, source)
    assert found.attention.shape == found.experts.shape == found.counts.shape == found.target.shape == (6, 1, 80, 160)
    assert found.seconds.tolist() == [PHOTO] * 6
    picked = found.select(torch.tensor([2]))
    frame = torch.from_numpy(np.stack(list(source.prepared.pictures(source.items[2], [0], size=(320, 160)))))
    with torch.no_grad():
        expected = network(frame.permute(0, 3, 1, 2).float())
    assert torch.allclose(picked.experts, expected.experts, atol=1e-5)
    assert torch.allclose(picked.attention, expected.attention, atol=1e-5)
    assert picked.counts.sum() == len(source.prepared.fixations(source.items[2]))


def test_what_is_chosen_is_what_the_model_then_predicts(sets, tmp_path, small_grid):
    """The density that was compared is the fused map of the weights that are written, up to a factor."""
    chosen = fuse("lite", SourceConfig(prepared=sets.images), tmp_path / "fused", half=False, overwrite=False)
    bundle = read_weight_folder(tmp_path / "fused")
    source = SphereSource(SourceConfig(prepared=sets.images), bundle.config)
    network = build_network(bundle, direction=source.direction)
    measured = run_streams(network, source)
    raw = {"attention": measured.attention, "experts": measured.experts}
    shown = finish_maps(network, raw, ["fused"], measured.seconds)["fused"]
    expected = fused_density(measured, chosen, network.config.directions.of(source.direction).prior)
    assert torch.allclose(
        shown / shown.amax((1, 2, 3), keepdim=True), expected / expected.amax((1, 2, 3), keepdim=True), atol=1e-4
    )
    noted = bundle.provenance["fusion_chosen_on"]
    assert bits_per_fixation(shown, measured.counts).mean().item() == pytest.approx(
        noted["bits_per_fixation"], abs=1e-3
    )


def test_heads_set_the_map_of_heads_and_leave_gaze_what_it_is_given(heads, tmp_path, small_grid):
    arguments = ["weights", "fuse", "lite", heads, "-o", str(tmp_path / "fused"), "--half"]
    arguments += ["--exclude", "002", "--exclude", "003"]
    found = CliRunner().invoke(main, [*arguments, "--head-eye", "0.9", "4"], catch_exceptions=False)
    assert found.exit_code == 0
    before, after = find_weights("lite"), read_weight_folder(tmp_path / "fused")
    chosen = after.provenance["fusion_chosen_on"]
    setting = chosen["chosen"]
    assert chosen["direction"] == "head"
    assert f"attention ** {setting['share']:g} * experts" in found.output
    assert after.config.attention_exponent + after.config.experts_exponent == 1
    head, gaze = after.config.directions.head, after.config.directions.head_eye
    strengths = {"latitude_strength": setting["latitude_strength"], "video_strength": setting["front_strength"]}
    prior = dataclasses.replace(read_front_priors().head, **strengths)
    assert head == DirectionConfig(setting["exponent"], setting["smoothing_deg"], prior)
    as_much = dataclasses.replace(read_front_priors().head_eye, latitude_strength=setting["latitude_strength"])
    assert gaze == DirectionConfig(0.9, 4.0, as_much)
    seen = items_seen(seen_by_fusion(after.provenance), "vr-eyetracking", [*chosen["items"], "002"])
    assert seen == {"has a fusion that was chosen on": tuple(chosen["items"])}
    for part in ("attention", "equator"):
        weights = after.load(part)
        for name, value in before.load(part).items():
            assert torch.allclose(weights[name], value, rtol=1e-3, atol=1e-6), name
    assert CliRunner().invoke(main, arguments).exit_code == 1, "nothing is overwritten unasked"


def test_gaze_in_photos_sets_the_map_of_gaze_and_the_front_of_photos(sets, tmp_path, small_grid):
    chosen = fuse("lite", SourceConfig(prepared=sets.images), tmp_path / "fused", half=True, overwrite=False)
    before, after = find_weights("lite").config.directions, read_weight_folder(tmp_path / "fused").config.directions
    strengths = {"latitude_strength": chosen.latitude_strength, "photo_strength": chosen.front_strength}
    prior = dataclasses.replace(read_front_priors().head_eye, **strengths)
    assert after.head_eye == DirectionConfig(chosen.exponent, chosen.smoothing_deg, prior)
    assert after.head == before.head


def test_half_precision_halves_the_files(tmp_path):
    lite = find_weights("lite")
    parts = {part: lite.load(part) for part in PARTS}
    whole, half = (
        write_weight_folder(tmp_path / str(half), lite.config, parts, {}, half=half) / "equator.safetensors"
        for half in (False, True)
    )
    assert half.stat().st_size == pytest.approx(whole.stat().st_size / 2, rel=0.05)


def test_folds_are_chosen_without_their_own_items_and_predicted_with(sets, tmp_path, small_grid):
    arguments = ["weights", "fuse", "lite", sets.images, "--folds", "3", "-o", str(tmp_path / "folds.json")]
    assert CliRunner().invoke(main, arguments, catch_exceptions=False).exit_code == 0
    found, bundle = read_fusion_folds(tmp_path / "folds.json"), find_weights("lite")
    items = SphereSource(SourceConfig(prepared=sets.images), bundle.config).items
    assert sorted(item for fold in found.folds for item in fold.items) == sorted(items)
    fold = found.folds[1]
    alone = fuse(
        "lite", SourceConfig(prepared=sets.images, exclude=fold.items), tmp_path / "w", half=False, overwrite=False
    )
    assert fold.settings == read_weight_folder(tmp_path / "w").config.directions.head_eye
    assert fold.settings.exponent == alone.exponent
    (_, first), *_ = found.bundles(bundle)
    assert first.config.directions.head_eye == found.folds[0].settings
    assert first.config.directions.head == bundle.config.directions.head
    other = dataclasses.replace(bundle, checksums=dict.fromkeys(bundle.checksums, "0" * 64))
    with pytest.raises(ConfigError, match="was chosen for other weights"):
        found.bundles(other)
    assert "already exists" in CliRunner().invoke(main, arguments).output
    assert "leave out --half" in CliRunner().invoke(main, [*arguments, "--half"]).output
