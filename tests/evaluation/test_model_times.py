"""When the pictures are shown that a benchmark predicts a model on: as in training, and as the front prior has it."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from atsal import load_model
from atsal.datasets.dataset import Stimulus
from atsal.errors import InputError
from atsal.evaluation import export
from atsal.evaluation.benchmark_config import PredictorEntry
from atsal.evaluation.dataset_run import BenchmarkDataset
from atsal.evaluation.ground_truth import GroundTruth
from atsal.evaluation.priors import PooledGaze
from atsal.jobs.engine import InThisProcess, run_task
from atsal.models import loading
from atsal.video.reader import read_frames
from atsal.video.synthetic_scene import Scene

LITE = PredictorEntry(model="lite", device="cpu", streams=("attention",))


@pytest.fixture
def clips(truth):
    return GroundTruth(truth.prepared, dataclasses.replace(truth.protocol, window="clip"))


@pytest.fixture(scope="module")
def model():
    return load_model("lite", device="cpu")


def exported(truth, folder, entry=LITE):
    files = BenchmarkDataset(None, truth, folder.with_name("fake"), {}).files
    files.pooled.parent.mkdir(exist_ok=True)
    PooledGaze.of(truth).save(files.pooled, files.fingerprint)
    chosen = {"overwrite": False, "engine": InThisProcess(run_task), "report": lambda _line: None}
    return export.export_model(entry, truth, files, folder, **chosen)


def test_a_folder_of_frames_which_tells_no_rate_is_late(clips, model, tmp_path, monkeypatch):
    folder = tmp_path / "video_2"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(Scene(number).render(64, 0.0)).save(folder / f"f{number}.png")
    monkeypatch.setattr(clips.prepared, "stimulus", lambda _item: Stimulus("frames", 128, 64, 3))
    monkeypatch.setattr(export, "stimulus_paths", lambda _truth: {"video_2": folder})
    assert exported(clips, tmp_path / "out").failed == {}
    for number in range(3):
        found = np.load(tmp_path / "out" / "video_2" / f"{number:06d}.npy")
        image = np.asarray(Image.open(folder / f"f{number}.png"))
        expected, start = (model.predict_image(image, stream="attention", seconds=time) for time in (30, number / 30))
        np.testing.assert_allclose(found, expected, rtol=1e-3)
        assert np.abs(found - start).max() > 0.01 * start.max()


def test_a_video_with_a_stride_has_the_times_of_its_frames(clips, model, tmp_path):
    exported(clips, tmp_path / "out", dataclasses.replace(LITE, stride=4))
    path = export.stimulus_path(clips, "video_2")
    for frame in read_frames(path, stride=4, size=model.frame_size):
        found = np.load(tmp_path / "out" / "video_2" / f"{frame.index:06d}.npy")
        expected = model.predict_image(frame.image, stream="attention", seconds=frame.index / 10)
        np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize(("front_deg", "seconds"), [(0.0, 2.0), (None, None)])
def test_stills_of_a_video_have_the_time_of_the_set(clips, tmp_path, monkeypatch, front_deg, seconds):
    """But for a model without a front, which does not ask for it."""
    monkeypatch.setattr(clips.prepared, "dataset", dataclasses.replace(clips.prepared.dataset, still_s=2.0))
    found = exported(clips, tmp_path / "out", dataclasses.replace(LITE, front_deg=front_deg))
    assert found.failed == {}
    assert found.settings["still_s"] == seconds
    image = np.asarray(Image.open(export.stimulus_path(clips, "image_1")))
    expected = load_model("lite", device="cpu", front_deg=front_deg).predict_image(
        image, stream="attention", seconds=seconds
    )
    np.testing.assert_allclose(np.load(tmp_path / "out" / "image_1.npy"), expected, rtol=1e-3)


def test_stimuli_of_one_name_are_refused_before_any_is_predicted(clips, tmp_path, monkeypatch):
    """Else the maps of one would be scored as those of the other."""
    files = {item: tmp_path / item / "scene.png" for item in ("image_1", "video_2")}
    for number, file in enumerate(files.values()):
        file.parent.mkdir()
        Image.fromarray(Scene(number).render(64, 0.0)).save(file)
    monkeypatch.setattr(export, "stimulus_paths", lambda _truth: files)
    with pytest.raises(InputError, match=r"would both write .*scene\.json"):
        exported(clips, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_weights_are_read_once(clips, tmp_path, monkeypatch):
    """They are read whole, for their checksums."""
    read = []
    real = loading.read_weight_folder
    monkeypatch.setattr(loading, "read_weight_folder", lambda folder: read.append(folder) or real(folder))
    monkeypatch.setattr(export, "stimulus_paths", lambda _truth: {})
    exported(clips, tmp_path / "out")
    assert len(read) == 1
