"""The sources of `atsal batch`, from paths, folders, patterns, URLs or a catalogue, with the options of each."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.catalogue_columns import option_columns, with_row
from atsal.cli.model_run import choose_model, take_options
from atsal.errors import AtsalError, ConfigError
from atsal.remote.path import RemotePath
from atsal.video.media_files import list_media, natural_key

if TYPE_CHECKING:
    from atsal.batch.destination import Destination
    from atsal.batch.item import Item
    from atsal.prediction.tasks import Job

_PATTERN = "*?["


def make_job(values: Mapping[str, Any], destination: "Destination") -> "Job":
    """Return the model and the options of a run, or of one source."""
    from atsal.prediction.tasks import Job  # noqa: PLC0415

    values = dict(values)
    options = take_options(values, values["formats"] or ("overlay",))
    return Job(choose_model(values), destination.folder, options, destination.store)


def items_of_paths(paths: Sequence[Path], values: Mapping[str, Any], destination: "Destination") -> "list[Item]":
    """Return the sources at paths, each once. A path without a source is one, too: it fails when its turn comes."""
    from atsal.batch.item import Item  # noqa: PLC0415
    from atsal.prediction.unseen_source import UnseenSource  # noqa: PLC0415

    job, as_frames = make_job(values, destination), values["as_frames"]
    found = dict.fromkeys(file for path in paths for file in _expand(path, as_frames=as_frames))
    return [Item(UnseenSource(path, as_frames=as_frames and path.is_dir()), job) for path in found]


def _expand(path: Path, *, as_frames: bool) -> Iterator[Path]:
    """Yield the files of a folder or pattern, or the path itself."""
    is_pattern = any(sign in str(path) for sign in _PATTERN) and not path.exists()
    if is_pattern:
        matches = path.matches() if isinstance(path, RemotePath) else _local_matches(path)
        found = sorted(matches, key=lambda file: natural_key(str(file)))
        if not found:
            raise ConfigError(f"{path}: no file matches; check the pattern")
        yield from found
    elif not as_frames and path.is_dir():
        yield from list_media(path)
    else:
        yield path


def _local_matches(pattern: Path) -> Iterator[Path]:
    """Yield the files that match; `**` enters no hidden folders, and follows no links, which may lead in circles."""
    fixed = Path(*takewhile(lambda part: not any(sign in part for sign in _PATTERN), pattern.parts))
    rest = [part if part == "**" else re.sub(r"\*+", "*", part) for part in pattern.parts[len(fixed.parts) :]]
    shows_hidden = any(part.startswith(".") for part in rest)
    for path in fixed.glob("/".join([*rest, "*"] if rest[-1] == "**" else rest)):
        if shows_hidden or not any(part.startswith(".") for part in path.parts[len(fixed.parts) :]):
            yield path


def items_of_catalogue(
    path: Path, command: click.Command, values: Mapping[str, Any], destination: "Destination"
) -> "list[Item]":
    """Return the sources of a catalogue. Raises `DataError` and `ConfigError` that name the row."""
    from atsal.batch.catalogue import read_catalogue  # noqa: PLC0415
    from atsal.batch.item import Item  # noqa: PLC0415
    from atsal.prediction.unseen_source import UnseenSource  # noqa: PLC0415

    jobs: dict[str, tuple[Job, bool]] = {}  # rows with the same options share one object
    items = []
    for entry in read_catalogue(path, option_columns(command)):
        key = repr(sorted(entry.options.items()))
        if key not in jobs:
            own = with_row(command, values, entry.options)
            try:
                jobs[key] = make_job(own, destination), own["as_frames"]
            except AtsalError as error:
                raise ConfigError(f"{entry.where}: {error}") from error
        job, as_frames = jobs[key]
        items.append(Item(UnseenSource(entry.path, entry.id, as_frames), job))
    return items
