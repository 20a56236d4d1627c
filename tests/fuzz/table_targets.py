"""Tables and lists: catalogues, logs of head directions, own tables with declared columns, names of items."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from atsal.batch.catalogue import read_catalogue
from atsal.cli.catalogue_columns import option_columns
from atsal.cli.predict import predict
from atsal.datasets import dataset_named
from atsal.datasets.declared_folder import with_columns
from atsal.datasets.prepared.splits import read_names
from atsal.datasets.stimulus import Stimulus
from atsal.gaze.readers import head_log
from atsal.gaze.readers.parsing.parquet_columns import import_pyarrow
from atsal.gaze.readers.table_columns import read_columns_file
from atsal.training import head_logs
from fakes.gaze import Target as Gazed
from fuzz.target import Target

_CATALOGUE = {"path": ["a.mp4", "https://x.org/b.mp4", "c d.jpg"], "id": ["a", "b", ""], "start": ["", "1.5", "0"]}
_CATALOGUE |= {"max-frames": ["3", "", ""], "stereo": ["mono", "", "auto"], "format": ["npy png", "", "npy"]}
_HEADS = {
    "video": ["v"] * 40,
    "viewer": ["one"] * 20 + ["two"] * 20,
    "t_s": [n % 20 * 0.05 for n in range(40)],
    "lon_deg": [n * 4.5 - 90 for n in range(40)],
    "lat_deg": [n / 2 - 10 for n in range(40)],
}
_RECORDED = {"viewer": _HEADS["viewer"], "timestamp_s": _HEADS["t_s"], "yaw_deg": _HEADS["lon_deg"]}
_RECORDED |= {"pitch_deg": _HEADS["lat_deg"]}
_COLUMNS = {"observer": "subj", "clock_ms": "stamp", "yaw_left_deg": "yaw", "pitch_down_deg": "pit", "valid": "ok"}


def table_targets(root: Path) -> Iterator[Target]:
    """Tables of each kind, as CSV, gzip'd CSV, Parquet and JSON lines."""
    root.mkdir()
    options = option_columns(predict)
    for file in _write(root / "catalogue", _CATALOGUE, ".csv", ".parquet", ".jsonl"):
        yield Target(f"catalogue: {file.name}", file, lambda file=file: read_catalogue(file, options))
    yield from _each("head log", _write(root / "heads", _HEADS, ".csv", ".csv.gz", ".parquet"), head_logs.read_head_log)
    yield from _each(
        "recorded", _write(root / "recorded", _RECORDED, ".csv", ".csv.gz", ".parquet"), head_log.read_head_log
    )
    yield from _own_tables(root / "own")
    (root / "names.txt").write_text("# test\nharbour\nmarket.png\n\nstation\n")
    yield Target("names of items", root / "names.txt", lambda: read_names(root / "names.txt"))


def _each(kind: str, files: list[Path], read: Callable[[Path], object]) -> Iterator[Target]:
    for file in files:
        yield Target(f"{kind}: {file.name}", file, lambda file=file: read(file))


def _own_tables(root: Path) -> Iterator[Target]:
    """A photo beside a table of clocks, with lost samples, and the file that declares its columns."""
    root.mkdir()
    Gazed(1).write_image(root / "harbour.png")
    lines = [f"v{n // 20};{1_700_000_000_000 + n * 16.7:.3f};{n * 3};{n - 30};{n % 10 != 9:d}" for n in range(60)]
    (root / "harbour.csv").write_text("\n".join(["subj;stamp;yaw;pit;ok", *lines]) + "\n")
    (root / "columns.yaml").write_text("".join(f"{name}: {column}\n" for name, column in _COLUMNS.items()))

    def read() -> None:
        dataset = with_columns(dataset_named("folder"), read_columns_file(root / "columns.yaml"))
        for item in dataset.find(root).items:
            dataset.read(item, "head_eye", Stimulus())

    for name in ("columns.yaml", "harbour.csv"):
        yield Target(f"own tables: {name}", root / name, read)


def _write(stem: Path, columns: dict[str, list], *endings: str) -> list[Path]:
    files = [stem.with_name(stem.name + ending) for ending in endings]
    for file in files:
        if file.suffix == ".parquet":
            arrow, parquet = import_pyarrow()
            parquet.write_table(arrow.table(columns), file)
            continue
        rows = list(zip(*columns.values(), strict=True))
        if file.suffix == ".jsonl":
            text = "".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows)
        else:
            text = "\n".join(",".join(map(str, row)) for row in (list(columns), *rows)) + "\n"
        file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())
    return files
