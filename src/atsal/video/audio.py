"""Carry the sound of a source over to a new MP4. Its packets are copied as bytes, and not decoded here."""

from io import BytesIO
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from atsal.video.sound_reader import SoundFormat, SoundPacket, read_sound


class AudioTrack:
    """The first sound track of `source` from `start_s` on, muxed packet by packet into `output`.

    `start_s` counts from the source's first picture, in seconds, and is heard at the output's start. A source without
    sound adds no track. Raises what `read_sound` raises.
    """

    def __init__(self, source: Path, output: OutputContainer, start_s: float) -> None:
        self._output = output
        self._items = read_sound(source, start_s)
        self._waiting: SoundPacket | None = None
        form = next(self._items, None)
        if isinstance(form, SoundFormat):
            self._stream = _add_stream(output, form)
            self._take_next()

    def mux_until(self, time_s: float) -> None:
        """Mux what is heard before `time_s` of the output; call it between pictures, to interleave both."""
        while self._waiting is not None and self._waiting.time_s < time_s:
            self._output.mux(self._packet(self._waiting))
            self._take_next()

    def close(self) -> None:
        """Close the source."""
        self._items.close()

    def _take_next(self) -> None:
        found = next(self._items, None)
        self._waiting = found if isinstance(found, SoundPacket) else None

    def _packet(self, sound: SoundPacket) -> "Packet[AudioStream]":
        packet: Packet[Any] = Packet(sound.content)
        packet.stream, packet.is_keyframe = self._stream, True
        packet.pts, packet.dts, packet.duration = sound.pts, sound.dts, sound.duration
        packet.time_base = sound.time_base
        return packet


def _add_stream(output: OutputContainer, form: SoundFormat) -> AudioStream:
    """Add a stream for packets of this format.

    PyAV has streams for packets only as copies of others, so that one of a file that is never written is copied.
    """
    with av.open(BytesIO(), "w", format="null") as model:
        template: AudioStream = model.add_stream(form.codec, rate=form.rate, format=form.sample_format)  # type: ignore[assignment]
        if form.codec == "alac":  # an open encoder knows the bits of a sample, which MP4 holds for this codec
            model.start_encoding()
        stream = output.add_stream_from_template(template)
    codec = stream.codec_context
    codec.rate, codec.layout, codec.format = form.rate, form.layout, form.sample_format
    codec.bit_rate, codec.extradata = form.bit_rate, form.setup
    stream.time_base = codec.time_base = form.time_base
    return stream
