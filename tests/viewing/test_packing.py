"""Maps that travel to the page, and their measures."""

import gzip
import struct

import numpy as np
import pytest

from atsal.projection import erp_directions
from atsal.viewing.frame_maps import FrameMaps
from atsal.viewing.packing import CHUNK_FRAMES, MapPacker, measure


def unpack(path):
    """What packing.py says of the format, read with nothing of it."""
    content = gzip.decompress(path.read_bytes())
    magic, version, count, rows, columns = struct.unpack("<4s4H", content[:12])
    assert (magic, version) == (b"ATSL", 1)
    return np.frombuffer(content[12:], np.uint8).reshape(count, rows, columns)


def test_maps_come_back_to_a_level(tmp_path):
    random = np.random.default_rng(1)
    saved = random.uniform(0, 3, (CHUNK_FRAMES + 4, 8, 16)).astype(np.float32)
    saved[:, 0, 0] = 3.0  # the same peak in each: the peak that follows them does not move
    packer = MapPacker(("fused",), "head_eye", tmp_path)
    for number, saliency in enumerate(saved):
        packer.add(FrameMaps(number, number / 25, {"fused": saliency}))
    maps = packer.finish()
    (stream,) = maps.streams
    assert (maps.width, maps.height, len(stream.chunks)) == (16, 8, 2)
    assert maps.times_s[3] == 0.12
    found = np.concatenate([unpack(tmp_path / name) for name in stream.chunks])
    assert found.shape == saved.shape
    assert np.abs(found / 255 * 3 - saved).max() <= 3 / 255 * 0.51


def test_the_levels_are_those_of_overlays(tmp_path):
    """The first map sets the peak; a sudden brighter one is cut off, as in the videos of `atsal predict`."""
    packer = MapPacker(("fused",), "head_eye", tmp_path)
    for number, value in enumerate([1.0, 2.0]):
        packer.add(FrameMaps(number, float(number), {"fused": np.full((2, 4), value, np.float32)}))
    levels = unpack(tmp_path / packer.finish().streams[0].chunks[0])
    assert (levels == 255).all()


def test_a_stream_says_what_it_is_a_density_of(tmp_path):
    """A stream without a direction in its name has that of the model."""
    names = ("fused", "fused-head_eye", "experts-head_eye")
    packer = MapPacker(names, "head", tmp_path)
    packer.add(FrameMaps(0, 0.0, dict.fromkeys(names, np.ones((2, 4), np.float32))))
    found = [(stream.name, stream.kind, stream.direction) for stream in packer.finish().streams]
    assert found == [
        ("fused", "fused", "head"),
        ("fused-head_eye", "fused", "head_eye"),
        ("experts-head_eye", "experts", "head_eye"),
    ]


def test_peaks_are_told_as_multiples_of_the_average(tmp_path):
    saliency = np.full((90, 180), 1.0, np.float32)
    saliency[44:46, 89:91] = 10.0
    packer = MapPacker(("fused",), "head_eye", tmp_path)
    packer.add(FrameMaps(0, 0.0, {"fused": saliency}))
    assert packer.finish().streams[0].peak_ratio[0] == pytest.approx(10, rel=0.01)


@pytest.mark.parametrize(("share", "bits"), [(1.0, 0.0), (0.5, 1.0), (0.125, 3.0)])
def test_concentration_is_the_information_about_gaze(share, bits):
    """Gaze that fills a share of the sphere evenly (a cap around a pole, by Archimedes) has -log2(share) bits."""
    height_of_directions = erp_directions(360).numpy()[..., 1]
    saliency = (height_of_directions >= 1 - 2 * share).astype(np.float32) * 7
    mean, found = measure(saliency)
    assert mean == pytest.approx(7 * share, rel=0.01)
    assert found == pytest.approx(bits, abs=0.02)


def test_a_map_of_zeros_has_no_concentration():
    assert measure(np.zeros((4, 8), np.float32)) == (0.0, 0.0)
