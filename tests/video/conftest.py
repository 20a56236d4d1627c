"""Clips made on the spot, whose every frame shows its own number as eight black or white stripes."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image


class Clips:
    WIDTH, HEIGHT = 128, 64

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def picture(self, number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
        bits = [(number >> k) & 1 for k in range(8)]
        row = np.repeat(np.array(bits, np.int64) * 255, width // 8)
        noise = np.random.default_rng(number).integers(-40, 40, (height, width, 1))  # so that frames weigh something
        return np.clip(np.broadcast_to(row[None, :, None], (height, width, 3)) + noise, 0, 255).astype(np.uint8)

    def number(self, image: np.ndarray) -> int:
        stripe = image.shape[1] // 8
        levels = [image[:, k * stripe : (k + 1) * stripe].mean() for k in range(8)]
        assert all(level < 60 or level > 195 for level in levels), levels
        return sum((level > 127) << k for k, level in enumerate(levels))

    def make(
        self,
        name: str = "clip.mp4",
        *,
        frames: int = 60,
        ticks: Sequence[int] | None = None,
        tick: Fraction = Fraction(1, 30),
        size: tuple[int, int] = (WIDTH, HEIGHT),
        codec: str = "libx264",
        pix_fmt: str = "yuv420p",
        options: dict[str, str] | None = None,
        audio: str | None = None,
        audio_seconds: float = 2.0,
        audio_rate: int = 48000,
        paint=None,
        container_options: dict[str, str] | None = None,
    ) -> Path:
        """B-frames and a key frame every 12; `ticks` are the frames' times in units of `tick`."""
        path = self.folder / name
        times = list(ticks) if ticks is not None else list(range(frames))
        with av.open(str(path), "w", options=container_options or {"movflags": "faststart"}) as container:
            stream = container.add_stream(codec, rate=30)
            stream.width, stream.height = size
            stream.pix_fmt = pix_fmt
            if codec == "libx264":
                stream.options = options or {"bf": "2", "g": "12", "preset": "ultrafast", "x264-params": "b-adapt=0"}
            stream.codec_context.time_base = tick
            sound = container.add_stream(audio, rate=audio_rate) if audio else None
            for number, time in enumerate(times):
                image = (paint or self.picture)(number, *size)
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = time, tick
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
            if sound is not None:
                _add_tone(container, sound, audio_seconds)
        return path

    def sound_only(self, name: str = "sound.m4a") -> Path:
        path = self.folder / name
        with av.open(str(path), "w", format="mp4") as container:
            _add_tone(container, container.add_stream("aac", rate=48000), 1.0)
        return path

    def cut(self, path: Path, part: float) -> Path:
        data = path.read_bytes()
        short = path.with_name("cut_" + path.name)
        short.write_bytes(data[: int(len(data) * part)])
        return short


def _add_tone(container, stream, seconds: float) -> None:
    """A click, 20 ms of tone, at the start of each half second."""
    for start in range(0, int(seconds * 48000), 960):
        loud = 0.5 if start % 24000 == 0 else 0.0
        wave = (loud * np.sin(np.arange(960) * 0.1)).astype(np.float32)
        layout = np.repeat((wave * 32000).astype(np.int16)[None, :], 2, 0)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(layout.T.reshape(1, -1)), format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def save_picture(path, pixels, mode=None, **options):
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    (picture.convert(mode) if mode else picture).save(path, **options)
    return path


@pytest.fixture
def clips(tmp_path: Path) -> Clips:
    return Clips(tmp_path)
