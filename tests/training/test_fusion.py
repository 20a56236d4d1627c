import dataclasses

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from atsal.cli import main
from atsal.datasets import dataset_named
from atsal.datasets.preparation import preparation_for
from atsal.datasets.prepare import prepare
from atsal.evaluation.metrics import information_gain
from atsal.models.bundle import PARTS, read_bundle, write_bundle
from atsal.models.directions import DirectionConfig
from atsal.models.front_prior import PHOTO, FrontPrior
from atsal.models.registry import build_network, find_bundle
from atsal.prediction.streams import finished
from atsal.projection import solid_angle_weights
from atsal.training.config import Augmentation, SourceConfig
from atsal.training.fusion import Choice, Measured, bits_per_fixation, choose, density, fuse, measure, with_strength
from atsal.training.sources import SphereSource

HEAD = find_bundle("lite").config.directions.head
LATE = torch.full((6,), 30.0)


def streams(rows=20, seed=0):
    """Two rough maps that have nothing to do with each other, for six frames."""
    rng = torch.Generator().manual_seed(seed)
    return (0.05 + 0.9 * torch.rand(2, 6, 1, rows, 2 * rows, generator=rng) ** 2).unbind()


@pytest.mark.parametrize(("share", "exponent", "strength"), [(0.75, 0.7, 0.5), (0.25, 1.2, 1.0), (1.0, 0.9, 0.25)])
def test_the_setting_that_gaze_was_drawn_from_is_chosen(share, exponent, strength):
    """Viewers who look as the map says, in numbers without chance, are best told by that very map."""
    attention, experts = streams()
    truth = Choice(share, exponent, 0.0, strength, 0.0)
    measured = Measured(attention, experts, torch.zeros(6, 1, 20, 40), LATE)
    looks = density(measured, truth, HEAD.prior) * solid_angle_weights(20).float()
    found = choose(measured._replace(counts=looks), HEAD.prior)
    assert dataclasses.replace(found, bits=0.0) == truth
    assert found.bits > 0


def test_smoother_gaze_asks_for_a_smoother_map():
    attention, experts = streams()
    measured = Measured(attention, experts, torch.zeros(6, 1, 20, 40), LATE)
    looks = density(measured, Choice(0.5, 1.0, 10.0, 0.5, 0), HEAD.prior) * solid_angle_weights(20).float()
    found = choose(measured._replace(counts=looks), HEAD.prior)
    assert found.smoothing_deg == 10


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
    bundle = find_bundle("lite")
    source = SphereSource(SourceConfig(prepared=sets.images), bundle.config, Augmentation(yaw=True))
    network = build_network(bundle)
    found = measure(network, source)
    assert found.attention.shape == found.experts.shape == found.counts.shape == (6, 1, 80, 160)
    assert found.seconds.tolist() == [PHOTO] * 6
    picked = found.of(torch.tensor([2]))
    frame = torch.from_numpy(np.stack(list(source.prepared.pictures(source.items[2], [0], size=(640, 320)))))
    with torch.no_grad():
        expected = network(frame.permute(0, 3, 1, 2).float())
    assert torch.allclose(picked.experts, expected.experts, atol=1e-5)
    assert torch.allclose(picked.attention, expected.attention, atol=1e-5)
    assert picked.counts.sum() == len(source.prepared.fixations(source.items[2]))


def test_what_is_chosen_is_what_the_model_then_predicts(sets, tmp_path):
    """The density that was judged is the fused map of the weights that are written, up to a factor."""
    chosen = fuse("lite", SourceConfig(prepared=sets.images), tmp_path / "fused", half=False, overwrite=False)
    bundle = read_bundle(tmp_path / "fused")
    source = SphereSource(SourceConfig(prepared=sets.images), bundle.config, Augmentation())
    network = build_network(bundle, direction=source.direction)
    measured = measure(network, source)
    raw = {"attention": measured.attention, "experts": measured.experts}
    shown = finished(network, raw, ["fused"], measured.seconds)["fused"]
    expected = density(measured, chosen, network.config.directions.of(source.direction).prior)
    assert torch.allclose(
        shown / shown.amax((1, 2, 3), keepdim=True), expected / expected.amax((1, 2, 3), keepdim=True), atol=1e-4
    )
    assert bits_per_fixation(shown, measured.counts).mean().item() == pytest.approx(chosen.bits, abs=1e-4)


def test_heads_set_the_map_of_heads_and_leave_gaze_what_it_is_given(sets, tmp_path):
    dataset = dataset_named("vr-eyetracking")
    settings = preparation_for(dataset, direction="head")
    prepare(dataset, sets.root / "raw" / "vr-eyetracking", tmp_path / "heads", settings, workers=1)
    arguments = ["weights", "fuse", "lite", str(tmp_path / "heads"), "-o", str(tmp_path / "fused"), "--half"]
    found = CliRunner().invoke(main, [*arguments, "--head-eye", "0.9", "4"], catch_exceptions=False)
    assert found.exit_code == 0
    before, after = find_bundle("lite"), read_bundle(tmp_path / "fused")
    chosen = after.provenance["exponents_chosen_on"]
    setting = chosen["chosen"]
    assert chosen["direction"] == "head"
    assert f"attention ** {setting['share']:g} * experts" in found.output
    assert f"{chosen['bits']:.3f} bits" in found.output
    assert after.config.attention_exponent + after.config.experts_exponent == 1
    head, gaze = after.config.directions.head, after.config.directions.head_eye
    prior = dataclasses.replace(before.config.directions.head.prior, video_strength=setting["strength"])
    assert head == DirectionConfig(setting["exponent"], setting["smoothing_deg"], prior)
    assert gaze == DirectionConfig(0.9, 4.0, before.config.directions.head_eye.prior)
    for part in ("attention", "equator"):
        for name, value in before.load(part).items():
            assert torch.allclose(after.load(part)[name], value, rtol=1e-3, atol=1e-6), name
    assert CliRunner().invoke(main, arguments).exit_code == 1, "nothing is overwritten unasked"


def test_gaze_in_photos_sets_the_map_of_gaze_and_the_front_of_photos(sets, tmp_path):
    chosen = fuse("lite", SourceConfig(prepared=sets.images), tmp_path / "fused", half=True, overwrite=False)
    before, after = find_bundle("lite").config.directions, read_bundle(tmp_path / "fused").config.directions
    prior = dataclasses.replace(before.head_eye.prior, photo_strength=chosen.strength)
    assert after.head_eye == DirectionConfig(chosen.exponent, chosen.smoothing_deg, prior)
    assert after.head == before.head


def test_the_front_of_films_and_photos_is_raised_alike():
    both = with_strength(HEAD.prior, 0.5)
    film, photo = FrontPrior(both, 16)(torch.tensor([1e6, PHOTO]))
    assert torch.allclose(film, photo, atol=1e-6)


def test_half_precision_halves_the_files(tmp_path):
    lite = find_bundle("lite")
    parts = {part: lite.load(part) for part in PARTS}
    whole, half = (
        write_bundle(tmp_path / str(half), lite.config, parts, {}, half=half) / "equator.safetensors"
        for half in (False, True)
    )
    assert half.stat().st_size == pytest.approx(whole.stat().st_size / 2, rel=0.05)
