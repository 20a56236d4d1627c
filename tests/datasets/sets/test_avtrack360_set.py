from pathlib import Path

import numpy as np
import pytest

from atsal.datasets import dataset_named
from atsal.datasets.dataset import Stimulus
from atsal.errors import DataError
from atsal.evaluation.metrics import cc
from atsal.gaze.directions import angle_rad, unit_vectors
from atsal.gaze.maps import saliency_map
from atsal.gaze.records import fixations_from_samples
from atsal.projection import solid_angle_weights
from fakes.avtrack360 import pack, write_avtrack360

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "avtrack360"
AVTRACK360 = dataset_named("avtrack360")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("avtrack360")
    return root, write_avtrack360(root)


def test_items_and_gaze(made):
    root, targets = made
    found = AVTRACK360.find(root)
    assert [item.id for item in found.items] == ["1", "2"]
    for item in found.items:
        assert item.stimulus == root / "AVTrack360_dataset" / f"{item.id}.mp4"
        assert [log.name for log in item.logs] == ["2.json", "3.json", "4.json"]
        gaze = AVTRACK360.read(item, "head", Stimulus())
        assert [track.observer for track in gaze.samples] == ["2", "3", "4"]
        assert gaze.drops == ()
        for track in gaze.samples:
            later = track.select(track.timestamp_s >= AVTRACK360.skip_s)
            assert len(later) == 20, "2.0 … 3.9 s"
            for seconds, direction in zip(later.timestamp_s, later.head, strict=True):
                away = angle_rad(direction, unit_vectors(*targets[item.id].lonlat(seconds)))
                assert np.rad2deg(away) < 6


def test_what_is_missing_is_told(made):
    lines = AVTRACK360.find(made[0]).missing
    assert any(line.startswith("logs of the viewers for 5, 6, 7, 8, 9, 10, 11, 12, … (45)") for line in lines)
    assert any("head rotations for 3, 4" in line and "(18)" in line for line in lines)
    assert len(lines) == 2


def test_stills_and_an_archive(tmp_path):
    write_avtrack360(tmp_path, stills=True)
    unpacked = tmp_path / "AVTrack360_dataset"
    pack(unpacked, unpacked / "head_rotation.tar.xz")
    for file in (unpacked / "Head_rotation").iterdir():
        file.unlink()
    (unpacked / "frames" / "2.webp").rename(unpacked / "2.mp4")
    (unpacked / "frames" / "1.webp").rename(unpacked / "frames" / "9.webp")
    found = AVTRACK360.find(unpacked)
    assert [item.stimulus for item in found.items] == [None, unpacked / "2.mp4"]
    assert found.items[0].logs == (unpacked / "head_rotation.tar.xz",)
    assert any(line.startswith("<n>.mp4, or a still") and " for 1: " in line for line in found.missing)
    assert len(AVTRACK360.read(found.items[1], "head", Stimulus()).samples) == 3


def test_the_logs_are_read_once(made, monkeypatch):
    root, _ = made
    items = AVTRACK360.find(root).items
    monkeypatch.setattr("atsal.datasets.sets.avtrack360.read_videos", None)
    for item in items:
        assert AVTRACK360.read(item, "head", Stimulus()).samples


def test_changed_logs_are_read_again(tmp_path):
    write_avtrack360(tmp_path, stills=True, items=1)
    (item,) = AVTRACK360.find(tmp_path).items
    item.logs[0].write_text("{}")
    with pytest.raises(DataError, match=r"2\.json: not an AVTrack360"):
        AVTRACK360.read(item, "head", Stimulus())


def test_nothing_found(tmp_path):
    (tmp_path / "frames").mkdir()
    with pytest.raises(DataError, match=r"no AVTrack360 logs(.|\n)*Head_rotation/<viewer>(.|\n)*github"):
        AVTRACK360.find(tmp_path)


def test_same_bytes_each_time(tmp_path):
    for name in ("a", "b"):
        write_avtrack360(tmp_path / name)
    for file in (tmp_path / "a").rglob("*.*"):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes()


def test_split_of_stills():
    used = AVTRACK360.splits["static"]["use"]
    assert [n for n in range(1, 21) if str(n) not in used] == [11, 12, 14, 16]
    assert len(used) == 16


@pytest.mark.skipif(not SHARED.exists(), reason="the real logs are not here")
def test_real_set():
    found = AVTRACK360.find(SHARED)
    assert len(found.items) == 20
    assert found.missing == ()
    assert found.items[10].stimulus == SHARED / "frames" / "11.webp"
    assert len(AVTRACK360.read(found.items[10], "head", Stimulus()).samples) == 48


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real logs are not beside the checkout")
def test_two_groups_of_viewers_look_at_the_same_places():
    """Maps of two halves of the viewers, σ 6°: what is read wrongly for some of them would part the halves."""
    weights, rng, found = solid_angle_weights(80).numpy(), np.random.default_rng(0), []
    for item in AVTRACK360.find(SHARED).items:
        samples = AVTRACK360.read(item, "head", Stimulus()).samples
        fixations = fixations_from_samples(samples, "head")
        fixations = fixations.select(fixations.onset_s >= AVTRACK360.skip_s)
        half = rng.permutation(fixations.observers)[::2]
        chosen = np.isin(fixations.observer, half)
        maps = [saliency_map(fixations.select(part), 80, 6.0) for part in (chosen, ~chosen)]
        found.append(cc(*maps, weights=weights))
    assert np.mean(found) >= 0.9
