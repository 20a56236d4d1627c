"""Samples on their way from worker processes."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import torch

from atsal.errors import MediaError
from atsal.models.config import ModelConfig
from atsal.training.config import Augmentation, SourceConfig
from atsal.training.loader import Loader
from atsal.training.photo_crops import PhotoViews
from atsal.training.photos import PhotoSource
from atsal.training.sampler import SampleKey
from atsal.training.sources import SphereSource
from training.conftest import DIRECTED


@pytest.fixture(scope="module")
def sources(sets):
    """Flat photos in two views, and 360° video under the prior."""
    return [
        PhotoSource(SourceConfig(prepared=sets.photos), PhotoViews(count=2, size=32)),
        SphereSource(SourceConfig(prepared=sets.videos), ModelConfig.from_dict(DIRECTED), Augmentation(yaw=True)),
    ]


OPEN = Path("/proc/self/fd")
PHOTO, CLIP = SampleKey(0, 3, seed=1, view_size=32), SampleKey(1, 0, first=2, count=3, seed=2)


def test_workers_hand_over_what_the_sources_give_round_after_round(sources):
    loader = Loader(sources, sources, workers=2)
    for batches in ([[PHOTO, CLIP, PHOTO], [CLIP]], [[PHOTO]]):
        for for_training in (True, False):
            for batch, keys in zip(loader.read(batches, for_training=for_training), batches, strict=True):
                for found, key in zip(batch, keys, strict=True):
                    expected = sources[key.source].read(key, augment=for_training)
                    assert (found.name, found.key) == (expected.name, expected.key)
                    assert (found.prior is None) == (expected.prior is None) == (key is PHOTO)
                    for kind in ("frames", "saliency_maps", "fixation_maps") + (() if key is PHOTO else ("prior",)):
                        assert getattr(found, kind).dtype == getattr(expected, kind).dtype
                        assert torch.equal(getattr(found, kind), getattr(expected, kind)), kind


@pytest.mark.skipif(not OPEN.is_dir(), reason="counts open files as Linux does")
def test_a_large_batch_needs_few_open_files(sources):
    before = len(list(OPEN.iterdir()))
    (batch,) = Loader(sources, workers=1).read([[PHOTO] * 300], for_training=True)
    assert len(batch) == 300
    assert len(list(OPEN.iterdir())) < before + 50


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_a_file_comes_where_its_batch_would(sources, workers):
    read = Loader(sources, workers=workers).read([[PHOTO], [PHOTO, SampleKey(1, 0, first=10**6)]], for_training=True)
    assert len(next(read)) == 1
    with pytest.raises(MediaError, match="no frame"):
        next(read)


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_workers_end_with_a_main_process_that_is_killed(sets, tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import os, signal
            from multiprocessing import active_children
            from atsal.training.config import SourceConfig
            from atsal.training.loader import Loader
            from atsal.training.photo_crops import PhotoViews
            from atsal.training.photos import PhotoSource
            from atsal.training.sampler import SampleKey

            if __name__ == "__main__":
                source = PhotoSource(SourceConfig(prepared={sets.photos!r}), PhotoViews(count=2, size=32))
                read = Loader([source], workers=2).read([[SampleKey(0, 0, view_size=32)]] * 100, for_training=True)
                next(read)
                print(*(child.pid for child in active_children()), flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            """
        )
    )
    done = subprocess.run([sys.executable, script], stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    workers = [int(pid) for pid in done.stdout.split()]
    assert len(workers) == 2
    until = time.monotonic() + 30
    while any(map(is_alive, workers)) and time.monotonic() < until:
        time.sleep(0.2)
    assert not any(map(is_alive, workers))


def is_alive(pid):
    """Whether a process runs; on Linux one that has ended is listed as a zombie until its parent looks."""
    try:
        os.kill(pid, 0)
        listed = Path(f"/proc/{pid}/stat")
        return not listed.exists() or listed.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
