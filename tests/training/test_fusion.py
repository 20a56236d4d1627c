import dataclasses

import pytest
import torch
from click.testing import CliRunner

from atsal import load_model
from atsal.cli import main
from atsal.models.bundle import read_bundle
from atsal.models.registry import build_network, find_bundle
from atsal.training.config import Augmentation, SourceConfig
from atsal.training.fusion import Measured, choose_exponents, measure
from atsal.training.sources import SphereSource


def test_exponents_are_those_that_made_the_target():
    attention, experts = torch.rand(2, 4, 1, 20, 40) * 0.9 + 0.05
    assert choose_exponents(Measured(attention, experts, attention**0.5 * experts**1.25)) == (0.5, 1.25)


def test_streams_are_measured_on_the_frames_as_they_are(sets):
    bundle = find_bundle("lite")
    source = SphereSource(SourceConfig(prepared=sets.images), bundle.config, Augmentation(yaw=True))
    network = build_network(bundle)
    found = measure(network, source)
    frame = torch.from_numpy(source.prepared.picture(source.items[2]).copy())
    assert found.attention.shape == found.experts.shape == found.target.shape == (6, 1, 80, 160)
    picked = found.of(torch.tensor([2]))
    model = load_model("lite", device="cpu")
    again = model.predict_image(frame.numpy(), stream="experts", height=80)
    assert torch.allclose(picked.experts[0, 0], torch.from_numpy(again), atol=2e-2)


def test_fused_weights_are_the_same_but_for_the_exponents(sets, tmp_path):
    arguments = ["weights", "fuse", "lite", sets.images, "-o", str(tmp_path / "fused"), "--half", "--sigma", "8"]
    found = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert found.exit_code == 0
    before, after = find_bundle("lite"), read_bundle(tmp_path / "fused")
    assert f"attention ** {after.config.attention_exponent:g} * experts" in found.output
    replaced = {name: getattr(after.config, name) for name in ("attention_exponent", "experts_exponent")}
    assert dataclasses.replace(before.config, **replaced) == after.config
    assert after.provenance["exponents_chosen_on"]["sigma_deg"] == 8
    for part in ("attention", "equator"):
        for name, value in before.load(part).items():
            assert after.load(part)[name].dtype == value.dtype
            assert torch.allclose(after.load(part)[name], value, rtol=1e-3, atol=1e-6), name
    assert CliRunner().invoke(main, arguments).exit_code == 1, "nothing is overwritten unasked"


def test_half_precision_halves_the_files(tmp_path, sets):
    from atsal.models.bundle import PARTS, write_bundle

    lite = find_bundle("lite")
    parts = {part: lite.load(part) for part in PARTS}
    whole, half = (
        write_bundle(tmp_path / str(half), lite.config, parts, {}, half=half) / "equator.safetensors"
        for half in (False, True)
    )
    assert half.stat().st_size == pytest.approx(whole.stat().st_size / 2, rel=0.05)
