"""Tiles as files: JSON with everything, CSV with one row per segment and tile. docs/tiles.md has the schema."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.tiles.hits import HitRates
from atsal.tiles.segments import Segment, Segmenter

FORMAT, VERSION = "atsal-tiles", 1
SUFFIXES = (".json", ".csv")
_COLUMNS = ("segment", "start_s", "duration_s", "tile", "x", "y", "w", "h", "share", "viewport", "expected_part")


@dataclass(frozen=True, eq=False)
class TileReport:
    """What is written."""

    source: str  # name of the video
    settings: dict[str, Any]  # what made the maps
    segmenter: Segmenter
    segments: Sequence[Segment]
    rates_kbps: Sequence[NDArray[np.int64]] | None = None  # of each segment, (tiles,)
    hit_rates: Sequence[HitRates] = ()


def check_suffix(path: Path) -> str:
    """Return the suffix of a file of tiles, in lower case; raise `ConfigError` for another one."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError(f"{path}: tiles are kept in {' and '.join(SUFFIXES)} files; choose one of these suffixes")
    return suffix


def write_tiles(path: Path, report: TileReport) -> None:
    """Write a file whose suffix says the format, `.json` or `.csv`. Numbers are rounded to 6 decimals.

    JSON has the settings and the hit rates, too. Raises `ConfigError` for another suffix, `OutputError` if the file
    cannot be written.
    """
    write = {".json": _write_json, ".csv": _write_csv}[check_suffix(path)]
    with output_errors(path), atomic_file(path) as part:
        write(part, report)


def _write_json(path: Path, report: TileReport) -> None:
    grid, perspective = report.segmenter.grid, report.segmenter.perspective
    head = {
        "format": FORMAT,
        "version": VERSION,
        "source": report.source,
        "settings": report.settings,
        "grid": {"columns": grid.columns, "rows": grid.rows, "width": grid.width, "height": grid.height},
        "fov_deg": perspective.fov_deg,
        "hit_rates": [vars(rates) for rates in report.hit_rates],
    }
    lists = {"tiles": [tile._asdict() for tile in grid.tiles], "segments": list(_segments(report))}
    text = json.dumps(head, indent=1).removesuffix("\n}")
    for name, values in lists.items():  # one line for each tile and each segment
        lines = ",\n  ".join(map(json.dumps, values))
        text += f',\n "{name}": [\n  {lines}\n ]'
    path.write_text(text + "\n}\n", encoding="utf-8")


def _segments(report: TileReport) -> Iterator[dict[str, Any]]:
    for number, segment in enumerate(report.segments):
        values = {
            "start_s": round(segment.start_s, 6),
            "duration_s": round(segment.duration_s, 6),
            "share": np.round(segment.share, 6).tolist(),
            "viewport": np.round(segment.viewport, 6).tolist(),
            "expected_part": np.round(segment.expected_part, 6).tolist(),
        }
        yield values if report.rates_kbps is None else values | {"rate_kbps": report.rates_kbps[number].tolist()}


def _write_csv(path: Path, report: TileReport) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS if report.rates_kbps is None else (*_COLUMNS, "rate_kbps"))
        for number, segment in enumerate(_segments(report)):
            span = (number, segment.pop("start_s"), segment.pop("duration_s"))
            columns = zip(*segment.values(), strict=True)
            for index, (tile, values) in enumerate(zip(report.segmenter.grid.tiles, columns, strict=True)):
                writer.writerow((*span, index, *tile, *values))
