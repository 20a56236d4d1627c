"""Encoding that spends bits where people look: QP offsets from maps, in FFmpeg's encoders and in files for others."""

from atsal.encoding.codecs import CODECS, Codec, codec_named
from atsal.encoding.encode import SIZE_TOLERANCE, Encoded, Rate, encode_video
from atsal.encoding.guide import Guide
from atsal.encoding.offsets import BlockGrid

__all__ = ["CODECS", "SIZE_TOLERANCE", "BlockGrid", "Codec", "Encoded", "Guide", "Rate", "codec_named", "encode_video"]
