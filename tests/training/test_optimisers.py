import math

import pytest
import torch
from torch import nn

from atsal.errors import ConfigError
from atsal.models.config import ModelConfig
from atsal.models.loading import new_parts
from atsal.models.two_stream import ATSal
from atsal.training.config import OptimiserConfig, ScheduleConfig
from atsal.training.optimisers import make_optimiser, rate_factor, set_rates, update_average
from atsal.training.trained_part import TrainedPart
from training.conftest import TINY

PAPER = {"architecture": "paper", "erp_height": 64, "face_size": 32, "map_height": 32}


def trained_part(part, settings=TINY):
    """Of shapes alone: nothing here computes with weights."""
    config = ModelConfig(**settings)
    with torch.device("meta"):
        parts = new_parts(config)
    return TrainedPart(ATSal(config, **parts), part)


def rates_and_decays(trained_part, optimiser):
    """Of each parameter, by name."""
    names = {parameter: name for name, parameter in trained_part.module.named_parameters()}
    groups = optimiser.param_groups
    return {names[p]: (group["lr"], group["weight_decay"]) for group in groups for p in group["params"]}


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (ScheduleConfig(), {0: 1, 3.7: 1, 10: 1}),
        (ScheduleConfig("step", every=3, factor=0.5), {0: 1, 2.99: 1, 3: 0.5, 5.5: 0.5, 6: 0.25, 9: 0.125}),
        (ScheduleConfig("cosine"), {0: 1, 2.5: 0.5 + math.sqrt(0.125), 5: 0.5, 10: 0}),
        (ScheduleConfig("one-cycle", rise=0.2), {0: 0.04, 1: 0.52, 2: 1, 6: 0.5, 4: 0.5 + math.sqrt(0.125), 10: 0}),
        (ScheduleConfig("one-cycle", rise=0.5), {0: 0.04, 2.5: 0.52, 5: 1, 7.5: 0.5, 10: 0}),
    ],
)
def test_rates_over_ten_epochs(schedule, expected):
    found = {done: rate_factor(schedule, done, 10) for done in expected}
    assert found == pytest.approx(expected, abs=1e-12)


def test_rates_do_not_rise_again_after_the_end():
    for kind in ("cosine", "one-cycle"):
        assert rate_factor(ScheduleConfig(kind), 13, 10) == pytest.approx(0, abs=1e-12)


def test_an_epochs_rounding_does_not_delay_a_step():
    """Ten tenths of an epoch add up to a little less than one."""
    assert rate_factor(ScheduleConfig("step", every=1), sum([0.1] * 10), 3) == pytest.approx(0.1)


def test_adamw_spares_biases_and_normalisation_its_decay_and_adam_does_not():
    one = trained_part("equator")
    kinds = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}
    for kind, cls in kinds.items():
        optimiser = make_optimiser(one, OptimiserConfig(1e-3, kind, weight_decay=0.1))
        assert type(optimiser) is cls
        found = rates_and_decays(one, optimiser)
        assert found.keys() == dict(one.module.named_parameters()).keys()
        for name, parameter in one.module.named_parameters():
            spared = kind == "adamw" and (name.endswith("bias") or parameter.ndim == 1)
            assert found[name] == (1e-3, 0.0 if spared else 0.1), name
        assert len({decay for _, decay in found.values()}) == (2 if kind == "adamw" else 1)


@pytest.mark.parametrize(("settings", "alpha"), [(TINY, "average.alpha"), (PAPER, "alpha")])
def test_the_moving_average_has_a_rate_of_its_own(settings, alpha):
    one = trained_part("poles", settings)
    optimiser = make_optimiser(one, OptimiserConfig(1e-3, average_learning_rate=0.1))
    rates = {name: rate for name, (rate, _) in rates_and_decays(one, optimiser).items()}
    assert rates.pop(alpha) == 0.1
    assert set(rates.values()) == {1e-3}
    everywhere = trained_part("fused", settings)
    both = make_optimiser(everywhere, OptimiserConfig(1e-3, average_learning_rate=0.1))
    found = rates_and_decays(everywhere, both)
    assert {n for n, (rate, _) in found.items() if rate == 0.1} == {f"poles.{alpha}", f"equator.{alpha}"}
    assert found.keys() == dict(everywhere.network.named_parameters()).keys()


@pytest.mark.parametrize(("settings", "beginnings"), [(TINY, {"mask", "mask_logits"}), (PAPER, {"attention_module"})])
@pytest.mark.parametrize("part", ["attention", "fused"])
def test_the_mask_alone(settings, beginnings, part):
    one = trained_part(part, settings)
    named = dict(one.module.named_parameters())
    before = "attention." if part == "fused" else ""
    expected = {n for n in named if n.startswith(before) and n.removeprefix(before).partition(".")[0] in beginnings}
    assert rates_and_decays(one, make_optimiser(one, OptimiserConfig(1e-3, parameters="mask"))).keys() == expected
    assert 0 < len(expected) < len(named)


@pytest.mark.parametrize("part", ["equator", "attention", "fused"])
def test_pretrained_layers_have_a_rate_of_their_own(part):
    one = trained_part(part)
    average = None if part == "attention" else 0.1  # it has none
    chosen = OptimiserConfig(1e-3, encoder_learning_rate=2e-4, average_learning_rate=average, weight_decay=0.1)
    found = rates_and_decays(one, make_optimiser(one, chosen))
    assert found.keys() == dict(one.module.named_parameters()).keys()
    for name, (rate, decay) in found.items():
        is_encoder = ".encoder." in f".{name}"
        assert rate == (2e-4 if is_encoder else 0.1 if name.endswith("alpha") else 1e-3), name
        assert (decay > 0) == (dict(one.module.named_parameters())[name].ndim > 1), name


def test_the_decoder_alone_leaves_the_encoder():
    one = trained_part("poles")
    found = rates_and_decays(one, make_optimiser(one, OptimiserConfig(1e-3, parameters="decoder")))
    assert found.keys() == {n for n in dict(one.module.named_parameters()) if not n.startswith("encoder.")}


@pytest.mark.parametrize(
    ("part", "settings", "parameters"),
    [
        ("equator", TINY, "mask"),
        ("attention", TINY, "average"),
        ("poles", PAPER, "mask"),
    ],
)
def test_parameters_that_a_part_does_not_have_are_refused(part, settings, parameters):
    with pytest.raises(ConfigError, match=f"parameters '{parameters}': the {part} of this network has none"):
        make_optimiser(trained_part(part, settings), OptimiserConfig(1e-3, parameters=parameters))


@pytest.mark.parametrize(
    ("part", "settings"),
    [
        ("poles", {"parameters": "decoder", "encoder_learning_rate": 0.1}),
        ("poles", {"parameters": "decoder", "average_learning_rate": 0.1}),
        ("attention", {"average_learning_rate": 0.1}),
    ],
)
def test_a_rate_of_what_is_not_trained_is_refused(part, settings):
    with pytest.raises(ConfigError, match=r"_learning_rate: parameters .* leave it out"):
        make_optimiser(trained_part(part), OptimiserConfig(1e-3, **settings))


def test_a_schedule_scales_each_rate_anew():
    one = trained_part("equator")
    optimiser = make_optimiser(one, OptimiserConfig(1e-3, average_learning_rate=0.1))
    for factor in (0.5, 0.5, 0.1):
        assert set_rates(optimiser, factor) == pytest.approx(1e-3 * factor)
        rates = {name: rate for name, (rate, _) in rates_and_decays(one, optimiser).items()}
        assert rates["average.alpha"] == pytest.approx(0.1 * factor)
        assert rates["decoder.head.bias"] == pytest.approx(1e-3 * factor)


def pair(kept, new):
    """Two modules whose weights are all `kept` and all `new`, and which have seen 3 and 8 batches."""
    found = []
    for value, batches in ((kept, 3), (new, 8)):
        module = nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2))
        for tensor in module.state_dict().values():
            tensor.fill_(value if tensor.is_floating_point() else batches)
        found.append(module)
    return found


@pytest.mark.parametrize(
    ("decay", "step", "kept_share"), [(0.9, 1, 0.1), (0.9, 3, 0.25), (0.9, 1000, 0.9), (0.999, 9, 0.5)]
)
def test_the_average_moves_faster_in_the_first_steps(decay, step, kept_share):
    averaged, module = pair(0.0, 1.0)
    update_average(averaged, module, decay, step)
    state = averaged.state_dict()
    assert state.pop("1.num_batches_tracked").item() == 8, "counts are copied"
    for name, value in state.items():
        assert value.flatten().tolist() == pytest.approx([1 - kept_share] * value.numel(), abs=1e-6), name
    assert all((value == 1).all() for value in module.state_dict().values() if value.is_floating_point())


def test_without_averaging_the_weights_are_copied():
    averaged, module = pair(0.0, 0.3)
    update_average(averaged, module, 0.0, 1)
    for name, value in module.state_dict().items():
        assert torch.equal(averaged.state_dict()[name], value), name
