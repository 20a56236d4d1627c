"""A weight folder: `model.json` and one safetensors file for each part of the network.

`model.json` has the keys `format` (2), `config` (a `ModelConfig`), `provenance` (where the weights come from, free
form) and `files`: {part: {file, sha256, bytes}}. Parts are `attention`, `poles` and `equator`.

Tensors that both experts have in common, such as an encoder that only one of them trained, are stored once. Then
`files.poles` has `shares`: {part: "equator", tensors: count}, and the poles' file holds the rest.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from atsal.errors import ConfigError, OutputError, WeightsError
from atsal.jobs.atomic_write import output_errors
from atsal.jobs.checksums import file_sha256
from atsal.jobs.output_folder import FolderKind, OutputFolder
from atsal.models.architecture import find_architecture
from atsal.models.config import ModelConfig
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import read_object
from atsal.untrusted.text import error_reason, short_repr

FORMAT = 2
PARTS = ("attention", "poles", "equator")
DESCRIPTION = "model.json"
WEIGHT_FOLDER = FolderKind(
    description="a weight folder",
    format="atsal weights",
    record=DESCRIPTION,
    writes=(DESCRIPTION, *(f"{part}.safetensors" for part in PARTS)),
)
REMEDY = "fetch or import the weights again"
_SHARED_WITH = {"poles": "equator"}  # the part that stores the tensors in common
_SETTINGS_OF_FORMAT_1 = ("width", "smoothing_deg")  # removed since; only lite used them
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class WeightFolder:
    """A weight folder whose files were found complete and unchanged."""

    folder: Path
    config: ModelConfig
    provenance: Mapping[str, Any]
    checksums: Mapping[str, str]  # hexadecimal SHA-256 of each part's file
    shared: Mapping[str, int] = field(default_factory=dict)  # part -> number of tensors in the other expert's file

    @property
    def checksum(self) -> str:
        """One SHA-256 of all weights (parts sorted by name), independent of config and provenance."""
        lines = "".join(f"{part} {self.checksums[part]}\n" for part in sorted(self.checksums))
        return hashlib.sha256(lines.encode()).hexdigest()

    def load(self, part: str) -> dict[str, Tensor]:
        """Return the state dict of a part, float32, on the CPU. Raises `WeightsError` if it cannot be read."""
        if part not in self.checksums:
            raise WeightsError(f"{self.folder}: no part {short_repr(part)}; expected {', '.join(self.checksums)}")
        state = self._read(part)
        if part in self.shared:
            other = _SHARED_WITH[part]
            shared = {key: value for key, value in self._read(other).items() if key not in state}
            if len(shared) != self.shared[part]:
                raise WeightsError(
                    f"{self.folder / DESCRIPTION}: {part} shares {self.shared[part]} tensors with {other}, "
                    f"found {len(shared)} that it lacks; {REMEDY}"
                )
            state |= shared
        return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}

    def _read(self, part: str) -> dict[str, Tensor]:
        file = self.folder / f"{part}.safetensors"
        try:
            return safetensors.torch.load_file(file)
        except Exception as error:  # also for a name that UTF-8 cannot encode
            raise WeightsError(f"{file}: cannot be read ({error_reason(error)}); {REMEDY}") from error


def write_weight_folder(
    folder: Path | str,
    config: ModelConfig,
    parts: Mapping[str, Mapping[str, Tensor]],
    provenance: Mapping[str, Any],
    *,
    overwrite: bool = False,
    half: bool = False,
) -> Path:
    """Write a weight folder to a temporary name and rename it, so it is complete or absent. Return its path.

    Args:
        folder: an existing one is refused unless `overwrite`, and then only replaced if it is a weight folder or empty.
        config: the settings.
        parts: the state dicts of `attention`, `poles` and `equator`.
        provenance: JSON values.
        overwrite: replace an existing weight folder.
        half: store kernels in half precision, at half the size; they become float32 again when they are loaded.

    Raises:
        WeightsError: tensors that cannot be stored, or a missing part.
        OutputError: a folder that cannot be written, or provenance that is not JSON.

    """
    target = Path(folder).resolve()
    if set(parts) != set(PARTS):
        raise WeightsError(f"parts {', '.join(sorted(parts)) or 'none'}: expected {', '.join(PARTS)}")
    with (
        output_errors(target, also=safetensors.SafetensorError),
        OutputFolder(target, WEIGHT_FOLDER).replace(overwrite=overwrite) as aside,
    ):
        files = {part: _write_part(aside, part, parts, half=half) for part in PARTS}
        description = {"format": FORMAT, "config": config.to_dict(), "provenance": dict(provenance), "files": files}
        try:
            text = json.dumps(description, indent=2, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise OutputError(f"provenance cannot be stored as JSON ({error}); give plain values") from error
        (aside / DESCRIPTION).write_text(text + "\n", encoding="utf-8")
    return target


def _write_part(folder: Path, part: str, parts: Mapping[str, Mapping[str, Tensor]], *, half: bool) -> dict[str, Any]:
    """Write the file of a part, without the tensors in common, and return its entry for `files`."""
    file = folder / f"{part}.safetensors"
    shared = _shared_tensors(parts, part)
    try:
        tensors = {key: value.detach().cpu().contiguous() for key, value in parts[part].items() if key not in shared}
        if half:
            tensors = {key: value.half() if value.ndim > 1 else value for key, value in tensors.items()}
        # not save_file: it makes the file unreadable for other users
        file.write_bytes(safetensors.torch.save(tensors))
    except (ValueError, RuntimeError) as error:  # sparse tensors, tensors sharing memory
        raise WeightsError(f"{part}: cannot be stored ({error}); give dense tensors of their own") from error
    entry: dict[str, Any] = {"file": file.name, "sha256": file_sha256(file), "bytes": file.stat().st_size}
    if shared:
        entry["shares"] = {"part": _SHARED_WITH[part], "tensors": len(shared)}
    return entry


def _shared_tensors(parts: Mapping[str, Mapping[str, Tensor]], part: str) -> set[str]:
    """Return the names of the tensors that a part need not store because the other expert has the same.

    Tensors are shared only if both experts have the same names, and have at least one kernel in common (the
    normalisation of new networks is always the same).
    """
    if part not in _SHARED_WITH:
        return set()
    own, other = parts[part], parts[_SHARED_WITH[part]]
    same = {key for key, value in own.items() if key in other and _is_same(value, other[key])}
    return same if own.keys() == other.keys() and any(own[key].ndim > 1 for key in same) else set()


def _is_same(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and one.layout == other.layout == torch.strided and torch.equal(one, other)


def check_target(folder: Path, *, overwrite: bool) -> None:
    """Raise `OutputError` if a weight folder cannot be written at `folder`. Call it before long work."""
    OutputFolder(folder, WEIGHT_FOLDER).check_replaceable(overwrite=overwrite)
    file = folder / DESCRIPTION
    if file.exists():
        try:
            is_weight_folder = {"format", "config", "files"} <= _read_description(file).keys()
        except WeightsError:
            is_weight_folder = False
        if not is_weight_folder:
            raise OutputError(f"{file}: does not describe weights of atsal; choose another folder")


def read_weight_folder(folder: Path | str) -> WeightFolder:
    """Open a weight folder and verify the size and SHA-256 of every file (a second for the published networks).

    Raises `WeightsError` with the file, what was found and expected, and the remedy.
    """
    folder = Path(folder)
    file = folder / DESCRIPTION
    description = _read_description(file)
    version = description.get("format")
    if type(version) is not int or version not in (1, FORMAT):
        raise WeightsError(f"{folder}: format {short_repr(version)}, expected {FORMAT}; update atsal, or {REMEDY}")
    try:
        config = _read_config(folder, dict(description["config"]), version)
        provenance, files = dict(description["provenance"]), dict(description["files"])
        missing = [part for part in PARTS if part not in files]
        checksums = {part: str(files[part]["sha256"]) for part in PARTS if part in files}
        sizes = {part: files[part]["bytes"] for part in checksums}
        if not all(map(_SHA256.fullmatch, checksums.values())) or not all(type(size) is int for size in sizes.values()):
            raise ValueError("a file without its checksum or its size")
        shared = {part: _read_shared(part, files[part]["shares"]) for part in checksums if "shares" in files[part]}
    except (KeyError, TypeError, ValueError, AttributeError, ConfigError) as error:
        raise WeightsError(f"{file}: damaged ({type(error).__name__}: {error_reason(error)}); {REMEDY}") from error
    if missing:
        raise WeightsError(f"{file}: does not list {', '.join(missing)}; {REMEDY}")
    for part in PARTS:
        _verify(folder / f"{part}.safetensors", sizes[part], checksums[part])
    return WeightFolder(folder, config, provenance, checksums, shared)


def _read_config(folder: Path, settings: dict[str, Any], version: int) -> ModelConfig:
    """Return the settings of a weight folder of any format. Raises `ConfigError` or `WeightsError`."""
    try:
        architecture = find_architecture(settings["architecture"])
    except ConfigError as error:
        raise WeightsError(f"{folder / DESCRIPTION}: {error}; install the package that provides it") from error
    if version < architecture.oldest_format:
        raise WeightsError(
            f"{folder}: format {version} of {architecture.name!r}, expected {FORMAT}: the layers have changed since; "
            "train again, or use the version of atsal that made the weights"
        )
    if version == 1:
        settings = {name: value for name, value in settings.items() if name not in _SETTINGS_OF_FORMAT_1}
    if settings.get("frame_height") == settings["erp_height"]:  # earlier versions wrote the same number twice
        del settings["frame_height"]
    return ModelConfig.from_dict(settings)


def _read_shared(part: str, shares: Any) -> int:
    """Return the number of tensors that a part shares; `ValueError` if the entry is damaged."""
    count = shares["tensors"]
    if shares["part"] != _SHARED_WITH.get(part) or type(count) is not int or count < 1:
        raise ValueError(f"{part} shares {short_repr(shares)}")
    return count


def _read_description(file: Path) -> dict[str, Any]:
    if not file.exists():
        raise WeightsError(
            f"{file}: no such file; expected the name of a model (see `atsal weights list`) or a weight folder"
        )
    return read_object(file, ErrorFactory(WeightsError, file, REMEDY))


def _verify(file: Path, size: int, sha256: str) -> None:
    """Raise `WeightsError` unless the file has this size and SHA-256."""
    if not file.is_file():
        raise WeightsError(f"{file}: no such file; {REMEDY}")
    try:
        found_size = file.stat().st_size
        found = file_sha256(file) if found_size == size else ""
    except OSError as error:
        raise WeightsError(f"{file}: cannot be read ({error.strerror}); {REMEDY}") from error
    if found_size != size:
        raise WeightsError(f"{file}: {found_size} bytes, expected {size}; {REMEDY}")
    if found != sha256:
        raise WeightsError(f"{file}: sha256 {found}, expected {sha256}; it was changed or damaged: {REMEDY}")
