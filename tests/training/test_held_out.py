"""The study of AVTrack360: a quick run on a made-up set."""

import runpy
import sys
from dataclasses import replace

import numpy as np
import torch

from atsal.datasets import dataset_named
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.models.front_prior import FrontPrior
from atsal.models.front_prior_file import read_front_priors, write_front_priors
from atsal.training import fusion
from fakes.avtrack360 import write_avtrack360


def test_each_frame_is_scored_by_settings_chosen_without_it(pytestconfig, tmp_path, monkeypatch, capsys):
    write_avtrack360(tmp_path / "raw", items=5, stills=True)
    dataset = dataset_named("avtrack360")
    prepare(dataset, tmp_path / "raw", tmp_path / "set", preparation_for(dataset), workers=1)
    shipped = read_front_priors()
    own = replace(shipped, head=replace(shipped.head, fading_s=1.0, video_strength=0.4))
    write_front_priors(tmp_path / "own.json", own)
    for name in ("EXPONENTS", "SMOOTHINGS_DEG", "LATITUDE_STRENGTHS", "FRONT_STRENGTHS"):
        monkeypatch.setattr(fusion, name, (0.8, 1.0))
    script = str(pytestconfig.rootpath / "benchmarks" / "avtrack360" / "held_out.py")
    arguments = ["lite", str(tmp_path / "set"), "--prior", str(tmp_path / "own.json"), "-o", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", [script, *arguments, "--exclude", "5"])
    runpy.run_path(script, run_name="__main__")
    for stream in ("prior", "fused", "attention", "experts"):
        assert sorted(path.stem for path in (tmp_path / "out" / stream).iterdir()) == ["1", "2", "3", "4"]
    alone = FrontPrior(replace(own.head, video_strength=1.0), 80)(torch.tensor([15.0]))[0, 0].numpy()
    found = np.load(tmp_path / "out" / "prior" / "2.npy")
    np.testing.assert_allclose(found / found.mean(), alone / alone.mean(), rtol=1e-4)
    said = capsys.readouterr().out
    assert said.count("without fold") == 3 * 4
    assert "at the edge" in said
