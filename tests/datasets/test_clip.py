"""Clips of a prepared set: the frames and maps that training reads."""

import numpy as np
import pytest
import torch

from atsal.datasets import dataset_named
from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.augmentation import Flip, Stretch
from atsal.datasets.prepared.clip import read_clip
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.errors import MediaError
from atsal.gaze.maps import fixation_map
from fakes.every_set import WRITERS


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    root, dataset = tmp_path_factory.mktemp("clips"), dataset_named("vr-eyetracking")
    WRITERS["vr-eyetracking"](root / "raw", items=1)
    prepare(dataset, root / "raw", root / "set", preparation_for(dataset, window="200ms"), workers=1)
    return PreparedSet(root / "set")


def test_each_frame_comes_with_the_maps_of_its_window(prepared):
    (item,) = prepared.items
    clip = read_clip(prepared, item, [4, 1, 3], erp_height=32, map_height=16)
    assert clip.frames.shape == (3, 3, 32, 64)
    for place, index in enumerate((1, 3, 4)):
        window = prepared.window_at(item, index)
        saliency = torch.from_numpy(prepared.saliency_map(item, window, erp_height=16))
        torch.testing.assert_close(clip.saliency_maps[place, 0], saliency / saliency.max())
        fixations = prepared.fixations(item).in_frames(window.first_frame, window.last_frame)
        np.testing.assert_array_equal(clip.fixation_maps[place, 0], fixation_map(fixations, 16))
        alone = read_clip(prepared, item, [index], erp_height=32, map_height=16)
        assert all(torch.equal(part[0], whole[place]) for part, whole in zip(alone, clip, strict=True))


def test_a_transform_moves_frames_and_maps(prepared):
    (item,) = prepared.items
    plain, flipped, stretched = (
        read_clip(prepared, item, [2], erp_height=32, transform=move) for move in (None, Flip(), Stretch("top"))
    )
    assert all(torch.equal(a.flip(-1), b) for a, b in zip(plain, flipped, strict=True))
    assert stretched.frames.dtype == torch.uint8
    assert not any(torch.equal(a, b) for a, b in zip(plain[:2], stretched[:2], strict=True))
    assert stretched.saliency_maps.max() == 1


def test_frames_past_the_end_are_refused(prepared):
    with pytest.raises(MediaError, match="no frame"):
        read_clip(prepared, prepared.items[0], [10**6])
