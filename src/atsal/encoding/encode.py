"""Encode a video, plain or guided, to a bit rate or with constant quality; complete or not at all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from atsal.encoding.codecs import Codec
from atsal.encoding.guide import Guide
from atsal.encoding.pictures import PictureFilter, PictureFormat, choose_format
from atsal.errors import ConfigError, EncoderError, OutputError
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.prediction.sources import LOWEST_RATE
from atsal.video.mp4_file import AudioSource
from atsal.video.mp4_writer import EncoderSettings, Mp4Writer
from atsal.video.probe import VideoInfo, probe_video
from atsal.video.spherical_tags import SphericalTags, read_spherical_tags
from atsal.video.stereo_layout import StereoChoice

SIZE_TOLERANCE = 0.02  # of the rate that was asked for
_GOOD_TOLERANCE = 0.008  # ends the tries
_MOST_TRIES = 8
_LEAST_KBPS, _MOST_KBPS = 1.0, 2e6  # FFmpeg's encoders count some rates in 31 bits
_FEW_FRAMES = 8
_STEREO_MODES = {"mono": 0, "top-bottom": 1, "left-right": 2}
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Rate:
    """What to aim at: the mean bit rate of the pictures, or constant quality; `ConfigError` unless one is given."""

    bitrate_kbps: float | None = None
    crf: float | None = None

    def __post_init__(self) -> None:
        if (self.bitrate_kbps is None) == (self.crf is None):
            raise ConfigError("give either --bitrate, in kbit/s, or --crf")
        if self.bitrate_kbps is not None and not _LEAST_KBPS <= self.bitrate_kbps <= _MOST_KBPS:
            raise ConfigError(f"--bitrate {self.bitrate_kbps:g}: expected {_LEAST_KBPS:g} to {_MOST_KBPS:.0f} kbit/s")

    def check(self, codec: Codec) -> None:
        """Raise `ConfigError` for a crf that the codec does not have."""
        if self.crf is not None and not 0 <= self.crf <= codec.most_crf:
            raise ConfigError(f"--crf {self.crf:g}: expected 0 (best) to {codec.most_crf} for {codec.name}")


@dataclass(frozen=True)
class Encoded:
    """A file that was written; `encodes` is how many times the video was encoded for it, first passes included."""

    path: Path
    video_bytes: int  # of the pictures
    bitrate_kbps: float
    encodes: int


def encode_video(
    source: Path,
    output: Path,
    codec: Codec,
    rate: Rate,
    guide: Guide | None = None,
    *,
    stereo: StereoChoice = "auto",
    progress: Progress = lambda _done: None,
) -> Encoded:
    """Encode a 360° video to an MP4 with its times, sound, colours and 360° tags.

    For a bit rate, x264 and x265 take two passes, and the last is repeated until the pictures have the wanted size
    within 1 %, or 2 % where whole kbit/s are too coarse. vp9, which has regions only with one pass, is repeated.

    Args:
        source: the video.
        output: the file to write; an existing one is replaced.
        codec: one of `CODECS`.
        rate: bit rate or quality.
        guide: the offsets to follow; None: a plain encoding.
        stereo: layout of the views, for the 360° tags of a source without any.
        progress: is called with the number of frames that are done, from 0 on in each pass.

    Raises:
        ConfigError: a crf that the codec does not have.
        MediaError: a video that cannot be read, is damaged, or cannot be encoded as it is.
        OutputError: the file cannot be written, or the codec cannot go down to the bit rate. A rate beyond what the
            best quality of the codec takes is no error: the file is smaller.

    """
    rate.check(codec)
    info = probe_video(source, stereo)
    job = _Job(info, output, codec, choose_format(info, codec), guide, progress)
    with output_errors(output), atomic_file(output) as part:
        if rate.bitrate_kbps is None:
            quality = codec.constant_quality | {"crf": f"{rate.crf:g}"}
            return replace(job.run(part, quality, None), path=output)
        return replace(_reach(job, part, rate.bitrate_kbps), path=output)


@dataclass(frozen=True)
class _Job:
    """One video, one codec, one guide: what all passes and tries have in common."""

    info: VideoInfo
    output: Path
    codec: Codec
    form: PictureFormat
    guide: Guide | None
    progress: Progress

    def run(self, path: Path | None, options: dict[str, str], bit_rate: int | None) -> Encoded:
        """Encode once; without a path, only to learn from it."""
        settings = EncoderSettings(
            self.codec.encoder,
            self._size,
            self._frame_rate,
            pixel_format=self.form.pixel_format,
            options=self.codec.options | options | self._options_of_short_videos,
            colour=self.form.colour,
            pixel_aspect=self.form.pixel_aspect,
            bit_rate=bit_rate,
            codec_tag=self.codec.codec_tag,
        )
        audio = AudioSource(self.info.path) if path is not None and self.info.has_audio else None
        last_s = 0.0
        writer = Mp4Writer(path, settings, audio, _tags(self.info), shown_as=self.output)
        with self._refusals(bit_rate), writer:
            pictures = PictureFilter(self.info, self.codec, self.form, self.guide)
            for done, (picture, last_s) in enumerate(pictures, start=1):
                writer.write(picture, last_s)
                self.progress(done)
        length_s = last_s + 1 / self._frame_rate
        return Encoded(path or Path(), writer.video_bytes, writer.video_bytes * 8 / 1000 / length_s, 1)

    @contextmanager
    def _refusals(self, bit_rate: int | None) -> Iterator[None]:
        """Say what to ask for if the encoder refuses: x264 does not even begin at a rate that is too low."""
        try:
            yield
        except EncoderError as error:
            asked = (
                f" at {bit_rate // 1000} kbit/s; ask for a higher --bitrate" if bit_rate else "; ask for another --crf"
            )
            raise OutputError(
                f"{self.info.path}: {self.codec.name} does not encode this video{asked} (FFmpeg says: {error.reason})"
            ) from error

    @property
    def _options_of_short_videos(self) -> dict[str, str]:
        """Avoid B-frames in a few frames: x265 gives them random decoding times."""
        return {"bf": "0"} if (self.info.frame_count or _FEW_FRAMES) < _FEW_FRAMES else {}

    @property
    def _frame_rate(self) -> float:
        return max(LOWEST_RATE, self.info.frame_rate)

    @property
    def _size(self) -> tuple[int, int]:
        size = (self.info.width, self.info.height)
        return size[::-1] if self.info.view.rotation.swaps_sides else size


def _reach(job: _Job, part: Path, wanted_kbps: float) -> Encoded:
    """Encode until the bit rate is reached; encoders take whole kbit/s, and miss a rate by some percent."""
    asked = wanted_kbps
    tried: dict[int, float] = {}  # kbit/s that were asked for, and what they gave
    with _first_pass(job, wanted_kbps) as options:
        for number in range(1, _MOST_TRIES + 1):
            kbps = max(1, round(asked))
            if kbps in tried or _is_saturated(tried, wanted_kbps):
                break
            found = job.run(part, options, 1000 * kbps)
            tried[kbps] = found.bitrate_kbps
            if abs(found.bitrate_kbps / wanted_kbps - 1) <= _GOOD_TOLERANCE:
                return replace(found, encodes=number + bool(options))
            asked = _next_try(tried, wanted_kbps)
        best = min(tried, key=lambda kbps: abs(tried[kbps] - wanted_kbps))
        if abs(tried[best] / wanted_kbps - 1) > SIZE_TOLERANCE and not _is_saturated(tried, wanted_kbps):
            raise OutputError(
                f"{job.output}: {job.codec.name} does not reach {wanted_kbps:g} kbit/s with this video; the nearest of "
                f"{len(tried)} tries gave {tried[best]:.1f} kbit/s. Ask for another --bitrate, or give --crf"
            )
        return replace(job.run(part, options, 1000 * best), encodes=len(tried) + 1 + bool(options))


def _is_saturated(tried: dict[int, float], wanted_kbps: float) -> bool:
    """Return whether to ask for more no longer gives more: the pictures have the best quality of the codec."""
    if len(tried) < 2:
        return False
    (asked_before, before), (asked, last) = list(tried.items())[-2:]
    return asked > 1.2 * asked_before and last < min(1.02 * before, wanted_kbps)


def _next_try(tried: dict[int, float], wanted_kbps: float) -> float:
    """Return what to ask for next: between the nearest rates below and above, else in proportion to the last."""
    below = max((kbps for kbps, found in tried.items() if found < wanted_kbps), default=None)
    above = min((kbps for kbps, found in tried.items() if found >= wanted_kbps), default=None)
    if below is not None and above is not None and below < above and tried[below] < tried[above]:
        share = (wanted_kbps - tried[below]) / (tried[above] - tried[below])
        return below + min(0.95, max(0.05, share)) * (above - below)
    last = list(tried)[-1]
    return last * min(4.0, max(0.25, wanted_kbps / tried[last]))


@contextmanager
def _first_pass(job: _Job, wanted_kbps: float) -> Iterator[dict[str, str]]:
    """Run the first of two passes, and give the options of the second; nothing for a codec with one pass."""
    if not job.codec.two_passes:
        yield {}
        return
    with TemporaryDirectory(prefix="atsal-") as folder:
        stats = str(Path(folder) / "stats")
        job.run(None, job.codec.pass_options(1, stats), 1000 * max(1, round(wanted_kbps)))
        yield job.codec.pass_options(2, stats)


def _tags(info: VideoInfo) -> SphericalTags:
    """Return the 360° tags of the source; what it lacks follows from the layout of its views."""
    own = next((tags for tags in read_spherical_tags(info.path).values() if tags.boxes or tags.xml), SphericalTags())
    mode = _STEREO_MODES[info.stereo] if own.stereo_mode is None else own.stereo_mode
    return replace(own, stereo_mode=mode)
