"""The tag by which players know a video for 360°: Google's "Spherical Video V2" boxes in an MP4.

Source: "Spherical Video V2 RFC", github.com/google/spatial-media, docs/spherical-video-v2-rfc.md. The tag is placed in
the video's sample entry, after the codec's configuration::

    moov > trak > mdia > minf > stbl > stsd > avc1 > avcC
                                                     st3d    stereo mode: 0, mono
                                                     sv3d > svhd          who wrote it
                                                            proj > prhd   pose: yaw, pitch, roll = 0
                                                                   equi   crop: none

The first version of the RFC put an XML text into a `uuid` box of the track instead; it is recognised, not written.
"""

import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from atsal.errors import MediaError
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.video.boxes import (
    Box,
    boxes_in,
    children,
    descend,
    is_video_track,
    read_moov,
    sample_entry_children,
    track_number,
)

_V1_UUID = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
_METADATA_SOURCE = b"atsal\0"
_PATH_TO_STSD = (b"mdia", b"minf", b"stbl", b"stsd")
_FULL_BOX_BYTES = 4  # version and flags
_COPY_BYTES = 1 << 20
_MAX_XML_BYTES = 1 << 16


def has_spherical_tag(path: Path | str) -> bool:
    """Tell whether an MP4 or MOV carries the boxes of Spherical Video V2, or the XML of V1; False for others."""
    found = read_moov(Path(path))
    if found is None:
        return False
    moov, place = found
    root = Box(b"moov", 0, place.size, place.header)
    return any(_is_tagged(moov, trak) for trak in descend(moov, root, b"trak"))


def spherical_statement(path: Path, track_id: int) -> tuple[int | None, list[str]]:
    """The stereo mode of a track of an MP4 or MOV, and its projections, as `equi`; None and none in other files."""
    mode, projections = None, []
    for moov, trak in _tracks(path, track_id):
        for entry in _sample_entries(moov, trak):
            for box in sample_entry_children(moov, entry):
                if box.kind == b"st3d" and box.end - box.body > _FULL_BOX_BYTES:
                    mode = moov[box.body + _FULL_BOX_BYTES]
                elif box.kind == b"sv3d":
                    projections += _projections(moov, box)
    return mode, projections


def _projections(moov: bytearray, sv3d: Box) -> list[str]:
    return [
        box.kind.decode("latin-1")
        for proj in boxes_in(moov, sv3d.body, sv3d.end)
        if proj.kind == b"proj"
        for box in boxes_in(moov, proj.body, proj.end)
        if box.kind != b"prhd"
    ]


def spherical_xml(path: Path, track_id: int) -> str:
    """The XML of Spherical Video V1 in a track of an MP4 or MOV; empty where there is none."""
    for moov, trak in _tracks(path, track_id):
        for box in children(moov, trak):
            if _is_v1(moov, box):
                return moov[box.body + len(_V1_UUID) : min(box.end, box.body + _MAX_XML_BYTES)].decode(
                    "utf-8", "replace"
                )
    return ""


def tag_spherical(path: Path | str) -> None:
    """Mark the video tracks of an MP4 as mono equirectangular 360°; a file already marked is left as it is.

    The file is rewritten beside itself and replaced when complete; the media data are streamed, not held.

    Raises:
        MediaError: not an MP4 with a video track, or a fragmented one.
        OutputError: the file cannot be written.

    """
    path = Path(path)
    if has_spherical_tag(path):
        return
    found = read_moov(path)
    if found is None:
        raise MediaError(f"{path}: has no MP4 index (the 'moov' box), so it cannot be tagged; expected a complete MP4.")
    moov, place = found
    tagged = _tagged_moov(path, moov, place)
    with output_errors(path), atomic_file(path) as part, path.open("rb") as source, part.open("wb") as target:
        _copy_bytes(source, target, place.start)
        target.write(tagged)
        source.seek(place.end)
        shutil.copyfileobj(source, target, _COPY_BYTES)


def spherical_boxes() -> bytes:
    """Build the `st3d` and `sv3d` boxes of a mono, uncropped, unturned equirectangular video."""
    svhd = _full_box(b"svhd", _METADATA_SOURCE)
    prhd = _full_box(b"prhd", struct.pack(">3i", 0, 0, 0))
    equi = _full_box(b"equi", struct.pack(">4I", 0, 0, 0, 0))
    return _full_box(b"st3d", b"\0") + _box(b"sv3d", svhd + _box(b"proj", prhd + equi))


def _tagged_moov(path: Path, moov: bytearray, place: Box) -> bytes:
    root = Box(b"moov", 0, place.size, place.header)
    if any(box.kind == b"mvex" for box in children(moov, root)):
        raise MediaError(f"{path}: is a fragmented MP4, which cannot be tagged; remux it to a plain MP4 first.")
    insertions: list[tuple[int, list[Box]]] = []  # where, and the boxes that grow
    for trak in descend(moov, root, b"trak"):
        if is_video_track(moov, trak):
            insertions.extend(_insertions(moov, root, trak))
    if not insertions:
        raise MediaError(f"{path}: has no video track to tag; expected an MP4 with pictures.")
    tag = spherical_boxes()
    growth = len(tag) * len(insertions)
    _shift_chunk_offsets(path, moov, root, beyond=place.start, growth=growth)
    for _, ancestors in insertions:
        for box in ancestors:
            _grow(moov, box, len(tag))
    for position, _ in sorted(insertions, key=lambda entry: entry[0], reverse=True):
        moov[position:position] = tag
    return bytes(moov)


def _insertions(moov: bytearray, root: Box, trak: Box) -> list[tuple[int, list[Box]]]:
    """For each sample entry of a video track, where the tag goes and which boxes hold that place."""
    found = []
    ancestors = [root, trak]
    parent = trak
    for kind in _PATH_TO_STSD:
        below = next(descend(moov, parent, kind), None)
        if below is None:
            return []
        ancestors.append(below)
        parent = below
    for entry in children(moov, parent):
        configuration = next(sample_entry_children(moov, entry), None)
        if configuration is not None:
            found.append((configuration.end, [*ancestors, entry]))
    return found


def _grow(moov: bytearray, box: Box, by: int) -> None:
    if box.header == 16:
        struct.pack_into(">Q", moov, box.start + 8, struct.unpack_from(">Q", moov, box.start + 8)[0] + by)
    else:
        struct.pack_into(">I", moov, box.start, struct.unpack_from(">I", moov, box.start)[0] + by)


def _shift_chunk_offsets(path: Path, moov: bytearray, root: Box, beyond: int, growth: int) -> None:
    """Add `growth` to each offset of media data that lies after the index; data before it do not move."""
    for kind, code, width in ((b"stco", "I", 4), (b"co64", "Q", 8)):
        for box in descend(moov, root, b"trak", b"mdia", b"minf", b"stbl", kind):
            count = struct.unpack_from(">I", moov, box.body + 4)[0]
            if box.body + 8 + count * width > box.end:
                raise MediaError(f"{path}: its table of chunk offsets is damaged; expected a complete MP4.")
            offsets = struct.unpack_from(f">{count}{code}", moov, box.body + 8)
            moved = [offset + growth if offset > beyond else offset for offset in offsets]
            if moved and max(moved) >= 1 << (8 * width):
                raise MediaError(f"{path}: is too large (4 GiB) for its 32-bit offsets; remux it with 64-bit ones.")
            struct.pack_into(f">{count}{code}", moov, box.body + 8, *moved)


def _tracks(path: Path, track_id: int) -> Iterator[tuple[bytearray, Box]]:
    found = read_moov(path)
    if found is not None:
        moov, place = found
        for trak in descend(moov, Box(b"moov", 0, place.size, place.header), b"trak"):
            if is_video_track(moov, trak) and track_number(moov, trak) == track_id:
                yield moov, trak


def _sample_entries(moov: bytearray, trak: Box) -> Iterator[Box]:
    for stsd in descend(moov, trak, *_PATH_TO_STSD):
        yield from children(moov, stsd)


def _is_v1(moov: bytearray, box: Box) -> bool:
    return box.kind == b"uuid" and moov[box.body : box.body + len(_V1_UUID)] == _V1_UUID


def _is_tagged(moov: bytearray, trak: Box) -> bool:
    if any(_is_v1(moov, box) for box in children(moov, trak)):
        return True
    return is_video_track(moov, trak) and any(
        child.kind == b"sv3d" for entry in _sample_entries(moov, trak) for child in sample_entry_children(moov, entry)
    )


def _copy_bytes(source: BinaryIO, target: BinaryIO, count: int) -> None:
    while count > 0:
        block = source.read(min(count, _COPY_BYTES))
        if not block:
            return
        target.write(block)
        count -= len(block)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _full_box(kind: bytes, content: bytes) -> bytes:
    return _box(kind, bytes(4) + content)  # version 0, flags 0
