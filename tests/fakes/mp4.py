"""Boxes of MP4 files, put in by hand. The index must lie behind the media data, so that no offset moves."""

import struct
from pathlib import Path

V1_UUID = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
QUARTER = 0x3FFFFFFF  # of a panorama, as bounds of `equi` count
TO_ENTRY = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1")
BACK = {"brand": "isom"}  # for the muxer: the index behind the media data


def box(kind: bytes, content: bytes, *, full: bool = False) -> bytes:
    content = (bytes(4) if full else b"") + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


def st3d(mode: int) -> bytes:
    """0 mono, 1 top-bottom, 2 left-right, 4 right-left."""
    return box(b"st3d", bytes([mode]), full=True)


def sv3d(projection: bytes, pose: tuple[float, float, float] = (0, 0, 0)) -> bytes:
    svhd = box(b"svhd", b"test\0", full=True)
    prhd = box(b"prhd", struct.pack(">3i", *(round(angle * 65536) for angle in pose)), full=True)
    return box(b"sv3d", svhd + box(b"proj", prhd + projection))


def equi(top: int = 0, bottom: int = 0, left: int = 0, right: int = 0) -> bytes:
    return box(b"equi", struct.pack(">4I", top, bottom, left, right), full=True)


def v1(**values: object) -> bytes:
    values = {"Spherical": "true", "Stitched": "true", "ProjectionType": "equirectangular", **values}
    xml = "".join(f"<GSpherical:{name}>{value}</GSpherical:{name}>" for name, value in values.items())
    return box(b"uuid", V1_UUID + f"<?xml version='1.0'?><rdf:SphericalVideo>{xml}</rdf:SphericalVideo>".encode())


def put_in_entry(path: Path, boxes: bytes) -> Path:
    """Put boxes at the end of the sample entry of the first track."""
    return _put(path, boxes, TO_ENTRY)


def put_in_track(path: Path, boxes: bytes) -> Path:
    """Put boxes at the end of the first track."""
    return _put(path, boxes, TO_ENTRY[:2])


def set_matrix(path: Path, a: float, b: float, c: float, d: float) -> Path:
    """Set the display matrix of the first track."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4 + 40  # version 0
    fixed = [round(value * 65536) for value in (a, b, 0, c, d, 0, 0, 0)]
    struct.pack_into(">9i", data, place, *fixed, 1 << 30)
    path.write_bytes(data)
    return path


def edit(path: Path, *edits: tuple[int, int]) -> Path:
    """Replace the edit list by (length in ms of the movie, start in ticks of the track; -1 for an empty edit)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"edts") - 4
    length = struct.unpack_from(">I", data, at)[0]
    entries = b"".join(struct.pack(">Ii2H", duration, start, 1, 0) for duration, start in edits)
    new = box(b"edts", box(b"elst", struct.pack(">I", len(edits)) + entries, full=True))
    data[at : at + length] = new
    for kind in (b"moov", b"trak"):
        _grow(data, kind, len(new) - length)
    path.write_bytes(data)
    return path


def _put(path: Path, boxes: bytes, ancestors: tuple[bytes, ...]) -> Path:
    data = bytearray(path.read_bytes())
    assert data.index(b"mdat") < data.index(b"moov")
    start = data.index(ancestors[-1], data.index(b"moov")) - 4
    end = start + struct.unpack_from(">I", data, start)[0]
    for kind in ancestors:
        _grow(data, kind, len(boxes))
    data[end:end] = boxes
    path.write_bytes(data)
    return path


def _grow(data: bytearray, kind: bytes, by: int) -> None:
    start = data.index(kind, data.index(b"moov") if kind != b"moov" else 0) - 4
    struct.pack_into(">I", data, start, struct.unpack_from(">I", data, start)[0] + by)
