import json
from dataclasses import asdict

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from atsal.errors import OutputError, WeightsError
from atsal.models.config import ModelConfig
from atsal.models.loading import new_parts
from atsal.models.two_stream import ATSal
from atsal.training import checkpoint
from atsal.training.checkpoint import (
    Progress,
    optimiser_tensors,
    read_checkpoint,
    restore_optimisers,
    save_checkpoint,
)
from atsal.training.config import OptimiserConfig
from atsal.training.optimisers import make_optimiser
from atsal.training.trained_part import TrainedPart
from training.conftest import TINY

ADAMS = [
    OptimiserConfig(0.01, weight_decay=0.1, average_learning_rate=0.1),
    OptimiserConfig(0.02, "adam", parameters="average"),
]
PROGRESS = Progress(
    epoch=3,
    step_in_epoch=2,
    step=17,
    best=0.25,
    best_epoch=2,
    without_better=1,
    log_bytes=345,
    loss_sum=1 / 3,
    finished="all 3 epochs",
    scores={"cc": 0.1, "nss": float("nan")},
)


def begun(seed):
    """A trained_part, and both of its optimisers."""
    torch.manual_seed(seed)
    config = ModelConfig(**TINY)
    trained_part = TrainedPart(ATSal(config, **new_parts(config)), "equator").eval()
    return trained_part, [make_optimiser(trained_part, adam) for adam in ADAMS]


def step(trained_part, optimiser, seed):
    made = torch.Generator().manual_seed(seed)
    optimiser.zero_grad()
    frames, state = (torch.rand(1, 2, *shape, generator=made) for shape in ((3, 32, 32), (96, 2, 2)))
    (trained_part(frames * 255, state).saliency ** 2).sum().backward()
    optimiser.step()


def saved(path, trained_part, optimisers, states=None, progress=PROGRESS):
    weights = trained_part.module.state_dict()
    averaged = {name: value + 1 for name, value in weights.items()}
    states = {str(slot): state for slot, state in (states or {}).items()}
    tensors = optimiser_tensors(trained_part, optimisers)
    save_checkpoint(path, progress, weights=weights, averaged=averaged, optimiser=tensors, state=states)


@pytest.fixture(scope="module")
def trained():
    """After three steps of the first optimiser and one of the second."""
    trained_part, optimisers = begun(0)
    for number, seed in ((0, 1), (0, 2), (1, 3), (0, 4)):
        step(trained_part, optimisers[number], seed)
    return trained_part, optimisers


def test_everything_comes_back(trained, tmp_path):
    trained_part, optimisers = trained
    states = {0: torch.rand(2, 4, 3), 12: torch.rand(2, 4, 3)}
    saved(tmp_path / "last.safetensors", trained_part, optimisers, states)
    found = read_checkpoint(tmp_path / "last.safetensors")
    assert str(asdict(found.progress)) == str(asdict(PROGRESS))  # nan is not equal to itself
    weights = trained_part.module.state_dict()
    assert found.group("weights").keys() == found.group("averaged").keys() == weights.keys()
    for name, value in weights.items():
        assert torch.equal(found.group("weights")[name], value)
        assert torch.equal(found.group("averaged")[name], value + 1)
        assert found.group("weights")[name].dtype == value.dtype
    assert {int(slot) for slot in found.group("state")} == {0, 12}
    assert all(torch.equal(found.group("state")[str(slot)], state) for slot, state in states.items())
    assert found.group("optimiser")["0.average.alpha.step"].item() == 3
    assert found.group("optimiser")["1.average.alpha.step"].item() == 1
    assert not any(name.startswith("1.") and "alpha" not in name for name in found.group("optimiser"))


def test_a_restored_run_takes_the_same_next_steps(trained, tmp_path):
    trained_part, optimisers = trained
    saved(tmp_path / "last.safetensors", trained_part, optimisers)
    found = read_checkpoint(tmp_path / "last.safetensors")
    again, others = begun(7)
    again.module.load_state_dict(found.group("weights"))
    restore_optimisers(again, others, found.group("optimiser"))
    first = optimiser_tensors(trained_part, optimisers)
    second = optimiser_tensors(again, others)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    twin, twins = begun(8)
    twin.module.load_state_dict(trained_part.module.state_dict())
    restore_optimisers(twin, twins, first)
    for one, adams in ((again, others), (twin, twins)):
        for number, seed in ((0, 10), (1, 11)):
            step(one, adams[number], seed)
    for name, value in twin.module.state_dict().items():
        assert torch.equal(again.module.state_dict()[name], value), name
    unrestored, starts_video = begun(9)
    unrestored.module.load_state_dict(found.group("weights"))
    for number, seed in ((0, 10), (1, 11)):
        step(unrestored, starts_video[number], seed)
    assert not torch.equal(unrestored.module.average.alpha, again.module.average.alpha), "the moments matter"


def test_a_restored_optimiser_shares_no_memory_with_the_checkpoint(trained, tmp_path):
    trained_part, optimisers = trained
    tensors = {name: value.clone() for name, value in optimiser_tensors(trained_part, optimisers).items()}
    again, others = begun(0)
    restore_optimisers(again, others, tensors)
    kept = {name: value.clone() for name, value in tensors.items()}
    step(again, others[0], 5)
    assert all(torch.equal(tensors[name], kept[name]) for name in kept)


def test_a_run_that_has_not_begun_can_be_kept(tmp_path):
    trained_part, optimisers = begun(0)
    saved(tmp_path / "last.safetensors", trained_part, optimisers, progress=Progress())
    found = read_checkpoint(tmp_path / "last.safetensors")
    assert found.progress == Progress()
    assert found.group("optimiser") == found.group("state") == {}


def damaged(path):
    whole = path.read_bytes()
    yield "cut short", whole[: len(whole) // 2]
    yield "empty", b""
    yield "no safetensors", b"PK\x03\x04" + bytes(500)
    for progress in (None, "{", "[1]", '{"epoch": 1, "colour": "red"}'):
        save_file({"weights.a": torch.zeros(1)}, path, None if progress is None else {"progress": progress})
        yield f"progress {progress}", path.read_bytes()


def test_a_damaged_file_is_told(trained, tmp_path):
    path = tmp_path / "last.safetensors"
    saved(path, *trained)
    for what, content in list(damaged(path)):
        path.write_bytes(content)
        with pytest.raises(WeightsError, match=r"last\.safetensors: is no checkpoint"):
            pytest.fail(f"{what} was read: {read_checkpoint(path)}")
    with pytest.raises(WeightsError, match=r"none\.safetensors: is no checkpoint"):
        read_checkpoint(tmp_path / "none.safetensors")


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_write_that_fails_leaves_the_last_good_checkpoint(trained, tmp_path, monkeypatch, error):
    path = tmp_path / "last.safetensors"
    saved(path, *trained)
    before = path.read_bytes()

    def full(_tensors, part, _metadata):
        part.write_bytes(before[:100])
        raise error

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(OutputError, match=r"last\.safetensors: cannot be written: the disk is full"):
        saved(path, *trained, progress=Progress(epoch=9))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_checkpoint_replaces_the_one_before_and_leaves_nothing_else(trained, tmp_path):
    path = tmp_path / "last.safetensors"
    for epoch in (1, 2):
        saved(path, *trained, progress=Progress(epoch=epoch))
    assert read_checkpoint(path).progress.epoch == 2
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OutputError):
        saved(tmp_path / "nowhere" / "last.safetensors", *trained)


def test_the_progress_is_plain_json():
    assert Progress(**json.loads(json.dumps(asdict(Progress(epoch=2, scores={"cc": 1.0}))))) == Progress(
        epoch=2, scores={"cc": 1.0}
    )
