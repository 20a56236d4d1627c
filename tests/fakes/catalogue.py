"""Clips of twenty codecs, broken files, and one that takes too much memory: a catalogue as users have it."""

from pathlib import Path

import av
from PIL import Image

from atsal.video.synthetic_scene import Scene
from fakes.priority import kept_priority

CODECS = (
    ("libx264", "mp4", "yuv420p"),
    ("libx264", "ts", "yuv420p"),
    ("libx264", "mkv", "yuv444p"),
    ("libx265", "mp4", "yuv420p"),
    ("libvpx", "webm", "yuv420p"),
    ("libvpx-vp9", "webm", "yuv420p"),
    ("libsvtav1", "mp4", "yuv420p"),
    ("mpeg4", "mp4", "yuv420p"),
    ("mpeg4", "avi", "yuv420p"),
    ("mpeg2video", "ts", "yuv420p"),
    ("mpeg1video", "mpg", "yuv420p"),
    ("msmpeg4v2", "avi", "yuv420p"),
    ("wmv2", "wmv", "yuv420p"),
    ("flv1", "flv", "yuv420p"),
    ("mjpeg", "mov", "yuvj420p"),
    ("prores", "mov", "yuv422p10le"),
    ("ffv1", "mkv", "yuv420p"),
    ("huffyuv", "avi", "rgb24"),
    ("png", "mov", "rgb24"),
    ("jpeg2000", "mov", "rgb24"),
)
MEMORY_GB = "1"  # of a worker; `hostile` takes more
LONG_FRAMES = 640  # of one clip: two chunks
BROKEN = ("broken-cut", "broken-empty", "broken-words", "hostile")


def write_catalogue(folder: Path) -> None:
    """Write 40 clips, two of each codec; three broken files, and a picture that decodes into 0.4 GB, and copies."""
    folder.mkdir()
    for number in range(2 * len(CODECS)):
        codec, ending, pixels = CODECS[number % len(CODECS)]
        frames = LONG_FRAMES if number == 20 else 4 + number % 5
        _write_clip(folder / f"clip{number:02}.{ending}", codec, pixels, frames, seed=number)
    (folder / "broken-empty.mkv").touch()
    (folder / "broken-words.mp4").write_bytes(b"no video")
    whole = (folder / "clip20.mp4").read_bytes()
    (folder / "broken-cut.mp4").write_bytes(whole[: len(whole) // 3])
    Image.new("RGB", (16000, 8000)).save(folder / "hostile.png", compress_level=1)


def _write_clip(path: Path, codec: str, pixels: str, frames: int, seed: int) -> None:
    scene = Scene(seed)
    with kept_priority(), av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)  # which all of them can
        stream.width, stream.height, stream.pix_fmt = 128, 64, pixels
        stream.options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(scene.render(64, number / 25), format="rgb24")
            container.mux(stream.encode(picture.reformat(format=pixels)))
        container.mux(stream.encode())
