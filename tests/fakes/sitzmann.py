"""Made-up Sitzmann_TVCG_VR: pickles of pandas frames byte by byte as Python 2.7 with pandas 0.21 writes them."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fakes.gaze import Target

RATE_HZ, SECONDS = 60.0, 2.0


class Global(str):
    """A name as `module name`, written as the thing itself."""


@dataclass(frozen=True)
class Made:
    """An object made by calling `function` on `arguments`, or `function.__new__(function)`, then given `state`."""

    function: Global
    arguments: tuple[Any, ...] = ()
    state: Any = None
    new: bool = False


def python2_pickle(value: Any) -> bytes:
    """Protocol 2 as Python 2 writes it: `str` as bytes, modules by their old names, arrays by `_reconstruct`."""
    return b"\x80\x02" + _write(value) + b"."


def _write(value: Any) -> bytes:
    if isinstance(value, Global):
        module, name = value.split(" ")
        return f"c{module}\n{name}\n".encode()
    if isinstance(value, Made):
        made = _write(value.function) + (b")\x81" if value.new else _write(value.arguments) + b"R")
        return made if value.state is None else made + _write(value.state) + b"b"
    if isinstance(value, np.ndarray):
        return _write(_array(value))
    return _container(value) if isinstance(value, dict | list | tuple) else _plain(value)


def _container(value: dict | list | tuple) -> bytes:
    parts = [part for pair in value.items() for part in pair] if isinstance(value, dict) else value
    opening, closing = {dict: (b"}(", b"u"), list: (b"](", b"e"), tuple: (b"(", b"t")}[type(value)]
    return opening + b"".join(map(_write, parts)) + closing


def _plain(value: str | bytes | float | bool | None) -> bytes:
    if isinstance(value, str | bytes):
        content = value.encode("latin1") if isinstance(value, str) else value
        length = b"U" + bytes([len(content)]) if len(content) < 256 else b"T" + struct.pack("<i", len(content))
        return length + content
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value)
    if value is None or isinstance(value, bool):
        return {None: b"N", True: b"\x88", False: b"\x89"}[value]
    return b"K" + bytes([value]) if 0 <= value < 256 else b"J" + struct.pack("<i", value)


def _array(array: np.ndarray) -> Made:
    objects = array.dtype == object
    code, order, flags = ("O8", "|", 63) if objects else (array.dtype.str[1:], array.dtype.str[0], 0)
    dtype = Made(Global("numpy dtype"), (code, 0, 1), (3, order, None, None, None, -1, -1, flags))
    content = array.ravel().tolist() if objects else array.tobytes()
    state = (1, tuple(array.shape), dtype, False, content)
    return Made(Global("numpy.core.multiarray _reconstruct"), (Global("numpy ndarray"), (0,), "b"), state)


def _index(kind: str, **attributes: Any) -> Made:
    names = {"Index": "base", "RangeIndex": "range"}
    new = Global("pandas.core.indexes.base _new_Index")
    return Made(new, (Global(f"pandas.core.indexes.{names[kind]} {kind}"), {**attributes, "name": None}))


def frame(viewpoints: list[int], runs: list[dict[str, Any]]) -> Made:
    """A pandas frame with the columns `data` and `viewpoint_idx`."""
    data = np.empty((1, len(runs)), object)
    data[0] = runs
    numbers = np.array([viewpoints], np.int64)
    labels = _index("Index", data=np.array(["data", "viewpoint_idx"], object))
    axes = [labels, _index("RangeIndex", start=0, stop=len(runs), step=1)]
    blocks = [(numbers, 1, "viewpoint_idx"), (data, 0, "data")]
    places = [Made(Global("__builtin__ slice"), (place, place + 1, 1)) for _, place, _ in blocks]
    content = [{"values": block[0], "mgr_locs": place} for block, place in zip(blocks, places, strict=True)]
    items = [_index("Index", data=np.array([block[2]], object)) for block in blocks]
    state = (axes, [block[0] for block in blocks], items, {"0.14.1": {"axes": axes, "blocks": content}})
    manager = Made(Global("pandas.core.internals BlockManager"), state=state, new=True)
    whole = {"_metadata": [], "_typ": "dataframe", "_data": manager}
    return Made(Global("pandas.core.frame DataFrame"), state=whole, new=True)


def run(target: Target, rng: np.random.Generator) -> dict[str, Any]:
    """One viewer: three fixations near the target with a blink in the second, the head on it."""
    count = int(RATE_HZ * SECONDS)
    look = np.array([target.look_uv(rng) for _ in range(3)])
    points = np.repeat(look, count // 3, 0)
    gaze = points[:, ::-1] * (180, 360)
    gaze[count // 2 : count // 2 + 3] = 0
    u, v = target.look_uv(rng)
    return {
        "timestamp": np.arange(count) / RATE_HZ,
        "gaze_lat_lon": gaze,
        "headLatLon": np.tile([v * 180, u * 360], (count, 1)),
        "gaze_fixations": np.where((np.arange(count) % (count // 3) < 4)[:, None], 0.0, points),
        "gaze_fixations_raw": np.zeros(0),
    }


def write_sitzmann(root: Path, *, items: int = 2, observers: int = 3, seed: int = 0) -> dict[str, Target]:
    """`data/vr/cubemap_0000.pck`, `data/img_files/cubemap_0000.png`, and one file of the other conditions."""
    rng = np.random.default_rng(seed)
    targets = {f"cubemap_{number:04d}": Target(100 * seed + number) for number in range(items)}
    for folder in ("vr", "seated_vr", "browser"):
        (root / "data" / folder).mkdir(parents=True, exist_ok=True)
    for name, target in targets.items():
        content = python2_pickle(frame([i % 4 for i in range(observers)], [run(target, rng) for _ in range(observers)]))
        (root / "data" / "vr" / f"{name}.pck").write_bytes(content)
        target.write_image(root / "data" / "img_files" / f"{name}.png")
    (root / "data" / "browser" / "0.pck").write_bytes(python2_pickle(frame([0], [run(Target(seed), rng)])))
    return targets
