"""Show the document of `bench` as tables on a terminal."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

NOISY = 2.0  # the slowest round over the fastest


def tables(document: dict[str, Any]) -> Iterator["Table | str"]:
    """Yield the machine in a line, then what was measured."""
    from rich.table import Table  # noqa: PLC0415 - its import draws from the random numbers of the program

    machine, model, video = document["machine"], document["model"], document["video"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    gpu = f", {machine['gpu']}" if "gpu" in machine else ""
    yield f"{machine['processor']}, {machine['cores']} cores, {machine['threads']} threads{gpu}; {versions}"
    network = document["network"]
    yield (
        f"{model['name']}, faces of {model['face_size']}, {model['precision']}: {model['gflop_a_frame']:.2f} GFLOP a "
        f"frame; float32 ceilings: matrix product {network['matrix_gflops']:.0f} GFLOP/s, 3x3 convolution "
        f"{network['convolution_gflops']:.0f} GFLOP/s, so at best {network['floor_ms']:.1f} ms a frame"
    )
    yield _network(network)
    noisy = [name for name, found in network.items() if isinstance(found, dict) and _spread(found) > NOISY]
    if noisy:
        yield (
            f"Rounds of {', '.join(noisy)} differ by a factor of more than {NOISY:g}: another program is running, so "
            "these figures mean little. Measure again on a quiet machine."
        )
    for missing in document["left_out"]:
        yield f"left out: {missing}"
    stages = Table("stage (torch, one frame at a time, all threads, one stage after the other)", "ms", box=None)
    for name, milliseconds in document["stages_ms"].items():
        stages.add_row(name, f"{milliseconds:.2f}")
    yield stages
    if "file" in document:
        yield f"{video['name']}, {video['width']}x{video['height']} {video['codec']}, {video['frames']} frames"
        yield _file(document["file"])


def _spread(found: dict[str, Any]) -> float:
    """Return the slowest round over the fastest."""
    return float(max(found["rounds_ms"]) / min(found["rounds_ms"]))


def _network(network: dict[str, Any]) -> "Table":
    from rich.table import Table  # noqa: PLC0415

    columns = ("network and projections", "ms", "frames/s", "of the floor", "× published", "differs by", "lowest CC")
    table = Table(*columns, box=None)
    for name, found in network.items():
        if isinstance(found, dict):
            table.add_row(
                name if name != "published" else "published procedure",
                f"{found['ms']:.1f}",
                f"{found['frames_per_s']:.1f}",
                f"{found['share_of_floor']:.0%}",
                f"{found['times_published']:.1f}" if "times_published" in found else "",
                f"{found['largest_difference']:.0e}",
                f"{found['lowest_cc']:.6f}",
            )
    return table


def _file(file: dict[str, Any]) -> "Table":
    from rich.table import Table  # noqa: PLC0415

    table = Table("from the file to a video of maps", "frames/s", "of decoding", "MiB", box=None)
    table.add_row("decoding and scaling alone", f"{file['decode_and_scale_frames_per_s']:.1f}", "", "")
    for name, found in file.items():
        if isinstance(found, dict):
            table.add_row(
                name,
                f"{found['frames_per_s']:.1f}",
                f"{found['share_of_decoding']:.0%}",
                f"{found['peak_memory_mib']:.0f}",
            )
    return table
