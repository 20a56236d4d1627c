"""Small files that promise far more than they hold: pictures of 10^6 x 10^6, indices of 10^9 frames, bombs."""

import gzip
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from PIL import Image

from fakes.mp4 import BACK, box

SIDE, COUNT = 10**6, 10**9
ZEROS = bytes(1 << 20)


def write_hostile_files(folder: Path) -> dict[str, Path]:
    """Write all of them; by what they promise."""
    folder.mkdir(parents=True)
    files = {}
    for name, write in _FILES.items():
        files[name] = folder / name.replace(" ", "-")
        write(files[name])
    return files


def _png(path: Path) -> None:
    path.write_bytes(png(SIDE, SIDE, ZEROS))


def png(width: int, height: int, content: bytes) -> bytes:
    """A grey PNG; `content` is its rows, each after a byte for its filter."""
    header = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(content, 1)), (b"IEND", b"")]
    parts = (struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _jpeg(path: Path) -> None:
    """65,535 x 65,535: more does not fit in the header."""
    Image.new("RGB", (32, 16)).save(path, "JPEG")
    _replace(path, b"\xff\xc0\x00\x11\x08\x00\x10\x00\x20", b"\xff\xc0\x00\x11\x08\xff\xff\xff\xff")


def _webp(path: Path) -> None:
    Image.new("RGB", (32, 16)).save(path, "WEBP", lossless=True)
    picture, side = path.read_bytes()[12:], (SIDE - 1).to_bytes(3, "little")
    chunks = b"VP8X" + struct.pack("<2I", 10, 0) + side + side + picture
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks)


def _tiff(path: Path) -> None:
    Image.new("L", (32, 16)).save(path, "TIFF", tiffinfo={})
    data = bytearray(path.read_bytes())
    for tag, value in ((256, SIDE), (257, SIDE)):
        at = data.index(struct.pack("<2H", tag, 4))
        struct.pack_into("<2HII", data, at, tag, 4, 1, value)
    path.write_bytes(data)


def _ppm(path: Path) -> None:
    path.write_bytes(b"P6 %d %d 255\n" % (SIDE, SIDE) + ZEROS)


def _bmp(path: Path) -> None:
    Image.new("RGB", (32, 16)).save(path, "BMP")
    _replace(path, struct.pack("<2i", 32, 16), struct.pack("<2i", SIDE, SIDE))


def _gif(path: Path) -> None:
    path.write_bytes(b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(6) + b",\0\0\0\0\xff\xff\xff\xff\0\2\2L\1\0;")


def _jpeg_2000(path: Path) -> None:
    Image.new("RGB", (32, 16)).save(path, "JPEG2000", no_jp2=True)
    _replace(path, struct.pack(">2I", 32, 16), struct.pack(">2I", SIDE, SIDE))


def _avif(path: Path) -> None:
    Image.new("RGB", (32, 16)).save(path, "AVIF")
    _replace(path, b"ispe" + struct.pack(">3I", 0, 32, 16), b"ispe" + struct.pack(">3I", 0, SIDE, SIDE))


def _npy(path: Path) -> None:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({SIDE}, {SIDE})}}".ljust(117) + "\n"
    path.write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode() + ZEROS)


def _npz_bomb(path: Path) -> None:
    """An array of more than 1 GiB in 5 MB."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("density.npy", "w") as member,
    ):
        text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({1100 << 20},)}}".ljust(117) + "\n"
        member.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode())
        for _ in range(1100):
            member.write(ZEROS)


def _gzip_table(path: Path) -> None:
    """One line of 4 GiB in 4 MB."""
    head = gzip.compress(b"viewer,video,t_s,lon_deg,lat_deg\n")
    path.write_bytes(head + 64 * gzip.compress(64 * ZEROS.replace(b"\0", b"1")))


def _gzip_rows(path: Path) -> None:
    """400 million short lines."""
    head = gzip.compress(b"viewer,video,t_s,lon_deg,lat_deg\n")
    path.write_bytes(head + 64 * gzip.compress((64 << 20) // 10 * b"a,b,0,0,0\n"))


def _mp4(path: Path, frames: int = 5, **options: str) -> Path:
    with av.open(str(path), "w", format="mp4", options=BACK | options) as container:
        stream = container.add_stream("libx264", rate=10, options={"x264-params": "bframes=0:threads=1"})
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.full((32, 64, 3), number % 256, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _mp4_size(path: Path, side: int = SIDE) -> None:
    """10^6 x 10^6 in the stream's own header; the fields of MP4 hold 16 bits."""
    _mp4(path)
    data = path.read_bytes()
    start = data.index(b"avcC") - 4
    end = start + int.from_bytes(data[start : start + 4], "big")
    sets = data[start + 8 : end]
    old = int.from_bytes(sets[6:8], "big")
    sps = sps_of(side, side)
    new = box(b"avcC", sets[:6] + struct.pack(">H", len(sps)) + sps + sets[8 + old :])
    path.write_bytes(data[:start] + new + data[end:])
    _grow_around(path, start, len(new) - (end - start))


def _mp4_samples(path: Path) -> None:
    """The sizes (stsz) of 10^9 frames, all of one size, in one chunk."""
    _mp4(path)
    _replace_box(path, b"stsz", struct.pack(">3I", 0, 1, COUNT))
    _replace_box(path, b"stsc", struct.pack(">5I", 0, 1, 1, COUNT, 1))


def _mp4_large_index(path: Path) -> None:
    """80 million frames of one byte: FFmpeg itself would take 2 GB for them."""
    _mp4(path)
    _replace_box(path, b"stsz", struct.pack(">3I", 0, 1, 80_000_000))
    _replace_box(path, b"stsc", struct.pack(">5I", 0, 1, 1, 80_000_000, 1))


def _mp4_times(path: Path) -> None:
    _mp4(path)
    _replace_box(path, b"stts", struct.pack(">4I", 0, 1, COUNT, 1024))


def _mp4_fragment(path: Path) -> None:
    """A fragment (moof) of 80 million frames whose table (trun) says nothing about any of them."""
    _mp4(path, movflags="frag_keyframe+empty_moov")
    _replace_box(path, b"trun", struct.pack(">3I", 1, 80_000_000, 200))


def _mp4_edits(path: Path) -> None:
    """Each of 50,000 edits shows 2,000 frames again: 100 million in a file of 1 MB."""
    _mp4(path, frames=2000)
    _replace_box(path, b"elst", struct.pack(">2I", 0, 50_000) + 50_000 * struct.pack(">2I2H", 200_000, 0, 1, 0))


def _mkv(path: Path) -> None:
    path.write_bytes(mkv(b"V_MPEG4/ISO/AVC", SIDE, _avcc(SIDE), b"\0\0\0\4\x65\x88\x84\0"))


def _mkv_png(path: Path) -> None:
    """The picture, a PNG of 20,000 x 10,000 that is all there, is larger than the container states."""
    header = struct.pack("<3i2H4s5I", 40, 64, 32, 1, 24, b"MPNG", 0, 0, 0, 0, 0)
    path.write_bytes(mkv(b"V_MS/VFW/FOURCC", 64, header, png(20_000, 10_000, bytes(20_001 * 10_000))))


def _mkv_raw(path: Path) -> None:
    header = struct.pack("<3i2H4s5I", 40, SIDE, SIDE, 1, 24, b"I420", 0, 0, 0, 0, 0)
    path.write_bytes(mkv(b"V_MS/VFW/FOURCC", SIDE, header, bytes(1000)))


def _mkv_vp9(path: Path) -> None:
    """VP9's header holds 65,536 x 65,536, and the smallest frame is a few bytes."""
    bits = "10" + "0" + "0" + "0" + "0" + "1" + "0" + f"{0x498342:024b}" + "001" + "0" + "1" * 32 + "0"
    frame = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big") + bytes(64)
    path.write_bytes(mkv(b"V_VP9", 64, b"", frame))


def mkv(codec: bytes, side: int, private: bytes, frame: bytes) -> bytes:
    def element(identity: str, content: bytes) -> bytes:
        return bytes.fromhex(identity) + (len(content) | 1 << 56).to_bytes(8, "big") + content

    def number(identity: str, value: int) -> bytes:
        return element(identity, value.to_bytes(8, "big"))

    height = side if side == SIDE else side // 2
    video = element("e0", number("b0", side) + number("ba", height))
    entry = number("d7", 1) + number("73c5", 1) + number("83", 1) + element("86", codec) + video
    tracks = element("1654ae6b", element("ae", entry + (element("63a2", private) if private else b"")))
    info = element("1549a966", number("2ad7b1", 1_000_000))
    cluster = element("1f43b675", number("e7", 0) + element("a3", b"\x81\0\0\x80" + frame))
    return element("1a45dfa3", element("4282", b"matroska")) + element("18538067", info + tracks + cluster)


def _avcc(side: int) -> bytes:
    sps, pps = sps_of(side, side), bytes.fromhex("68ce3880")
    return b"\1\x42\0\x3e\xff\xe1" + struct.pack(">H", len(sps)) + sps + b"\1" + struct.pack(">H", len(pps)) + pps


def sps_of(width: int, height: int) -> bytes:
    """A sequence parameter set of H.264, baseline profile, for pictures of this size."""

    def ue(value: int) -> str:
        text = f"{value + 1:b}"
        return "0" * (len(text) - 1) + text

    bits = ue(0) + ue(0) + ue(2) + ue(1) + "0" + ue(width // 16 - 1) + ue(height // 16 - 1) + "1100" + "1"
    content = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    return b"\x67\x42\0\x3e" + content


def _avi(path: Path) -> None:
    with av.open(str(path), "w", format="avi") as container:
        stream = container.add_stream("rawvideo", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 64, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode())
    _replace(path, struct.pack("<2i", 64, 32), struct.pack("<2i", SIDE, SIDE))


def _replace(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))


def _replace_box(path: Path, kind: bytes, content: bytes) -> None:
    data = path.read_bytes()
    start = data.index(kind) - 4
    end = start + int.from_bytes(data[start : start + 4], "big")
    new = box(kind, content)
    path.write_bytes(data[:start] + new + data[end:])
    _grow_around(path, start, len(new) - (end - start))


def _grow_around(path: Path, place: int, by: int) -> None:
    """Correct the sizes of the boxes that hold what begins at `place`."""
    data = bytearray(path.read_bytes())
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"stsd", b"avc1", b"moof", b"traf"):
        start = data.rfind(kind, 0, place) - 4
        if start >= 0:
            size = int.from_bytes(data[start : start + 4], "big")
            if place < start + size:
                struct.pack_into(">I", data, start, size + by)
    path.write_bytes(data)


_FILES: dict[str, Callable[[Path], object]] = {
    "size.png": _png,
    "size.jpg": _jpeg,
    "size.webp": _webp,
    "size.tif": _tiff,
    "size.ppm": _ppm,
    "size.bmp": _bmp,
    "size.gif": _gif,
    "size.j2k": _jpeg_2000,
    "size.avif": _avif,
    "size.npy": _npy,
    "bomb.npz": _npz_bomb,
    "line.csv.gz": _gzip_table,
    "rows.csv.gz": _gzip_rows,
    "size.mp4": _mp4_size,
    "wide.mp4": lambda path: _mp4_size(path, 32_000),
    "samples.mp4": _mp4_samples,
    "large index.mp4": _mp4_large_index,
    "times.mp4": _mp4_times,
    "fragment.mp4": _mp4_fragment,
    "edits.mp4": _mp4_edits,
    "size.mkv": _mkv,
    "wide.mkv": lambda path: path.write_bytes(
        mkv(b"V_MPEG4/ISO/AVC", 32_000, _avcc(32_000), b"\0\0\0\4\x65\x88\x84\0")
    ),
    "png inside.mkv": _mkv_png,
    "raw.mkv": _mkv_raw,
    "vp9.mkv": _mkv_vp9,
    "size.avi": _avi,
}
