"""The 360° tag is where the RFC puts it, and the tagged file is still the same video."""

import struct
from xml.etree import ElementTree

import av
import numpy as np
import pytest

from atsal.errors import MediaError
from atsal.video.probe import probe_video
from atsal.video.reader import read_frames
from atsal.video.spherical_tags import has_spherical_tag, read_spherical_tags, spherical_boxes, tag_spherical

FRONT, BACK = {"movflags": "faststart"}, {"brand": "isom"}


def pixels(path):
    return [(f.timestamp_s, f.image.tobytes()) for f in read_frames(path)]


def test_the_boxes_byte_by_byte():
    equi = b"\0\0\0\x1cequi" + bytes(20)
    prhd = b"\0\0\0\x18prhd" + bytes(16)
    svhd = b"\0\0\0\x12svhd" + bytes(4) + b"atsal\0"
    proj = struct.pack(">I", 8 + len(prhd + equi)) + b"proj" + prhd + equi
    sv3d = struct.pack(">I", 8 + len(svhd + proj)) + b"sv3d" + svhd + proj
    assert spherical_boxes() == b"\0\0\0\x0dst3d" + bytes(5) + sv3d


@pytest.mark.parametrize("layout", [FRONT, BACK])
def test_a_tagged_file_decodes_identically(clips, layout):
    path = clips.make(frames=30, audio="aac", container_options=layout)
    assert (path.read_bytes().index(b"moov") < path.read_bytes().index(b"mdat")) == (layout is FRONT)
    before = pixels(path)
    with av.open(str(path)) as container:
        sound_before = [bytes(p) for p in container.demux(audio=0)]
    assert not has_spherical_tag(path)
    tag_spherical(path)
    assert has_spherical_tag(path)
    assert probe_video(path).spherical_tagged
    assert pixels(path) == before
    with av.open(str(path)) as container:
        assert [bytes(p) for p in container.demux(audio=0)] == sound_before
    assert path.read_bytes().index(b"st3d") < path.read_bytes().index(b"sv3d")
    assert len(list(clips.folder.iterdir())) == 1


@pytest.mark.parametrize("kept", [b"uuid", b"sv3d"])
@pytest.mark.parametrize("layout", [FRONT, BACK])
def test_each_version_of_the_tag_stands_alone(clips, layout, kept):
    """FFmpeg and we know the file for 360° by the XML of V1 alone, and by the boxes of V2 alone."""
    path = clips.make(frames=12, audio="aac", container_options=layout)
    before = pixels(path)
    tag_spherical(path)
    (tags,) = read_spherical_tags(path).values()
    assert (tags.stereo_mode, tags.projections) == (0, ("equi",))
    root = ElementTree.fromstring(tags.xml)
    names = {child.tag.rpartition("}")[2]: child.text for child in root}
    assert (names["Spherical"], names["Stitched"], names["ProjectionType"]) == ("true", "true", "equirectangular")
    data = path.read_bytes()
    for kind in {b"uuid", b"sv3d", b"st3d"} - {kept}:
        assert data.count(kind) == 1
        data = data.replace(kind, b"free")
    path.write_bytes(data)
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        assert "SPHERICAL" in {data.type.name for data in frame.side_data}
    assert has_spherical_tag(path)
    assert probe_video(path).spherical_tagged
    assert pixels(path) == before


def test_tagging_twice_changes_nothing(clips):
    path = clips.make(frames=5)
    tag_spherical(path)
    once = path.read_bytes()
    tag_spherical(path)
    assert path.read_bytes() == once


def test_64_bit_chunk_offsets_are_moved(clips):
    """The same file with its `stco` rewritten as `co64` must still decode after tagging."""
    path = clips.make(frames=10)
    before = pixels(path)
    data = path.read_bytes()
    at = data.index(b"stco") - 4
    size, count = struct.unpack(">I", data[at : at + 4])[0], struct.unpack(">I", data[at + 12 : at + 16])[0]
    growth = 4 * count
    offsets = struct.unpack(f">{count}I", data[at + 16 : at + 16 + 4 * count])
    co64 = struct.pack(">I4sII", size + growth, b"co64", 0, count)
    co64 += struct.pack(f">{count}Q", *(offset + growth for offset in offsets))
    new = bytearray(data[:at] + co64 + data[at + size :])
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        start = new.index(kind) - 4
        struct.pack_into(">I", new, start, struct.unpack_from(">I", new, start)[0] + growth)
    path.write_bytes(new)
    assert pixels(path) == before
    tag_spherical(path)
    assert has_spherical_tag(path)
    assert pixels(path) == before


def test_ffmpeg_reads_the_tag_and_keeps_it_in_a_remux(clips):
    path = clips.make(frames=5)
    tag_spherical(path)
    copy = clips.folder / "copy.mp4"
    with av.open(str(path)) as old, av.open(str(copy), "w", options={"strict": "unofficial"}) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    assert has_spherical_tag(copy)
    assert len(pixels(copy)) == 5


def test_the_first_version_is_recognised(clips):
    path = clips.make(frames=5)
    data = bytearray(path.read_bytes())
    uuid = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
    box = struct.pack(">I4s", 24 + 4, b"uuid") + uuid + b"<x/>"
    trak = data.index(b"trak") - 4
    end = trak + struct.unpack_from(">I", data, trak)[0]
    for kind in (b"moov", b"trak"):
        start = data.index(kind) - 4
        struct.pack_into(">I", data, start, struct.unpack_from(">I", data, start)[0] + len(box))
    data[end:end] = box
    path.write_bytes(data)
    assert has_spherical_tag(path)


def test_other_files_have_no_tag(clips):
    assert not has_spherical_tag(clips.make("clip.mkv", frames=3))
    assert not has_spherical_tag(clips.sound_only())
    noise = clips.folder / "noise.mp4"
    for seed in range(50):
        noise.write_bytes(np.random.default_rng(seed).bytes(seed * 7))
        assert not has_spherical_tag(noise)
    for name in ("clip.mkv", "noise.mp4", "sound.m4a"):
        with pytest.raises(MediaError):
            tag_spherical(clips.folder / name)


def test_damaged_boxes_do_not_crash(clips):
    path = clips.make(frames=5)
    tag_spherical(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(200):
        data = bytearray(whole)
        for at in rng.integers(0, whole.index(b"mdat"), 3):
            data[at] = rng.integers(256)
        path.write_bytes(data)
        assert has_spherical_tag(path) in (True, False)
