"""The tags that mark an MP4 as 360° for players: Google's Spherical Video V2 boxes and V1 XML.

Sources: github.com/google/spatial-media, docs/spherical-video-v2-rfc.md and docs/spherical-video-rfc.md. Files that are
written carry both, since some players know only one of them::

    moov > trak > mdia > minf > stbl > stsd > avc1 > avcC
                                                     st3d    stereo mode: 0, mono
                                                     sv3d > svhd          who wrote it
                                                            proj > prhd   pose: yaw, pitch, roll = 0
                                                                   equi   crop: none
                  uuid    the XML of V1
"""

import shutil
import struct
from dataclasses import dataclass
from pathlib import Path

from atsal.errors import MediaError
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.video.boxes import (
    CONTAINERS,
    SAMPLE_ENTRY_FIELDS,
    Box,
    children,
    descend,
    is_video_track,
    read_moov,
    track_id,
)

_V1_UUID = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
_V1_XML = (
    '<?xml version="1.0"?>'
    '<rdf:SphericalVideo xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/">'
    "<GSpherical:Spherical>true</GSpherical:Spherical>"
    "<GSpherical:Stitched>true</GSpherical:Stitched>"
    "<GSpherical:StitchingSoftware>atsal</GSpherical:StitchingSoftware>"
    "<GSpherical:ProjectionType>equirectangular</GSpherical:ProjectionType>"
    "{stereo}</rdf:SphericalVideo>"
)
_V1_STEREO = {1: "top-bottom", 2: "left-right"}  # by the mode of `st3d`
_PATH_TO_STSD = (b"mdia", b"minf", b"stbl", b"stsd")
_METADATA_SOURCE = b"atsal\0"
_FULL_BOX_BYTES = 4  # version and flags
_COPY_BYTES = 1 << 20
_MAX_XML_BYTES = 1 << 16
_OFFSET_CODES = {b"stco": "I", b"co64": "Q"}  # tables of chunk offsets, and the number format of their entries


@dataclass(frozen=True)
class SphericalTags:
    """The tags of one video track: the stereo mode of `st3d`, the projections of `sv3d` (as "equi"), the XML of V1.

    `boxes` are `st3d` and `sv3d` themselves, so that they can be carried over to another file.
    """

    stereo_mode: int | None = None
    projections: tuple[str, ...] = ()
    xml: str = ""
    boxes: bytes = b""


def read_spherical_tags(path: Path) -> dict[int | None, SphericalTags]:
    """Return the tags of each video track of an MP4 or MOV by the track's ID; nothing for other files."""
    found = read_moov(path)
    if found is None:
        return {}
    data, moov, _ = found
    tracks = descend(data, moov, b"trak")
    return {track_id(data, trak): _read_track(data, trak) for trak in tracks if is_video_track(data, trak)}


def has_spherical_tag(path: Path) -> bool:
    """Return whether a video track of an MP4 or MOV carries a tag of either version; False for other files."""
    return any(tags.projections or tags.xml for tags in read_spherical_tags(path).values())


def tag_spherical(path: Path, tags: SphericalTags | None = None) -> None:
    """Tag the video tracks of an MP4 as equirectangular 360°; leave a file that is tagged as it is.

    `tags` are those of another file, which are carried over. What they lack is made up: boxes and XML of a mono video,
    or of one with their `stereo_mode`.

    The file is rewritten beside itself and replaced when complete. The media data are copied in blocks. Raises
    MediaError for what is not an MP4 with a video track or is fragmented, and OutputError where it cannot be written.
    """
    if has_spherical_tag(path):
        return
    found = read_moov(path)
    if found is None:
        raise MediaError(f"{path}: has no MP4 index (the 'moov' box), so it cannot be tagged; expected a complete MP4.")
    data, moov, offset = found
    if any(box.kind == b"mvex" for box in children(data, moov)):
        raise MediaError(f"{path}: is a fragmented MP4, which cannot be tagged; remux it to a plain MP4 first.")
    if not any(is_video_track(data, trak) for trak in descend(data, moov, b"trak")):
        raise MediaError(f"{path}: has no video track to tag; expected an MP4 with pictures.")
    tags = tags or SphericalTags()
    growth = len(_Tagger(path, data, offset, 0, tags).rebuild(moov)) - moov.end
    tagged = _Tagger(path, data, offset, growth, tags).rebuild(moov)
    with output_errors(path), atomic_file(path) as part, path.open("rb") as source, part.open("wb") as target:
        before = offset
        while block := source.read(min(before, _COPY_BYTES)):
            before -= target.write(block)
        target.write(tagged)
        source.seek(offset + moov.end)
        shutil.copyfileobj(source, target, _COPY_BYTES)


def spherical_boxes(stereo_mode: int = 0) -> bytes:
    """Build the `st3d` and `sv3d` boxes of an uncropped, unrotated equirectangular video."""
    svhd = _full_box(b"svhd", _METADATA_SOURCE)
    prhd = _full_box(b"prhd", struct.pack(">3i", 0, 0, 0))
    equi = _full_box(b"equi", struct.pack(">4I", 0, 0, 0, 0))
    return _full_box(b"st3d", bytes([stereo_mode])) + _box(b"sv3d", svhd + _box(b"proj", prhd + equi))


def _v1_xml(stereo_mode: int) -> str:
    layout = _V1_STEREO.get(stereo_mode)
    return _V1_XML.format(stereo=f"<GSpherical:StereoMode>{layout}</GSpherical:StereoMode>" if layout else "")


def _read_track(data: bytes, trak: Box) -> SphericalTags:
    mode: int | None = None
    projections: list[str] = []
    xml, boxes = "", b""
    for entry in (entry for stsd in descend(data, trak, *_PATH_TO_STSD) for entry in children(data, stsd)):
        for box in children(data, entry, SAMPLE_ENTRY_FIELDS):
            boxes += data[box.start : box.end] if box.kind in (b"st3d", b"sv3d") else b""
            if box.kind == b"st3d" and box.end - box.body > _FULL_BOX_BYTES:
                mode = data[box.body + _FULL_BOX_BYTES]
            elif box.kind == b"sv3d":
                shapes = (shape for proj in descend(data, box, b"proj") for shape in children(data, proj))
                projections += [shape.kind.decode("latin-1") for shape in shapes if shape.kind != b"prhd"]
    for box in children(data, trak):
        if box.kind == b"uuid" and data[box.body : box.body + len(_V1_UUID)] == _V1_UUID:
            text = data[box.body + len(_V1_UUID) : min(box.end, box.body + _MAX_XML_BYTES)]
            xml = xml or text.decode("utf-8", "replace")
    return SphericalTags(mode, tuple(projections), xml, boxes)


class _Tagger:
    """Rebuild the index with the tags in it; chunk offsets beyond the index grow by `growth` bytes."""

    def __init__(self, path: Path, data: bytes, moov_offset: int, growth: int, tags: SphericalTags) -> None:
        self._path = path
        self._data = data
        self._moov_offset = moov_offset
        self._growth = growth
        self._boxes = tags.boxes or spherical_boxes(tags.stereo_mode or 0)
        self._xml = tags.xml or _v1_xml(tags.stereo_mode or 0)

    def rebuild(self, box: Box, *, is_video: bool = False) -> bytes:
        """Return the box with the boxes within it rebuilt; `is_video` is whether it belongs to a video track."""
        if box.kind in _OFFSET_CODES:
            return self._move_offsets(box, _OFFSET_CODES[box.kind])
        if box.kind not in CONTAINERS:
            return self._data[box.start : box.end]
        is_video = is_video or (box.kind == b"trak" and is_video_track(self._data, box))
        inner = list(children(self._data, box))
        first, last = (inner[0].start, inner[-1].end) if inner else (box.end, box.end)
        content = [self._data[box.body : first], *(self._rebuild_child(box, child, is_video) for child in inner)]
        content.append(self._data[last : box.end])  # what no reader takes for a box
        if box.kind == b"trak" and is_video:
            content.append(_box(b"uuid", _V1_UUID + self._xml.encode()))
        return _box(box.kind, b"".join(content))

    def _rebuild_child(self, parent: Box, child: Box, is_video: bool) -> bytes:
        codec = next(children(self._data, child, SAMPLE_ENTRY_FIELDS), None) if parent.kind == b"stsd" else None
        if codec is None or not is_video:
            return self.rebuild(child, is_video=is_video)
        before, after = self._data[child.body : codec.end], self._data[codec.end : child.end]
        return _box(child.kind, before + self._boxes + after)

    def _move_offsets(self, box: Box, code: str) -> bytes:
        """Add the growth to each offset of media data that lie after the index."""
        entries, width = box.body + 2 * _FULL_BOX_BYTES, struct.calcsize(f">{code}")
        count = struct.unpack_from(">I", self._data, entries - 4)[0] if entries <= box.end else 0
        if entries + count * width > box.end:
            raise MediaError(f"{self._path}: its table of chunk offsets is damaged; expected a complete MP4.")
        offsets = struct.unpack_from(f">{count}{code}", self._data, entries)
        moved = [offset + self._growth if offset > self._moov_offset else offset for offset in offsets]
        if max(moved, default=0) >= 1 << (8 * width):
            raise MediaError(f"{self._path}: is too large (4 GiB) for its 32-bit offsets; remux it with 64-bit ones.")
        return _box(box.kind, self._data[box.body : entries] + struct.pack(f">{count}{code}", *moved))


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _full_box(kind: bytes, content: bytes) -> bytes:
    return _box(kind, bytes(_FULL_BOX_BYTES) + content)  # version 0, flags 0
