"""Many predictors on data sets: what is kept, what is refused, what goes on when one fails."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from click.testing import CliRunner

from atsal.cli import main
from atsal.config import from_mapping
from atsal.datasets.prepared import PreparedSet
from atsal.errors import ConfigError, DataError, OutputError
from atsal.evaluation import map_weights, metric_registry, scoring, scoring_task
from atsal.evaluation.benchmark import Benchmark
from atsal.evaluation.benchmark_config import BenchmarkConfig, folder_name
from atsal.evaluation.metric_registry import metric_named
from atsal.evaluation.metrics import all_metrics
from atsal.evaluation.protocol import read_protocol
from atsal.evaluation.results import difference, estimate
from atsal.gaze.maps import saliency_map
from atsal.jobs.engine import run_task
from atsal.jobs.supervised_workers import NO_LIMITS, SupervisedWorkers, local_engine
from atsal.models.front_prior_file import read_front_priors
from atsal.models.fusion_folds import FORMAT, FusionFold, FusionFolds, write_fusion_folds
from atsal.models.loading import find_weights
from atsal.models.seen_items import ALL_ITEMS
from atsal.models.weight_folder import PARTS, write_weight_folder
from evaluation.conftest import ROWS, prepared
from fakes.folder import write_folder
from fakes.gaze import Target
from fakes.vr_eyetracking import write_vr_eyetracking

PROTOCOL = f"""title: small
datasets: [folder]
direction: head_eye
events: fixations
window: 200ms
weighting: solid_angle
erp_height: {ROWS}
sigma_deg: 8
"""


@pytest.fixture
def base(tmp_path, folder_set, maps):
    (tmp_path / "small.yaml").write_text(PROTOCOL)
    (tmp_path / "prepared").symlink_to(folder_set.folder)
    return tmp_path


@pytest.fixture
def own(base, folder_set):
    """The same with a prepared set and raw files that may be spoilt."""
    (base / "prepared").unlink()
    shutil.copytree(folder_set.folder, base / "prepared")
    shutil.copytree(folder_set.source, base / "raw")
    manifest = json.loads((base / "prepared" / "manifest.json").read_text())
    (base / "prepared" / "manifest.json").write_text(json.dumps(manifest | {"source": str(base / "raw")}))
    return base


def config(*predictors, **more):
    entry = {"prepared": "prepared", "protocol": "small.yaml", "name": "fake"}
    values = {"title": "test", "datasets": [entry], "predictors": list(predictors)} | more
    return from_mapping(BenchmarkConfig, values, "test")


def run(base, *predictors, overwrite=False, workers=1, **more):
    benchmark = Benchmark(config(*predictors, **more), base, base / "out")
    return benchmark.run(overwrite=overwrite, make_engine=partial(local_engine, workers=workers))


def written(base):
    return {path: path.stat().st_mtime_ns for path in (base / "out").rglob("*.json") if path.parent != base / "out"}


def test_every_baseline_and_the_viewers_on_a_mixed_set(base):
    names = ["uniform", "centre", "equator-prior", "mean-of-others", "spectral-residual", "viewers"]
    result = run(base, *({"baseline": name} for name in names), reference="equator-prior")
    (found,) = result.datasets
    assert [one.predictor for one in found.runs] == names
    assert found.failed == {}
    assert found.run("viewers").kind == "ceiling"
    uniform = found.run("uniform").items[0]
    assert uniform.scores["cc"] is None
    assert uniform.scores["auc_judd"] == pytest.approx(0.5)
    prior = found.run("equator-prior")
    assert all(item.scores["information_gain"] == pytest.approx(0, abs=1e-6) for item in prior.items)
    assert found.facts["items"] == 4
    assert found.facts["viewers"] == 4
    assert {"atsal", "date", "machine", "seed"} <= result.settings.keys()


def test_a_second_run_does_nothing_and_more_predictors_only_their_own(base):
    first = run(base, {"baseline": "centre"}, {"maps": "maps"})
    before = written(base)
    again = run(base, {"baseline": "centre"}, {"maps": "maps"})
    assert again.datasets == first.datasets
    assert written(base) == before
    more = run(base, {"baseline": "centre"}, {"maps": "maps"}, {"baseline": "uniform"})
    assert more.datasets[0].runs[:2] == first.datasets[0].runs
    assert {path: when for path, when in written(base).items() if path in before} == before


def test_changed_maps_or_settings_never_mix_with_old_scores(base):
    run(base, {"baseline": "centre"}, {"maps": "maps"})
    np.save(base / "maps" / "image_1.npy", np.ones((ROWS, 2 * ROWS)) + np.arange(2 * ROWS))
    with pytest.raises(OutputError, match=r"scores of other maps, gaze or settings \(image_1\).*--overwrite"):
        run(base, {"baseline": "centre"}, {"maps": "maps"})
    before = written(base)
    run(base, {"baseline": "centre"}, {"maps": "maps"}, overwrite=True)
    changed = [path.name for path, when in written(base).items() if before.get(path) != when]
    assert changed == ["image_1.json"], "the others stay"
    (base / "small.yaml").write_text(PROTOCOL.replace("sigma_deg: 8", "sigma_deg: 9"))
    with pytest.raises(OutputError, match=r"made with other settings .*protocol or gaze was"):
        run(base, {"baseline": "centre"}, {"maps": "maps"})
    new = run(base, {"baseline": "centre"}, {"maps": "maps"}, overwrite=True)
    assert new.datasets[0].protocol.sigma_deg == 9


@pytest.mark.slow  # `test_a_worker_that_is_killed_costs_a_retry` has two, too
def test_workers_change_nothing(base):
    one = run(base, {"baseline": "centre"}, {"maps": "maps"}, {"baseline": "viewers", "repeats": 2})
    shutil.rmtree(base / "out")
    two = run(base, {"baseline": "centre"}, {"maps": "maps"}, {"baseline": "viewers", "repeats": 2}, workers=2)
    assert one.datasets == two.datasets


def test_a_failing_predictor_is_named_and_the_others_go_on(base):
    (base / "maps" / "video_2.npy").unlink()
    (base / "bad").mkdir()
    for item in ("image_1", "video_2", "image_3", "video_4"):
        np.save(base / "bad" / f"{item}.npy", np.full((ROWS, 2 * ROWS), np.nan))
    found = run(
        base,
        {"maps": "maps"},
        {"maps": "maps", "name": "some", "partial": True},
        {"maps": "bad"},
        {"maps": "nowhere"},
        {"maps": "bad", "name": "bad but partial", "partial": True},
        {"model": "prepared"},
        {"baseline": "centre"},
    ).datasets[0]
    assert [one.predictor for one in found.runs] == ["some", "centre"]
    assert "1 of 4 items cannot be scored: video_2" in found.failed["maps"]
    assert "NaN" in found.failed["bad"]
    assert "is no folder" in found.failed["nowhere"]
    assert "model.json" in found.failed["prepared: fused"], "a folder that holds no weights"
    assert "4 of 4" in found.failed["bad but partial"]
    some = found.run("some")
    assert list(some.missing) == ["video_2"]
    assert "no maps of video_2" in some.missing["video_2"]
    assert len(some.items) == 3


@pytest.mark.parametrize("partial", [False, True])
def test_a_damaged_map_is_named_and_the_other_items_are_scored(base, partial):
    whole = run(base, {"maps": "maps"}).datasets[0].run("maps")
    np.savez(base / "archive.npz", maps=np.ones((ROWS, 2 * ROWS)))
    (base / "archive.npz").rename(base / "maps" / "image_3.npy")
    video = base / "maps" / "video_2.npy"
    video.write_bytes(video.read_bytes()[:-5])
    (found,) = run(base, {"maps": "maps", "partial": partial}, {"baseline": "centre"}, overwrite=True).datasets
    assert found.failed == {}
    assert found.damaged == ("image_3", "video_2")
    scored = found.run("maps")
    assert [item.item for item in scored.items] == ["image_1", "video_4"]
    assert scored.scores("cc") == {item: whole.scores("cc")[item] for item in ("image_1", "video_4")}
    assert "cut short" in scored.missing["video_2"]
    assert ".npz archive" in scored.missing["image_3"]
    assert len(found.run("centre").items) == 4


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("item.json", b"[" * 100_000),
        ("item.json", b'{"id": "image_3"}'),
        ("fixations.csv", b"\x89PNG"),
        ("fixations.csv", b"observer,lon_deg,lat_deg,onset_s\nA,1e999,x\n"),
    ],
)
def test_an_item_that_cannot_be_read_is_named_and_the_others_go_on(own, file, content):
    (own / "prepared" / "image_3" / file).write_bytes(content)
    (found,) = run(own, {"maps": "maps"}, {"baseline": "centre"}, {"baseline": "viewers", "repeats": 1}).datasets
    assert found.failed == {}
    assert found.damaged == ("image_3",)
    for one in found.runs:
        assert [item.item for item in one.items] == ["image_1", "video_2", "video_4"]
        assert list(one.missing) == ["image_3"]
        assert "image_3" in one.missing["image_3"]


def test_a_set_of_which_nothing_can_be_read_is_refused(own):
    for item in ("image_1", "video_2", "image_3", "video_4"):
        (own / "prepared" / item / "fixations.csv").write_bytes(b"")
    with pytest.raises(DataError, match="none of the 4 items can be used"):
        run(own, {"maps": "maps"})


def test_a_model_goes_on_after_a_damaged_stimulus(own):
    stimulus = own / "raw" / "image_3.png"
    stimulus.write_bytes(stimulus.read_bytes()[:100])
    predictors = {"model": "lite", "device": "cpu", "streams": ["fused"]}, {"baseline": "spectral-residual"}
    (found,) = run(own, *predictors).datasets
    assert found.failed == {}
    assert found.damaged == ("image_3",)
    for one in found.runs:
        assert [item.item for item in one.items] == ["image_1", "video_2", "video_4"]
        assert "cannot be read as an image" in one.missing["image_3"]


def test_a_model_and_its_streams_are_exported_once(base):
    streams = {"model": "lite", "device": "cpu"}
    (found,) = run(base, streams).datasets
    assert [one.predictor for one in found.runs] == ["lite: attention", "lite: experts", "lite: fused"]
    assert all(len(one.items) == 4 for one in found.runs)
    assert found.runs[0].in_sample == ()
    fused = np.load(base / "out" / "fake" / "maps" / "lite" / "video_2" / "000003.npy")
    assert fused.shape == (160, 320)
    before = written(base)
    run(base, streams)
    assert written(base) == before
    with pytest.raises(OutputError, match=r"stride was 1, is 2.*--overwrite"):
        run(base, streams | {"stride": 2})
    (strided,) = run(base, streams | {"stride": 2}, overwrite=True).datasets
    assert len(strided.run("lite: fused").items[-1].first_frames) == 5
    (single,) = run(base, streams | {"streams": ["experts"], "name": "only"}).datasets
    assert [one.predictor for one in single.runs] == ["only: experts"]
    assert single.runs[0].scores("cc") == pytest.approx(found.run("lite: experts").scores("cc"))


def test_maps_of_another_direction_or_front_are_not_used_again(base):
    entry = {"model": "lite", "device": "cpu", "streams": ["attention"]}
    run(base, entry)
    with pytest.raises(OutputError, match=r"direction was 'head_eye', is 'head'.*--overwrite"):
        run(base, entry | {"direction": "head"})
    with pytest.raises(OutputError, match=r"front_deg was 0\.0, is .*--overwrite"):
        run(base, entry | {"front_deg": None})
    with pytest.raises(ConfigError, match="direction cannot be chosen for it"):
        run(base, {"baseline": "centre", "direction": "head"})
    with pytest.raises(ConfigError, match="front_deg"):
        run(base, entry | {"front_deg": 200})


def test_a_model_is_not_tried_on_photos(tmp_path, photo_set):
    entry = {"prepared": str(photo_set.folder), "protocol": "flat-photos", "name": "photos"}
    values = {"title": "t", "datasets": [entry], "predictors": [{"model": "lite"}, {"baseline": "mean-of-others"}]}
    benchmark = Benchmark(from_mapping(BenchmarkConfig, values, "t"), tmp_path, tmp_path / "out")
    (found,) = benchmark.run().datasets
    assert set(found.failed) == {"lite: attention", "lite: experts", "lite: fused"}
    assert "flat photos" in found.failed["lite: fused"]
    assert found.runs[0].items[0].predicted_latitudes == ()
    picture = benchmark.draw("photos", "mean-of-others", found.runs[0].items[0].item)
    assert picture.shape == (360, 3 * 480 + 2 * 8, 3)


def test_frames_that_a_model_was_trained_on_are_marked(base):
    found = run(base, {"maps": "maps", "trained_on": ["image_1"]}).datasets[0]
    assert found.runs[0].in_sample == ("image_1",)
    with pytest.raises(ConfigError, match="trained_on names elsewhere"):
        run(base, {"maps": "maps", "trained_on": ["image_1", "elsewhere"]})


def test_all_items_of_a_set_that_a_prior_was_fitted_on_are_marked(base):
    bundle = find_weights("lite")
    parts = {part: bundle.load(part) for part in PARTS}
    for name, seen, how in (
        (
            "earlier",
            {"trained_on": {"attention": {"folder": [ALL_ITEMS]}}},
            "has a prior that was fitted on the gaze of",
        ),
        ("fitted", {"prior_fitted_on": {"folder": "latitude"}}, "has seen the mean latitudes of"),
    ):
        write_weight_folder(base / name, bundle.config, parts, seen)
        entry = {"model": str(base / name), "device": "cpu", "streams": ["attention"]}
        (found,) = run(base, entry, overwrite=True).datasets[0].runs
        assert list(found.seen) == [how]
        assert len(found.in_sample) == len(found.items) > 0


def test_maps_whose_manifest_names_weights_are_marked(base):
    """As `atsal evaluate` scores them: the weights know what they saw, wherever the maps are scored."""
    shutil.rmtree(base / "maps")
    bundle = find_weights("lite")
    seen = {
        "trained_on": {"experts": {"folder": ["image_1"]}},
        "fusion_chosen_on": {"dataset": "folder", "items": ["*"]},
    }
    write_weight_folder(base / "seen", bundle.config, {part: bundle.load(part) for part in PARTS}, seen)
    raw = str(PreparedSet(base / "prepared").source)
    common = ["predict", raw, "-o", str(base / "maps"), "--format", "npy", "--device", "cpu", "--runtime", "torch"]
    assert CliRunner().invoke(main, [*common, "--model", str(base / "seen")]).exit_code == 0
    (found,) = run(base, {"maps": "maps"}).datasets[0].runs
    assert found.seen["was trained on"] == ("image_1",)
    assert found.seen["has a fusion that was chosen on"] == tuple(item.item for item in found.items)
    assert found.notes == run(base, {"maps": "maps"}).datasets[0].runs[0].notes
    (base / "seen").rename(base / "moved")
    map_weights._open.cache_clear()
    (found,) = run(base, {"maps": "maps"}).datasets[0].runs
    assert found.seen == {}
    assert any("whether the weights seen" in note and "is unknown" in note for note in found.notes)
    assert (
        CliRunner()
        .invoke(main, [*common, "--overwrite", "--stream", "attention", "--model", str(base / "moved")])
        .exit_code
        == 0
    )
    (found,) = run(base, {"maps": "maps"}, overwrite=True).datasets[0].runs
    assert "was trained on" not in found.seen, "the attention stream saw nothing"


def test_a_fusion_for_each_fold_is_used_and_not_marked(base):
    bundle = find_weights("lite")
    items = sorted(PreparedSet(base / "prepared").items)
    flat = replace(bundle.config.directions.head_eye, exponent=0.0, smoothing_deg=0.0)
    folds = (
        FusionFold(tuple(items[:1]), bundle.config.directions.head_eye),
        FusionFold(tuple(items[1:]), replace(flat, prior=replace(flat.prior, video_strength=0, photo_strength=0))),
    )
    sources = (replace(read_front_priors().sources[0], name="elsewhere"),)
    document = FusionFolds(FORMAT, bundle.checksum, "folder", "head_eye", sources, folds)
    write_fusion_folds(base / "folds.json", document)
    entry = {"model": "lite", "device": "cpu", "streams": ["fused"]}
    result = run(base, {**entry, "fusion": "folds.json"}, {**entry, "name": "plain"}).datasets[0]
    own, plain = result.run("lite: fused"), result.run("plain: fused")
    assert own.in_sample == ()
    assert own.scores("cc")[items[0]] == pytest.approx(plain.scores("cc")[items[0]], abs=1e-5)
    assert abs(own.scores("cc")[items[1]] - plain.scores("cc")[items[1]]) > 1e-3
    write_fusion_folds(base / "folds.json", replace(document, folds=folds[:1]))
    failed = run(base, {**entry, "fusion": "folds.json", "name": "other"}).datasets[0].failed
    assert "and none for" in failed["other: fused"]


def test_items_are_drawn_as_they_were_scored(base):
    benchmark = Benchmark(config({"maps": "maps"}, {"baseline": "viewers", "repeats": 1}), base, base / "out")
    assert benchmark.draw("fake", "maps", "video_2") is None, "before the run"
    benchmark.run()
    picture = benchmark.draw("fake", "maps", "video_2")
    assert picture.shape == (240, 3 * 480 + 2 * 8, 3)
    assert benchmark.draw("fake", "viewers", "video_2") is None
    thirds = [picture[:, n * 488 : n * 488 + 480].astype(int) for n in range(3)]
    assert np.abs(thirds[0] - thirds[1]).max() > 60, "the measured map lies over the stimulus"


def test_another_folder_is_never_written_to(base):
    (base / "out").mkdir()
    (base / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"holds thesis\.txt and is not a benchmark"):
        run(base, {"baseline": "uniform"})
    assert [path.name for path in (base / "out").iterdir()] == ["thesis.txt"]
    (base / "file").write_text("")
    with pytest.raises(OutputError, match="is a file; expected a folder for a benchmark"):
        Benchmark(config({"baseline": "uniform"}), base, base / "file").run()


def test_a_folder_of_files_is_no_export(base):
    run(base, {"baseline": "uniform"})
    (base / "out" / "fake" / "maps" / "uniform" / "export.json").unlink()
    (base / "out" / "fake" / "maps" / "uniform" / "image_1.npy").write_text("of a run that was killed")
    with pytest.raises(OutputError, match="is not a folder of exported maps"):
        run(base, {"baseline": "uniform"})
    with pytest.raises(OutputError, match="is not a folder of exported maps"):
        run(base, {"baseline": "uniform"}, overwrite=True)
    assert (base / "out" / "fake" / "maps" / "uniform" / "image_1.npy").read_text() == "of a run that was killed"


def test_unusable_data_sets_are_refused_before_any_work(base):
    with pytest.raises(DataError, match="no prepared data set"):
        Benchmark(
            config({"baseline": "uniform"}, datasets=[{"prepared": "gone", "protocol": "small.yaml"}]),
            base,
            base / "out",
        )
    assert not (base / "out").exists()


@pytest.mark.parametrize(
    ("predictors", "more", "message"),
    [
        ([], {}, "at least one data set and one predictor"),
        ([{"baseline": "uniform", "maps": "x"}], {}, "one of baseline, model, maps"),
        ([{}], {}, "one of baseline, model, maps"),
        ([{"baseline": "unifrom"}], {}, "did you mean 'uniform'"),
        ([{"maps": "a/x"}, {"maps": "b/x"}], {}, "named x more than once"),
        ([{"model": "lite"}, {"maps": "m", "name": "lite: fused"}], {}, "more than once"),
        ([{"maps": "x", "datasets": ["fkae"]}], {}, "did you mean 'fake'"),
        ([{"maps": "x"}], {"reference": "y"}, "reference 'y'"),
        ([{"maps": "x", "streams": ["both"]}], {}, "expected one of fused, attention, experts"),
        ([{"maps": "x", "stirde": 2}], {}, r"predictors\[0\]: unknown setting 'stirde'"),
        ([{"maps": "x", "stride": 2}], {}, "stride cannot be chosen"),
        ([{"model": "lite", "partial": True}], {}, "partial cannot be chosen"),
        ([{"maps": "x", "datasets": []}], {}, "datasets is empty"),
        ([{"maps": "x"}], {"seed": -1}, "seed -1"),
    ],
)
def test_a_wrong_configuration_is_told(predictors, more, message):
    with pytest.raises(ConfigError, match=message):
        config(*predictors, **more)


def test_labels_become_folders_of_their_own():
    assert folder_name("lite") == "lite"
    names = {folder_name(label) for label in ("a: b", "a/ b", "a_ b", "..", ".", "a: c")}
    assert len(names) == 6
    assert not any("/" in name or name.startswith(".") for name in names)
    long = {folder_name("日" * count) for count in (100, 101)}
    assert len(long) == 2
    assert max(len(name.encode()) for name in long) < 255


def test_a_run_that_was_killed_goes_on(base):
    script = base / "run.py"
    script.write_text(
        "from pathlib import Path\nimport sys\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from evaluation.test_benchmark import config\nfrom atsal.evaluation.benchmark import Benchmark\n"
        "if __name__ == '__main__':\n"
        f"    base = Path({str(base)!r})\n"
        "    Benchmark(config({'baseline': 'viewers', 'repeats': 30}, {'maps': 'maps'}), base, base / 'out').run()\n"
    )
    scores = base / "out" / "fake" / "scores"
    process = subprocess.Popen([sys.executable, str(script)], start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(scores.rglob("*.json")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in scores.rglob("*.json")}
    assert kept
    for path in kept:
        json.loads(path.read_text())  # whole
    found = run(base, {"baseline": "viewers", "repeats": 30}, {"maps": "maps"}).datasets[0]
    assert all(len(one.items) == 4 for one in found.runs)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_a_retry(base):
    """The score of an item is final when its file is there; until then another worker computes it."""
    rows = [{"baseline": "viewers", "repeats": 30}, {"maps": "maps"}]
    whole = run(base, *rows)
    shutil.rmtree(base / "out")
    engine = SupervisedWorkers(run_task, 2, NO_LIMITS)
    killed = []

    def kill(line):
        if "maps to score" in line:
            threading.Timer(0.1, kill_one).start()

    def kill_one():
        while not any(worker.is_busy and worker.is_ready for worker in engine._processes):
            time.sleep(0.01)
        victim = next(worker for worker in engine._processes if worker.is_busy and worker.is_ready)
        os.kill(victim.pid, signal.SIGKILL)
        killed.append(victim.pid)

    found = Benchmark(config(*rows), base, base / "out").run(make_engine=lambda _job: engine, report=kill)
    assert killed
    assert found.datasets == whole.datasets


def test_same_times_and_sizes_do_not_hide_other_maps(base):
    first = run(base, {"maps": "maps"})
    for file in (base / "maps").iterdir():
        before = file.stat()
        np.save(file, np.load(file)[..., ::-1].copy())
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(OutputError, match="scores of other maps"):
        run(base, {"maps": "maps"})
    assert run(base, {"maps": "maps"}, overwrite=True).datasets != first.datasets


def test_other_times_alone_change_nothing(base):
    run(base, {"maps": "maps"})
    before = written(base)
    for file in (base / "maps").iterdir():
        os.utime(file)
    run(base, {"maps": "maps"})
    assert written(base) == before


def test_stimuli_that_changed_are_predicted_anew_when_that_is_asked_for(tmp_path):
    write_folder(tmp_path / "raw", items=2, observers=3)
    prepared("folder", tmp_path / "raw", tmp_path / "prepared")
    (tmp_path / "small.yaml").write_text(PROTOCOL)
    first = run(tmp_path, {"model": "lite", "device": "cpu", "streams": ["fused"]})
    Target(77).write_image(tmp_path / "raw" / "image_1.png")
    prepared("folder", tmp_path / "raw", tmp_path / "prepared")
    with pytest.raises(OutputError, match="made with"):
        run(tmp_path, {"model": "lite", "device": "cpu", "streams": ["fused"]})
    second = run(tmp_path, {"model": "lite", "device": "cpu", "streams": ["fused"]}, overwrite=True)
    one, two = (result.datasets[0].runs[0].scores("cc") for result in (first, second))
    assert one["image_1"] != two["image_1"]
    assert one["video_2"] == two["video_2"]


def test_a_stride_longer_than_a_window_is_refused_before_predicting(base):
    found = run(base, {"model": "lite", "device": "cpu", "stride": 3}).datasets[0]
    assert "stride 3 leaves windows of video_2 without a frame" in found.failed["lite: fused"]
    assert not (base / "out" / "fake" / "maps" / "lite").exists()


def test_what_is_not_prepared_of_the_split_is_known(tmp_path):
    write_vr_eyetracking(tmp_path / "raw", items=24)
    prepared("vr-eyetracking", tmp_path / "raw", tmp_path / "vr")
    entry = {"prepared": "vr", "protocol": "vr-eyetracking"}
    found = run(tmp_path, {"baseline": "uniform"}, datasets=[entry]).datasets[0]
    assert found.dataset == "vr-eyetracking"
    assert len(found.unprepared["test"]) == 72


@pytest.mark.parametrize(
    ("way", "turn"),
    [
        ("mirrored left to right", lambda m: m[..., ::-1]),
        ("turned upside down", lambda m: m[..., ::-1, :]),
        ("turned by 180°", lambda m: np.roll(m, ROWS, -1)),
        (None, lambda m: m),
    ],
)
def test_maps_in_another_orientation_are_told(base, folder_set, way, turn):
    """The measured maps themselves, turned as tools turn them."""
    for item in folder_set.items:
        right = saliency_map(folder_set.fixations(item), ROWS, 8.0)
        np.save(base / "maps" / f"{item}.npy", turn(right + 0.01).copy())
    (found,) = run(base, {"maps": "maps"}).datasets[0].runs
    told = [note for note in found.notes if "check their orientation" in note]
    assert bool(told) == (way is not None)
    assert way is None or f"when {way}" in told[0]


def test_scores_of_another_version_of_the_scoring_are_not_taken(base, monkeypatch):
    run(base, {"maps": "maps"})
    monkeypatch.setattr(scoring_task, "_SCORING", 0)
    with pytest.raises(OutputError, match="scores of other maps, gaze or settings"):
        run(base, {"maps": "maps"})


def test_scores_that_lack_a_metric_are_not_taken(base):
    """As of a version that called it otherwise: it would be missing from every table."""
    first = run(base, {"maps": "maps"})
    path = base / "out" / "fake" / "scores" / "maps" / "image_1.json"
    document = json.loads(path.read_text())
    document["by_window"]["correlation"] = document["by_window"].pop("cc")
    path.write_text(json.dumps(document))
    with pytest.raises(OutputError, match=r"scores of other maps, gaze or settings \(image_1\)"):
        run(base, {"maps": "maps"})
    assert run(base, {"maps": "maps"}, overwrite=True).datasets == first.datasets


def with_metrics(base, *names):
    (base / "small.yaml").write_text(f"{PROTOCOL}metrics: [{', '.join(names)}]\n")


def scored_with(monkeypatch):
    """What each scoring of a map computes from now on."""
    calls = []

    def spy(*arrays, metrics, **named):
        calls.append(tuple(metric.name for metric in metrics))
        return all_metrics(*arrays, metrics=metrics, **named)

    monkeypatch.setattr(scoring, "all_metrics", spy)
    return calls


PREDICTORS = {"maps": "maps"}, {"baseline": "viewers", "repeats": 2}, {"baseline": "centre"}


def test_a_metric_that_is_added_is_computed_alone_and_the_kept_scores_stay(base, monkeypatch):
    with_metrics(base, "cc", "nss", "sim", "auc_borji")
    expected = run(base, *PREDICTORS).datasets[0].runs
    shutil.rmtree(base / "out")
    with_metrics(base, "nss", "cc")
    run(base, *PREDICTORS)
    mark = base / "out" / "fake" / "scores" / "maps" / "image_1.json"
    document = json.loads(mark.read_text())
    document["by_window"]["cc"] = [0.125] * len(document["by_window"]["cc"])
    mark.write_text(json.dumps(document))
    maps_before = {path: path.stat().st_mtime_ns for path in (base / "out").rglob("*.npy")}
    calls = scored_with(monkeypatch)
    with_metrics(base, "cc", "nss", "sim", "auc_borji")
    found = run(base, *PREDICTORS).datasets[0].runs
    assert set(calls) == {("sim", "auc_borji")}
    for one, other in zip(found, expected, strict=True):
        assert [list(item.by_window) for item in one.items] == [["cc", "nss", "sim", "auc_borji"]] * 4
        for metric in ("nss", "sim", "auc_borji"):
            assert one.scores(metric) == other.scores(metric)
    assert found[0].scores("cc")["image_1"] == 0.125, "the kept score is used"
    assert {path: path.stat().st_mtime_ns for path in (base / "out").rglob("*.npy")} == maps_before


def test_a_metric_that_is_left_out_and_named_again_is_not_computed_again(base, monkeypatch):
    with_metrics(base, "cc", "nss")
    first = run(base, *PREDICTORS)
    calls = scored_with(monkeypatch)
    with_metrics(base, "cc")
    assert list(run(base, *PREDICTORS).datasets[0].runs[0].items[0].by_window) == ["cc"]
    with_metrics(base, "cc", "nss")
    assert run(base, *PREDICTORS).datasets == first.datasets
    assert calls == []


def test_a_new_version_of_a_metric_is_computed_again(base, monkeypatch):
    with_metrics(base, "cc", "nss")
    first = run(base, *PREDICTORS)
    changed = replace(metric_named("nss"), version=2)
    monkeypatch.setitem(metric_registry._BUILT_IN, "nss", changed)
    metric_named.cache_clear()
    try:
        calls = scored_with(monkeypatch)
        assert run(base, *PREDICTORS).datasets == first.datasets
        assert set(calls) == {("nss",)}
    finally:
        monkeypatch.undo()
        metric_named.cache_clear()


def test_another_title_or_source_of_a_protocol_changes_no_score(base):
    run(base, *PREDICTORS)
    before = written(base)
    (base / "small.yaml").write_text(PROTOCOL.replace("title: small", "title: other") + "source: a paper\n")
    assert run(base, *PREDICTORS).datasets[0].protocol.title == "other"
    assert written(base) == before


def test_scores_by_a_metric_that_is_not_there_are_refused_and_not_nothing(base):
    found = run(base, {"maps": "maps"}).datasets[0].run("maps")
    assert len(found.scores("cc")) == 4
    for ask in (found.scores, lambda name: estimate(found, name), lambda name: difference(found, found, name)):
        with pytest.raises(
            ConfigError, match="image_1 was not scored by the metric 'auc_jud'; did you mean 'auc_judd'"
        ):
            ask("auc_jud")


def test_the_study_in_the_repository_is_valid(pytestconfig):
    folder = pytestconfig.rootpath / "benchmarks" / "avtrack360"
    from atsal.evaluation.benchmark_config import read_benchmark

    study = read_benchmark(folder / "benchmark.yaml")
    assert study.reference in {label for predictor in study.predictors for label in predictor.labels}
    for entry in study.datasets:
        assert read_protocol(entry.protocol, folder)
