"""What a chunk, a film and a worker cost, from `measured.json`."""

from dataclasses import dataclass
from typing import Any

from atsal.models.loading import build_network, find_weights
from atsal.prediction.chunks import MIN_CHUNK_FRAMES, WARM_UPS_PER_CHUNK
from atsal.prediction.options import Options
from atsal.prediction.warm_up import warm_up_frames
from atsal.remote.content import BLOCK_BYTES

RATE = 30  # frames a second of every source
READ_BYTES = BLOCK_BYTES  # of one request
CHUNK_REQUESTS = 3  # a video or a folder, a record, and the new name of both


@dataclass(frozen=True)
class Costs:
    """Core seconds, bytes and requests. "A second" is one of the source, if nothing else is said."""

    warm_s: float  # core seconds a second of warm-up: decoding and network
    own_s: float  # core seconds a second that is kept: these, drawing and writing
    join_s: float  # core seconds a second of a film in several chunks, and:
    join_chunk_s: float  # for each chunk
    index_s: float  # core seconds a second of a film, to list its frames before it is cut, and:
    index_film_s: float  # for each film
    task_s: float  # core seconds of the coordinator for a task
    load_s: float  # core seconds until a process has loaded the model
    read_bytes: float  # a second
    written_bytes: float  # a second
    frame_files: float  # written a second; a video is one file for each chunk
    chunk_s: float  # the longest chunk
    warm_up_s: float  # before each chunk but the first of a film

    def write_requests(self, seconds: float) -> float:
        """Return the requests to write so much, or to give it other names."""
        return self.frame_files * seconds + CHUNK_REQUESTS


def costs_of(measured: dict[str, Any], work: str, source: str, runtime: str) -> Costs:
    """Return the costs of making `work`, "maps" or "overlay", of a kind of source."""
    parts = measured["parts"]
    core, sizes = parts["core_s_per_source_s"], parts["bytes_per_source_s"]
    warm_s = core[f"decode_{source}_for_{work}"] + core[f"network_{runtime}_for_{work}"]
    is_video = work == "overlay"
    warm_up = warm_up_frames(build_network(find_weights("lite")), Options(formats=("overlay" if is_video else "npy",)))
    return Costs(
        warm_s=warm_s,
        own_s=warm_s + (core["draw"] + core["encode"] if is_video else core["write_maps"]),
        join_s=parts["join"]["core_s_per_source_s"] if is_video else 0.0,
        join_chunk_s=parts["join"]["core_s_per_part"] if is_video else 0.0,
        index_s=parts["index"]["core_s_per_source_s"],
        index_film_s=parts["index"]["core_s_per_film"],
        task_s=measured["start"]["task_core_s"],
        load_s=measured["start"]["load_core_s"][runtime],
        read_bytes=sizes[f"source_{source}"],
        written_bytes=sizes[work],
        frame_files=0 if is_video else RATE,
        chunk_s=max(MIN_CHUNK_FRAMES, WARM_UPS_PER_CHUNK * warm_up) / RATE,
        warm_up_s=warm_up / RATE,
    )


def costs_of_clips(measured: dict[str, Any]) -> Costs:
    """Return the costs of the clips that `measure.py workers` predicts: maps of small videos in one piece."""
    core, sizes = measured["parts"]["core_s_per_source_s"], measured["parts"]["bytes_per_source_s"]
    warm_s = measured["workers"]["decode_core_s_per_source_s"] + core["network_openvino_for_maps"]
    return Costs(
        warm_s=warm_s,
        own_s=warm_s + core["write_maps"],
        join_s=0.0,
        join_chunk_s=0.0,
        index_s=0.0,
        index_film_s=0.0,
        task_s=measured["start"]["task_core_s"],
        load_s=measured["start"]["load_core_s"]["openvino"],
        read_bytes=0.0,
        written_bytes=sizes["maps"],
        frame_files=RATE,
        chunk_s=measured["workers"]["clip_s"],
        warm_up_s=0.0,
    )
