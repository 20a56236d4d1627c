"""The encoders that obey regions of interest, and how each is told.

FFmpeg attaches rectangles with a `qoffset` in [-1, 1] to a frame (`AVRegionOfInterest`). Its encoders read it so:

| encoder | what becomes of `qoffset` | in FFmpeg |
|---|---|---|
| libx264 | times 51 (63 with 10 bits), added to the QP of blocks of 16 x 16; needs adaptive quantisation | libx264.c |
| libx265 | the same | libx265.c |
| libvpx-vp9 | times 63, added to the quantiser (0 to 63) in 8 segments at most; real-time mode only | libvpxenc.c |
| libsvtav1 | nothing, without a word | |
"""

from dataclasses import dataclass, field

from atsal.config import suggest_name
from atsal.errors import ConfigError


@dataclass(frozen=True)
class Codec:
    """One encoder. `options` hold for all encodes, so that plain and guided ones differ in the regions only."""

    name: str
    encoder: str  # FFmpeg's name
    most_crf: int
    most_bits: int  # per colour
    options: dict[str, str]
    constant_quality: dict[str, str] = field(default_factory=dict)  # options with a crf
    two_passes: bool = True
    step_qp: int = 1  # offsets are multiples of it
    codec_tag: str | None = None
    note: str = ""  # what users should know

    def qoffset(self, offset_qp: int, bits: int) -> float:
        """Return FFmpeg's offset for one in QP of H.264, where 6 halve or double the step of the quantiser."""
        if self.encoder == "libvpx-vp9":  # near the middle, 12 of 64 quantisers double the step
            return offset_qp * 2 / 63
        return offset_qp / (51 + 6 * (bits - 8))

    def pass_options(self, number: int, stats: str) -> dict[str, str]:
        """Return the options of pass 1 or 2, which writes or reads the file `stats`."""
        if self.encoder == "libx264":
            return {"flags": f"+pass{number}", "stats": stats}
        escaped = stats.replace("\\", "\\\\").replace(":", "\\:")
        return {"x265-params": f"{self.options['x265-params']}:pass={number}:stats={escaped}"}


CODECS = {
    codec.name: codec
    for codec in (
        Codec("x264", "libx264", 51, 10, {"preset": "medium"}),
        Codec("x265", "libx265", 51, 10, {"preset": "medium", "x265-params": "log-level=error"}, codec_tag="hvc1"),
        Codec(
            "vp9",
            "libvpx-vp9",
            63,
            8,
            {"deadline": "realtime", "cpu-used": "5", "aq-mode": "0", "lag-in-frames": "0", "row-mt": "1"},
            {"b": "0"},
            two_passes=False,
            step_qp=2,  # from -8 to 6: eight segments
            note="vp9 has regions in real-time mode only, where they gain less than with x264; see docs/encoding.md",
        ),
    )
}
_REFUSED = {
    "svtav1": "SVT-AV1 ignores regions of interest in FFmpeg without a word, so a guided file would be a plain one; "
    "choose x264, x265 or vp9, or write its own file with `atsal roi --for svtav1`",
}
_ALIASES = {"svt-av1": "svtav1", "libsvtav1": "svtav1", "av1": "svtav1"}


def codec_named(name: str) -> Codec:
    """Return the codec of that name. Raises `ConfigError` for an unknown one, and for one that ignores regions."""
    known = _ALIASES.get(name.lower(), name)
    if known in _REFUSED:
        raise ConfigError(f"codec {name!r}: {_REFUSED[known]}")
    if known not in CODECS:
        raise ConfigError(f"codec {name!r}{suggest_name(name, CODECS)}")
    return CODECS[known]
