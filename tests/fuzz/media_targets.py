"""Pictures and videos of each format, container and codec."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from atsal.datasets.stimulus import read_photo
from atsal.video.image_reader import read_image
from atsal.video.media_files import describe_folder
from atsal.video.reader import read_image_sequence
from atsal.video.timed_frames import frame_times
from atsal.video.writer import VideoWriter
from fakes import mp4
from fakes.priority import kept_priority
from fuzz.reading import read_media
from fuzz.target import Target

_XMP = (
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
    b"<rdf:Description xmlns:GPano='http://ns.google.com/photos/1.0/panorama/' GPano:ProjectionType='equirectangular' "
    b"GPano:FullPanoWidthPixels='64' GPano:FullPanoHeightPixels='32' GPano:CroppedAreaLeftPixels='0'/>"
    b"</rdf:RDF></x:xmpmeta>"
)
_EXIF = Image.Exif()
_EXIF[0x0112] = 3
_PICTURES: dict[str, dict[str, Any]] = {  # file -> how it is saved
    "plain.png": {},
    "tagged.png": {"exif": _EXIF},
    "plain.jpg": {},
    "tagged.jpg": {"xmp": _XMP, "exif": _EXIF},
    "progressive.jpg": {"progressive": True},
    "plain.webp": {"lossless": True},
    "lossy.webp": {"xmp": _XMP, "exif": _EXIF},
    "plain.tif": {},
    "deflate.tif": {"compression": "tiff_adobe_deflate"},
    "lzw.tif": {"compression": "tiff_lzw"},
    "plain.bmp": {},
    "plain.gif": {},
    "plain.jp2": {},
    "plain.avif": {"xmp": _XMP},
    "plain.ppm": {},
}
_VIDEOS: dict[str, tuple[str, str, dict[str, str]]] = {  # file -> codec, pixel format, options of the container
    "h264.mp4": ("libx264", "yuv420p", {}),
    "fragments.mp4": ("libx264", "yuv420p", {"movflags": "frag_keyframe+empty_moov"}),
    "hevc.mp4": ("libx265", "yuv420p", {}),
    "av1.mp4": ("libsvtav1", "yuv420p", {}),
    "mpeg4.mov": ("mpeg4", "yuv420p", {"movflags": "faststart"}),
    "prores.mov": ("prores", "yuv422p10le", {}),
    "mjpeg.mov": ("mjpeg", "yuvj420p", {}),
    "png.mov": ("png", "rgb24", {}),
    "h264.mkv": ("libx264", "yuv420p", {}),
    "ffv1.mkv": ("ffv1", "yuv420p", {}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", {}),
    "vp8.webm": ("libvpx", "yuv420p", {}),
    "mpeg4.avi": ("mpeg4", "yuv420p", {}),
    "raw.avi": ("rawvideo", "yuv420p", {}),
    "h264.ts": ("libx264", "yuv420p", {}),
    "mpeg2.ts": ("mpeg2video", "yuv420p", {}),
    "mpeg2.mpg": ("mpeg2video", "yuv420p", {}),
    "flv1.flv": ("flv1", "yuv420p", {}),
    "h264.flv": ("libx264", "yuv420p", {}),
    "wmv2.wmv": ("wmv2", "yuv420p", {}),
    "bare.h264": ("libx264", "yuv420p", {}),
    "bare.hevc": ("libx265", "yuv420p", {}),
}
_FORMATS = {"mkv": "matroska", "ts": "mpegts", "mpg": "mpeg", "wmv": "asf"}
_QUICK = {
    "libx264": {"preset": "ultrafast", "threads": "1"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=none:frame-threads=1"},
    "libsvtav1": {"preset": "12", "svtav1-params": "lp=1"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}
_SIZE, _FRAMES = (64, 32), 12


def picture_targets(root: Path) -> Iterator[Target]:
    """Pictures of each format, and a folder of them that is one clip."""
    root.mkdir()
    pixels = np.random.default_rng(1).integers(0, 255, (32, 64, 3), dtype=np.uint8)
    for name, options in _PICTURES.items():
        Image.fromarray(pixels).save(root / name, **options)
        yield _picture(root / name)
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(root / "deep.png")
    Image.fromarray(pixels[..., 0].astype(np.float32)).save(root / "float.tif")
    Image.fromarray(pixels).convert("P").save(root / "palette.png", transparency=3)
    for name in ("deep.png", "float.tif", "palette.png"):
        yield _picture(root / name)
    clip = root / "clip"
    clip.mkdir()
    for number in range(3):
        Image.fromarray(pixels).save(clip / f"{number}.png")
    yield Target("clip of pictures", clip / "1.png", lambda: (describe_folder(clip), _read_clip(clip)))


def _picture(file: Path) -> Target:
    return Target(f"picture: {file.name}", file, lambda: (read_image(file), read_photo(file)))


def _read_clip(folder: Path) -> None:
    for _ in read_image_sequence(folder, fps=10, size=(32, 16)):
        pass


def video_targets(root: Path) -> Iterator[Target]:
    """Videos of each container and codec, with sound, and with what 360° videos state of themselves."""
    root.mkdir()
    for name, (codec, pixel_format, options) in _VIDEOS.items():
        file = root / name
        _write(file, codec, pixel_format, options, sound="aac" if name.startswith("h264") else None)
        ending = file.suffix[1:]
        if ending in ("h264", "hevc"):  # read by its content, under a name that says video
            file = file.rename(root / f"bare-{ending}.mpg")
        yield _video(file)
    tagged = root / "tagged.mp4"
    _write(tagged, "libx264", "yuv420p", mp4.BACK)
    mp4.put_in_track(mp4.put_in_entry(tagged, mp4.st3d(0) + mp4.sv3d(mp4.equi())), mp4.v1(StereoMode="mono"))
    yield _video(mp4.edit(tagged, (1000, 0)))


def sound_targets(root: Path) -> Iterator[Target]:
    """Videos whose sound is carried over to a video that is written."""
    root.mkdir()
    for name, codec in (("aac.mp4", "aac"), ("opus.mkv", "libopus"), ("mp2.ts", "mp2"), ("pcm.avi", "pcm_s16le")):
        _write(root / name, "libx264", "yuv420p", {}, sound=codec)
        yield Target(f"sound: {name}", root / name, lambda file=root / name: _carry_sound(file))


def _carry_sound(file: Path) -> None:
    with VideoWriter(file.with_suffix(".out.mp4"), _SIZE, 10, audio_from=file) as writer:
        for number in range(3):
            writer.write(np.zeros((_SIZE[1], _SIZE[0], 3), np.uint8), number / 10)


def _video(file: Path) -> Target:
    def read() -> None:
        read_media(file)
        frame_times(file)

    return Target(f"video: {file.name}", file, read)


def _write(file: Path, codec: str, pixel_format: str, options: dict[str, str], sound: str | None = None) -> None:
    ending = file.suffix[1:]
    form = _FORMATS.get(ending, ending)
    with kept_priority(), av.open(str(file), "w", format=form, options=options) as container:
        stream: Any = container.add_stream(codec, rate=10, options=_QUICK.get(codec, {}))
        (stream.width, stream.height), stream.pix_fmt, stream.gop_size = _SIZE, pixel_format, 5
        audio: Any = (
            container.add_stream(sound, rate=48000, layout="mono") if sound and ending not in ("h264",) else None
        )
        for number in range(_FRAMES):
            picture = np.random.default_rng(number).integers(0, 255, (_SIZE[1], _SIZE[0], 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(picture // 8 + 100, format="rgb24").reformat(format=pixel_format)
            frame.pts = number
            container.mux(stream.encode(frame))
        for number in range(10 if audio else 0):
            samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            samples.sample_rate, samples.pts = 48000, 1024 * number
            container.mux(audio.encode(samples))
        for each in (stream, audio) if audio else (stream,):
            container.mux(each.encode())
