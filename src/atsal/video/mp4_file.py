"""An MP4 that takes packets of pictures, with the audio of a source and 360° tags, complete or not at all."""

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.video.audio import AudioTrack
from atsal.video.spherical_tags import SphericalTags, tag_spherical

TICKS_PER_S = 90000
TIME_BASE = Fraction(1, TICKS_PER_S)


@dataclass(frozen=True)
class AudioSource:
    """The audio of `path`: what is heard from `start_s` on is heard from the start of the file that is written."""

    path: Path
    start_s: float = 0.0
    duration_s: float = math.inf  # at most that of the pictures


class Mp4File:
    """The file appears at `path`, replacing any other, when the block ends without an exception.

    Otherwise nothing is left behind. The times of pictures are in ticks of 1/90000 s, from 0.

    Args:
        path: where to write; None keeps nothing.
        shown_as: the file that messages name.
        add_pictures: adds the stream of the pictures to the container.
        audio: whose audio to carry over.
        tags: the 360° tags of the file; None: none.

    """

    def __init__(
        self,
        path: Path | None,
        shown_as: Path,
        add_pictures: Callable[[OutputContainer], VideoStream],
        audio: AudioSource | None = None,
        tags: SphericalTags | None = None,
    ) -> None:
        self._path = shown_as
        self.picture_bytes = 0  # without audio and index
        self._target = path
        self._add_pictures = add_pictures
        self._audio_source = audio
        self._tags = tags
        self._first_dts: int | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with output_errors(self._path, also=av.FFmpegError), ExitStack() as stack:
            self._container = self._open(stack)
            stack.callback(_close_quietly, self._container)
            self.pictures = self._add_pictures(self._container)
            self._audio: AudioTrack | None = None
            if self._audio_source is not None:
                self._audio = AudioTrack(self._audio_source.path, self._container, self._audio_source.start_s)
                stack.callback(self._audio.close)
            self._stack = stack.pop_all()
        return self

    def _open(self, stack: ExitStack) -> OutputContainer:
        if self._target is None:
            return av.open("-", "w", format="null")
        self._part = stack.enter_context(atomic_file(self._target))
        return av.open(str(self._part), "w", format="mp4", options={"movflags": "faststart"})

    def mux(self, packets: "Sequence[Packet[VideoStream]]", end_ticks: int | None = None) -> None:
        """Mux packets of pictures in the order of decoding; `end_ticks`, with the last ones, is when the file ends."""
        for packet in packets:
            self.picture_bytes += packet.size
            self._first_dts = packet.dts if self._first_dts is None else self._first_dts
        if end_ticks is not None and packets and packets[-1].dts is not None and self._first_dts is not None:
            # An MP4 track lasts from its first to its last decoding time plus the length of its last packet. With
            # uneven times that is not the length shown, unless the last packet makes up for the difference.
            packets[-1].duration = max(1, end_ticks - (packets[-1].dts - self._first_dts))
        self._container.mux(packets)

    def mux_audio(self, ticks: float) -> None:
        """Mux what is heard before a time; call it between pictures, to interleave both."""
        if self._audio is not None and self._audio_source is not None:
            self._audio.mux_until(min(ticks / TICKS_PER_S, self._audio_source.duration_s))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with output_errors(self._path, also=av.FFmpegError), self._stack:
            self._container.close()
            if self._target is not None and self._tags is not None:
                tag_spherical(self._part, self._tags)


def _close_quietly(container: OutputContainer) -> None:
    # After a failure FFmpeg fails again at the end of the file; the first error is the one to show.
    with suppress(av.FFmpegError):
        container.close()
