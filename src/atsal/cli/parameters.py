"""Types of options and arguments, and options that several commands have.

Lists of names, as of streams and formats, are read from the modules that define them, when they are needed.
"""

import math
import os
import typing
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any

import click
from click.shell_completion import CompletionItem

from atsal.errors import ConfigError
from atsal.remote.path import READABLE, as_path
from atsal.remote.urls import STORES, shown_url, url_scheme


class _PathType(click.Path):
    """A path. `gone/../file` becomes `file`: checks would miss that file until the folder `gone` is created."""

    def convert(
        self, value: "str | os.PathLike[str]", param: click.Parameter | None, ctx: click.Context | None
    ) -> "str | bytes | os.PathLike[str]":
        """Turn the text into a `Path`; refuse a URL."""
        if isinstance(value, str) and url_scheme(value):
            self.fail(f"{shown_url(value)} is a URL; expected a local file or folder.", param, ctx)
        path = Path(os.fspath(value))
        if ".." in path.parts and not path.parent.exists():
            return Path(os.path.realpath(path))
        return super().convert(path, param, ctx)


class _SourceType(_PathType):
    """A path of a file to read, or its URL."""

    def convert(
        self, value: "str | os.PathLike[str]", param: click.Parameter | None, ctx: click.Context | None
    ) -> "str | bytes | os.PathLike[str]":
        """Turn the text into a `Path` or `RemotePath`."""
        scheme = url_scheme(value) if isinstance(value, str) else None
        if isinstance(value, str) and scheme in READABLE:
            return as_path(value)
        if isinstance(value, str) and scheme:
            self.fail(f"{shown_url(value)} is a URL of {scheme}; those of https, http and s3 are read.", param, ctx)
        return super().convert(value, param, ctx)


class _DestinationType(_PathType):
    """A folder to write to, or a URL that begins with s3://."""

    def convert(
        self, value: "str | os.PathLike[str]", param: click.Parameter | None, ctx: click.Context | None
    ) -> "str | bytes | os.PathLike[str]":
        """Turn the text into a `Path` or `RemotePath`."""
        scheme = url_scheme(value) if isinstance(value, str) else None
        if isinstance(value, str) and scheme in STORES:
            return as_path(value)
        if isinstance(value, str) and scheme:
            self.fail(
                f"{shown_url(value)}: nothing is written there; expected a folder, or s3://BUCKET/PREFIX.", param, ctx
            )
        return super().convert(value, param, ctx)


class Number(click.FloatRange):
    """A finite number in a range: click accepts nan and inf."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Turn the text into a number."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


class Gigabytes(Number):
    """A number of gigabytes above 0, as bytes."""

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Turn the text into bytes."""
        return math.ceil(super().convert(value, param, ctx) * 1e9)


class NameOf(click.Choice[str]):
    """A choice of the names in a list of another module, which is imported when the names are needed.

    `source` is the list: a sequence or mapping of names or of objects with a `name`, a function that returns one, a
    `Literal`, or a field of a dataclass (`Preparation.maps`) that is declared as one.
    """

    def __init__(self, module: str, source: str, *also: str, without: Sequence[str] = ()) -> None:
        self.case_sensitive = True
        self._module, self._source, self._also, self._without = module, source, also, without

    @cached_property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]
        """The names, and `also` at the end."""
        return (*(name for name in list_names(self._module, self._source) if name not in self._without), *self._also)


def list_names(module: str, source: str) -> list[str]:
    """Return the names in a list of a module; see `NameOf`."""
    owner, _, field = source.partition(".")
    found = getattr(import_module(module), owner)
    if field:
        found = typing.get_type_hints(found)[field]
    names: Iterable[Any] = found() if isinstance(found, FunctionType) else typing.get_args(found) or found
    return [str(getattr(name, "name", name)) for name in names if name is not type(None)]


def complete_names(module: str, source: str) -> Callable[..., list[CompletionItem]]:
    """Return a shell completion for an argument that is a name in a list of a module."""

    def complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in list_names(module, source) if name.startswith(incomplete)]

    return complete


def options(*decorators: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Combine several options into one decorator, in their order."""

    def apply(command: Any) -> Any:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return apply


PATH = _PathType(path_type=Path)
SOURCE = _SourceType(path_type=Path)
DESTINATION = _DestinationType(path_type=Path)
POSITIVE = Number(min=0, min_open=True)
FIELD_OF_VIEW = Number(min=0, min_open=True, max=140)  # degrees; `Perspective` takes no more
GIGABYTES = Gigabytes()
MAX_WORKERS = 256
MODELS = ("atsal.models.architecture", "architecture_names")
DIRECTION = NameOf("atsal.models", "DIRECTIONS")
STEREO = NameOf("atsal.video.stereo_layout", "StereoChoice")
RUNTIMES = ("atsal.prediction.runtimes", "RUNTIME_CHOICES")
STREAMS = ("atsal.prediction.streams", "STREAMS")

model_option = click.option(
    "--model",
    default="lite",
    shell_complete=complete_names(*MODELS),
    help="Name of a model (see `atsal weights list`), or a weight folder.",
)
face_size_option = click.option(
    "--face-size",
    type=click.IntRange(min=32, max=1024),
    help="Side of a cube face in pixels; for paper, 160 or 256.  [default: the model's]",
)
device_option = click.option("--device", default="auto", help="auto (CUDA if available), cpu, cuda, cuda:1, …")
workers_option = click.option(
    "--workers", type=click.IntRange(min=1, max=MAX_WORKERS), help="Worker processes.  [default: one per core]"
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace existing results.")


def _isolate(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        from atsal.video.isolation import isolated_reading  # noqa: PLC0415

        context.with_resource(isolated_reading())


isolate_option = click.option(
    "--isolate",
    is_flag=True,
    expose_value=False,
    callback=_isolate,
    help="Read files that may be hostile in processes with limits on time and memory.",
)
precision_option = click.option(
    "--precision",
    type=NameOf(RUNTIMES[0], "PRECISIONS"),
    default="float32",
    help="half works on a GPU, and in openvino on processors with bfloat16.",
)
still_at_option = click.option(
    "--still-at",
    "still_at_s",
    type=Number(min=0),
    metavar="SECONDS",
    help="Only for lite: treat stills as shown SECONDS after the start of a video; with --as-frames, all frames.",
)
direction_options = options(
    click.option(
        "--direction",
        type=DIRECTION,
        default="head_eye",
        help="Only for lite: predict where people look (head_eye), or where their heads point (head).",
    ),
    click.option(
        "--front",
        type=Number(min=-180, max=180),
        metavar="YAW",
        help="Only for lite: where the front of the picture is, in degrees to the right.  [default: 0, the middle]",
    ),
    click.option(
        "--no-front",
        is_flag=True,
        help="Only for lite: the picture has no front, as viewers start anywhere.",
    ),
)


def stream_option(default: str) -> Callable[[Any], Any]:
    """Return `--stream`, which may be given several times; its value is a tuple of names."""
    return click.option(
        "--stream",
        "streams",
        multiple=True,
        type=NameOf(*STREAMS, "all"),
        default=(default,),
        help="Maps of both streams together (fused), or of one; may be given several times.",
    )


def take_direction(values: dict[str, Any]) -> dict[str, Any]:
    """Remove the values of `direction_options`; return them as `direction` and `front_deg` of `load_model`."""
    direction, front, no_front = (values.pop(name) for name in ("direction", "front", "no_front"))
    if no_front and front is not None:
        raise ConfigError("--front and --no-front exclude each other; give one of them")
    return {"direction": direction, "front_deg": None if no_front else (front or 0.0)}


def parse_erp_height(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    """Return the height of an equirectangular size: 320 of '640x320' or of '320'."""
    if value is None:
        return None
    width, cross, height = value.lower().rpartition("x")
    if not height.isdecimal() or not 1 <= int(height) <= 8192 or (cross and width != str(2 * int(height))):
        raise click.BadParameter(
            "expected WIDTHxHEIGHT with a width of twice the height, as 640x320, or just the height, 1 to 8192"
        )
    return int(height)


def refuse_inputs(path: Path, inputs: Iterable[Path | None]) -> None:
    """Raise `ConfigError` if a file to write is one that the command reads, by whatever name; None is no file."""
    for read in inputs:
        if read is not None and path.exists() and read.exists() and read.samefile(path):
            raise ConfigError(f"{path}: is the source itself, or another input; give another name")


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raise `ConfigError` if a file to write exists and `--overwrite` was not given."""
    if path.exists() and not overwrite:
        raise ConfigError(f"{path}: already exists; give another name, or --overwrite")
