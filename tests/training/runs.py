"""How tests run and compare runs."""

import json

import torch
from click.testing import CliRunner
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from atsal.cli import main


def weights(folder):
    return load_file(folder / "checkpoints" / "last.safetensors")


def steps_kept(folder):
    """Of the last checkpoint: its header alone is read, for the file may be replaced meanwhile."""
    last = folder / "checkpoints" / "last.safetensors"
    try:
        with safe_open(last, framework="pt") as file:
            return json.loads(file.metadata()["progress"])["step"]
    except (OSError, RuntimeError, SafetensorError):
        return 0


def same(first, second):
    assert first.keys() == second.keys()
    return all(torch.equal(first[name], second[name]) for name in first)


def invoke(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def side_by_side(settings):
    """Videos of different lengths, in an order in which some begin beside others that go on.

    Maps of the longer ones, of a smaller σ, do not reach the poles.
    """
    (whole,) = settings("clips")["train"]
    sources = [whole, whole | {"sigma_deg": 4, "stride": 2}]
    return {"train": sources, "clip_frames": 2, "seed": 2, "loss": "kld-cc"}
