"""Long films that cost no encoding."""

from pathlib import Path

import av

from atsal.video.synthetic_scene import render_video

LOOP_S = 10


def write_looped_film(path: Path, seconds: float, frame_rate: int, height: int) -> Path:
    """Write the packets of ten seconds of a made-up scene again and again, with rising times."""
    loop = path.with_name("loop.mp4")
    render_video(loop, seconds=LOOP_S, frame_rate=frame_rate, erp_height=height, seed=1)
    with av.open(str(loop)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        written = target.add_stream_from_template(stream)
        packets = [packet for packet in source.demux(stream) if packet.size]
        for turn in range(round(seconds / LOOP_S)):
            start = round(turn * LOOP_S / stream.time_base)
            for packet in packets:
                copy = av.Packet(bytes(packet))
                copy.pts, copy.dts = packet.pts + start, packet.dts + start
                copy.duration, copy.time_base, copy.is_keyframe = packet.duration, packet.time_base, packet.is_keyframe
                copy.stream = written
                target.mux(copy)
    return path
