"""Real keys and shapes in tiny files: a tensor expanded from one number stores that number only."""

import argparse
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from atsal.errors import WeightsError
from atsal.models.checkpoints import NETWORKS, extract_state_dict, load_published, looks_like_html, read_checkpoint
from atsal.models.paper import AttentionStream, SalEMA

KINDS = ("attention", "expert")


def tiny_state(kind, dtype=torch.float32):
    """Every tensor constant, tensor i holding i / 1000."""
    with torch.device("meta"):
        shapes = {key: value.shape for key, value in NETWORKS[kind]().state_dict().items()}
    return {key: torch.tensor([i / 1000], dtype=dtype).expand(shape) for i, (key, shape) in enumerate(shapes.items())}


def save(content, tmp_path, *, legacy=False):
    file = tmp_path / "checkpoint.pth"
    torch.save(content, file, _use_new_zipfile_serialization=not legacy)
    return file


def assert_loaded(network, kind):
    assert isinstance(network, NETWORKS[kind])
    assert not network.training
    for i, (key, value) in enumerate(network.state_dict().items()):
        assert value.dtype == torch.float32, key
        assert torch.stack(value.aminmax()).tolist() == pytest.approx([i / 1000] * 2, rel=1e-3), key


def training_extras():
    """What training loops of torch 1.2 leave beside the weights."""
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.Adam([parameter])
    parameter.sum().backward()
    optimizer.step()
    state = optimizer.state_dict()
    return {"epoch": 59, "optimizer": state, "optimizer1_state_dict": state, "optimizer2_state_dict": state}


def numpy_extras():
    array = {"history": np.arange(6.0).reshape(2, 3), "args": argparse.Namespace(lr=1e-4)}
    return {"loss": np.float64(0.25), "step": np.int64(7), "best": np.float32(1), "done": np.bool_(True), **array}


CONTAINERS = {
    "bare": lambda state: state,
    "state_dict": lambda state: {"state_dict": state},
    "extras": lambda state: {"state_dict": state, **training_extras()},
    "numpy extras": lambda state: {"state_dict": state, **numpy_extras()},
    "module": lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}},
    "bare module": lambda state: {f"module.{key}": value for key, value in state.items()},
}


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("container", CONTAINERS)
def test_each_container(tmp_path, container, legacy):
    expected = tiny_state("attention")
    file = save(CONTAINERS[container](expected), tmp_path, legacy=legacy)
    state = extract_state_dict(read_checkpoint(file), file)
    assert list(state) == list(expected)
    assert all(state[key].shape == value.shape for key, value in expected.items())
    assert all(state[key][(0,) * value.ndim] == value[(0,) * value.ndim] for key, value in expected.items())


@pytest.mark.parametrize(("kind", "legacy"), [("attention", True), ("expert", False)])
def test_a_container_becomes_a_network(tmp_path, kind, legacy):
    content = {**CONTAINERS["module"](tiny_state(kind)), **training_extras(), **numpy_extras()}
    assert_loaded(load_published(kind, save(content, tmp_path, legacy=legacy)), kind)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_other_precisions_become_float32(tmp_path, dtype):
    assert_loaded(load_published("expert", save(tiny_state("expert", dtype), tmp_path)), "expert")


def test_safetensors(tmp_path):
    state = {key: value.contiguous() for key, value in tiny_state("expert").items()}
    file = tmp_path / "expert.safetensors"
    safetensors.torch.save_file(state, file)
    assert_loaded(load_published("expert", file), "expert")
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="damaged safetensors"):
        load_published("expert", file)


def test_real_values_survive_and_no_longer_need_the_file(tmp_path):
    network = SalEMA()
    file = save(network.state_dict(), tmp_path)
    loaded = load_published("expert", str(file))
    file.write_bytes(b"")
    for key, value in network.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[key]), key
    assert all(parameter.requires_grad for parameter in loaded.parameters())


class Hostile:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch {self.canary}",)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_code_in_a_pickle_is_refused_and_not_run(tmp_path, legacy):
    canary = tmp_path / "canary"
    file = save({"state_dict": tiny_state("expert"), "extra": Hostile(canary)}, tmp_path, legacy=legacy)
    with pytest.raises(
        WeightsError, match=r"needs the Python object (posix|nt)\.system.*refused.*save the tensors alone"
    ):
        load_published("expert", file)
    assert not canary.exists()


def test_a_whole_pickled_network_is_refused(tmp_path):
    file = save(torch.nn.Linear(1, 1), tmp_path)
    with pytest.raises(WeightsError, match=r"torch\.nn\.modules\.linear\.Linear"):
        load_published("expert", file)


@pytest.mark.parametrize(("kind", "other"), [KINDS, KINDS[::-1]])
def test_the_other_network_is_recognised(tmp_path, kind, other):
    file = save({"state_dict": tiny_state(other)}, tmp_path)
    with pytest.raises(WeightsError, match=f"looks like a checkpoint of .* give it as '{other}'"):
        load_published(kind, file)


def test_missing_unexpected_and_wrong_keys_are_named(tmp_path):
    state = tiny_state("expert")
    del state["salgan.0.weight"], state["alpha"]
    state["head.bias"] = torch.zeros(1)
    state["salgan.60.bias"] = torch.zeros(2)
    names = r"missing: alpha, salgan\.0\.weight; unexpected: head\.bias"
    shapes = r"of another shape: salgan\.60\.bias \(2,\) for \(1,\)"
    with pytest.raises(WeightsError, match=f"{names}; {shapes}"):
        load_published("expert", save(state, tmp_path))
    with pytest.raises(WeightsError, match=r"missing: .* and 60 more"):
        load_published("attention", save({"weight": torch.zeros(1)}, tmp_path))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e300])
def test_values_that_are_not_finite_in_float32(tmp_path, bad):
    state = tiny_state("expert")
    state["salgan.2.bias"] = torch.full((64,), bad, dtype=torch.float64)
    with pytest.raises(WeightsError, match=r"salgan\.2\.bias holds NaN or infinity"):
        load_published("expert", save(state, tmp_path))


def test_integers_and_other_values_are_refused(tmp_path):
    state = tiny_state("expert")
    with pytest.raises(WeightsError, match=r"alpha holds torch\.int64"):
        load_published("expert", save({**state, "alpha": torch.ones(1, dtype=torch.int64)}, tmp_path))
    with pytest.raises(WeightsError, match="alpha in the state dict is not a named tensor"):
        load_published("expert", save({**state, "alpha": 0.25}, tmp_path))


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.98])
def test_truncated_files(tmp_path, share, legacy):
    file = save(tiny_state("expert"), tmp_path, legacy=legacy)
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(WeightsError, match=r"checkpoint\.pth: .*fetch it again"):
        load_published("expert", file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty file"),
        (b"\n<!DOCTYPE html><html><title>Quota exceeded</title>", "a web page"),
        (b"not a checkpoint at all", "not a checkpoint"),
        (bytes(range(256)) * 40, "not a checkpoint"),
        (b"PK\x03\x04" + bytes(100), "not a checkpoint"),
    ],
)
def test_files_that_are_no_checkpoint(tmp_path, content, message):
    file = tmp_path / "file.pth"
    file.write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        load_published("attention", file)


def test_paths_that_are_no_file(tmp_path):
    with pytest.raises(WeightsError, match="no such file"):
        load_published("attention", tmp_path / "absent.pth")
    with pytest.raises(WeightsError, match="not a file"):
        load_published("attention", tmp_path)
    with pytest.raises(WeightsError, match="expected 'attention' or 'expert'"):
        load_published("poles", tmp_path)


@pytest.mark.parametrize("content", [{"epoch": 3}, [1, 2], {"state_dict": {}}, {"state_dict": None}, torch.zeros(2)])
def test_pickles_without_a_state_dict(tmp_path, content):
    with pytest.raises(WeightsError, match="expected a state dict"):
        load_published("attention", save(content, tmp_path))


def test_web_pages_are_told_from_checkpoints(tmp_path):
    assert looks_like_html(b"\xef\xbb\xbf  <HTML>")
    assert not looks_like_html(Path(save({}, tmp_path)).read_bytes()[:512])


def test_loaded_networks_run(tmp_path):
    network = load_published("attention", save(tiny_state("attention"), tmp_path))
    assert isinstance(network, AttentionStream)
    with torch.inference_mode():
        saliency, _ = network(torch.zeros(1, 3, 64, 128))
    assert saliency.shape == (1, 1, 64, 128)


DEEP = b"\x80\x02})" + b"\x85" * 200_000 + b"Ns."
SHARED = b"\x80\x02N" + b"2\x86" * 40 + b"."
MEMORY = b"\x80\x02c__builtin__\nbytearray\n\x8a\x05\0\0\0\0\x10\x85R."


@pytest.mark.parametrize("is_zip", [False, True])
@pytest.mark.parametrize(
    ("content", "message"), [(DEEP, "nested deeper"), (SHARED, "shares its parts"), (MEMORY, "bytearray.*refused")]
)
def test_bombs_are_refused_before_torch_sees_them(tmp_path, content, message, is_zip):
    file = tmp_path / "bomb.pth"
    file.write_bytes(content + (b"" if is_zip else b"\x80\x02N." * 4))
    if is_zip:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("archive/data.pkl", content)
            archive.writestr("archive/version", "3\n")
    with pytest.raises(WeightsError, match=rf"bomb\.pth: .*{message}"):
        read_checkpoint(file)


def test_packed_members_and_members_twice_are_refused(tmp_path):
    file = save({"a": torch.ones(3)}, tmp_path)
    with zipfile.ZipFile(file) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(WeightsError, match="compressed or encrypted"):
        read_checkpoint(file)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", b"N.")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("archive/data.pkl", b"N.")
    with pytest.raises(WeightsError, match="holds two members of one name"):
        read_checkpoint(file)
