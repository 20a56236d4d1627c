"""`atsal evaluate` and `atsal benchmark`, as a user types them."""

import csv
import json
import re
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from atsal.cli import main
from fakes.avtrack360 import write_avtrack360
from fakes.folder import write_folder
from fakes.gaze import Target


def atsal(*words, status=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == status, result.output
    return result.output


def table(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Two images and a video of one's own, and maps that know where the gaze is."""
    root = tmp_path_factory.mktemp("own")
    targets = write_folder(root / "raw", items=3, observers=4)
    atsal("prepare", "folder", root / "raw", root / "prepared", "--workers", 1)
    (root / "maps").mkdir()
    for name, target in targets.items():
        moments = np.arange(10) / 10 if name.startswith("video") else [0.0]
        np.save(root / "maps" / f"{name}.npy", np.stack([around(target, time) for time in moments]))
    return root


def around(target: Target, time_s: float) -> np.ndarray:
    lon, lat = target.lonlat(time_s)
    rows = (0.5 - (np.arange(80) + 0.5) / 80) * np.pi
    columns = ((np.arange(160) + 0.5) / 160 - 0.5) * 2 * np.pi
    cosine = np.sin(rows)[:, None] * np.sin(lat) + np.cos(rows)[:, None] * np.cos(lat) * np.cos(columns - lon)
    return (np.exp((cosine - 1) / 0.01) + 0.01).astype(np.float32)


def test_evaluate_prints_scores_beside_the_prior(prepared):
    told = atsal("evaluate", prepared / "maps", prepared / "prepared", "--protocol", "folder-video", "--workers", 1)
    assert "equator-prior" in told
    assert "maps" in told
    assert "scaled from 160x80 to 640x320" in told
    assert not (prepared / "scores").exists()


def test_evaluate_writes_reports_that_agree(prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/atsal", "evaluate", "some maps", "--x=s3://key:word@host/a"])
    arguments = ["evaluate", prepared / "maps", prepared / "prepared", "--protocol", "folder-video", "--name", "oracle"]
    told = atsal(*arguments, "-o", tmp_path / "out", "--workers", 1)
    for name in ("report.html", "report.md", "tables.tex", "scores.csv", "summary.csv", "result.json"):
        assert str(tmp_path / "out" / name) in told
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["settings"]["command"] == "atsal evaluate 'some maps' --x=s3://host/a"
    rows = table(tmp_path / "out" / "scores.csv")
    scores = {row["item"]: float(row["cc"]) for row in rows if row["predictor"] == "oracle"}
    assert set(scores) == {"image_1", "video_2", "image_3"}
    prior = [float(row["cc"]) for row in rows if row["predictor"] == "equator-prior"]
    assert min(scores.values()) > max(prior)
    assert "data:image/jpeg;base64" in (tmp_path / "out" / "report.html").read_text()
    again = atsal(*arguments, "-o", tmp_path / "out", "--workers", 1)
    assert again.splitlines()[0] == told.splitlines()[0]


def test_evaluate_refuses_what_is_missing_unless_told_otherwise(prepared, tmp_path):
    (tmp_path / "maps").mkdir()
    np.save(tmp_path / "maps" / "image_1.npy", np.load(prepared / "maps" / "image_1.npy"))
    arguments = ["evaluate", tmp_path / "maps", prepared / "prepared", "--protocol", "folder-video", "--workers", 1]
    told = atsal(*arguments, status=1)
    assert "2 of 3 items cannot be scored: image_3, video_2" in " ".join(told.split())
    partial = atsal(*arguments, "--partial")
    assert "video_2" in partial


def test_wrong_words_are_told_without_a_traceback(prepared, tmp_path):
    told = atsal("evaluate", prepared / "maps", prepared / "prepared", "--protocol", "folder-vidoe", status=1)
    assert "did you mean 'folder-video'" in told
    told = atsal("evaluate", prepared / "maps", prepared / "prepared", "--protocol", "sitzmann", status=1)
    assert "holds folder" in told
    assert "no prepared data set" in atsal("evaluate", prepared / "maps", prepared / "raw", status=1)
    told = atsal("evaluate", prepared / "nothing", prepared / "prepared", "--protocol", "folder-video", status=1)
    assert "nothing: is no folder" in told
    assert "equator-prior" not in told, "before any work"
    assert "none.yaml: no such file" in atsal("benchmark", tmp_path / "none.yaml", "-o", tmp_path / "out", status=1)
    assert not (tmp_path / "out").exists()


def test_benchmark_from_raw_files_to_a_page(tmp_path):
    """Heads on stills: prepared, predicted, scored, drawn."""
    write_avtrack360(tmp_path / "raw", items=3, observers=4, stills=True)
    atsal("prepare", "avtrack360", tmp_path / "raw", tmp_path / "prepared", "--workers", 1)
    (tmp_path / "benchmark.yaml").write_text(
        "title: stills\n"
        "reference: equator-prior\n"
        "resamples: 200\n"
        "datasets:\n  - { prepared: prepared, protocol: avtrack360, name: heads }\n"
        "predictors:\n  - baseline: viewers\n    repeats: 2\n  - baseline: uniform\n  - baseline: equator-prior\n"
        "  - { model: lite, streams: [fused] }\n"
    )
    told = atsal("benchmark", tmp_path / "benchmark.yaml", "-o", tmp_path / "out", "--workers", 1)
    assert "in-sample" in told, "the package's weights saw frames of these names"
    page = (tmp_path / "out" / "report.html").read_text()
    for text in ("lite: fused", "viewers", "uniform", "σ = 6°", "where the head points"):
        assert text in page
    summary = table(tmp_path / "out" / "summary.csv")
    uniform = [row for row in summary if row["predictor"] == "uniform" and row["metric"] == "cc"]
    assert uniform[0]["mean"] in ("", "–"), "a mean over nothing is no number"
    assert not re.search(r"\bnan\b", re.sub(r"base64,[^\"]*", "", page), re.IGNORECASE)
