"""A weight folder: what the package itself loads. `model.json` and one safetensors file per network.

`model.json` has the keys `format` (2), `config` (a `ModelConfig`), `provenance` (where the weights come from, free
form) and `files`: {part: {file, sha256, bytes}}. Parts are `attention`, `poles` and `equator`.

What the experts have alike, as an encoder that only one of them trained, is stored once: `files.poles` then has
`shares`: {part: "equator", tensors: how many}, and the poles' file holds the rest.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
from atsal.models.checkpoints import load_published
from atsal.models.config import ModelConfig
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import read_object
from atsal.untrusted.text import error_reason, short_repr

FORMAT = 2
_GONE = ("width", "smoothing_deg")  # settings of format 1, which only lite used
PARTS = ("attention", "poles", "equator")
_HOLDER = {"poles": "equator"}  # whose file has what both have alike
DESCRIPTION = "model.json"
WEIGHT_FOLDER = FolderKind(
    description="a weight folder",
    format="atsal weights",
    record=DESCRIPTION,
    writes=(DESCRIPTION, *(f"{part}.safetensors" for part in PARTS)),
)
REMEDY = "fetch or import the weights again"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Bundle:
    """A weight folder whose files were found complete and unchanged."""

    folder: Path
    config: ModelConfig
    provenance: Mapping[str, Any]
    checksums: Mapping[str, str]  # sha256 in hexadecimal of each part's file
    shared: Mapping[str, int] = field(default_factory=dict)  # part -> how many tensors it has of its holder's file

    @property
    def checksum(self) -> str:
        """One sha256 for all weights (parts sorted by name), independent of config and provenance."""
        lines = "".join(f"{part} {self.checksums[part]}\n" for part in sorted(self.checksums))
        return hashlib.sha256(lines.encode()).hexdigest()

    def load(self, part: str) -> dict[str, Tensor]:
        """Return the state dict of `attention`, `poles` or `equator`, float32, on the CPU; or a `WeightsError`."""
        if part not in self.checksums:
            raise WeightsError(f"{self.folder}: no part {short_repr(part)}; expected {', '.join(self.checksums)}")
        stored = _read_part(self.folder, part)
        if part in self.shared:
            rest = {k: v for k, v in _read_part(self.folder, _HOLDER[part]).items() if k not in stored}
            if len(rest) != self.shared[part]:
                raise WeightsError(
                    f"{self.folder / DESCRIPTION}: {part} shares {self.shared[part]} tensors with {_HOLDER[part]}, "
                    f"found {len(rest)} that it lacks; {REMEDY}"
                )
            stored |= rest
        return {key: value.float() if value.is_floating_point() else value for key, value in stored.items()}


def _read_part(folder: Path, part: str) -> dict[str, Tensor]:
    file = folder / part_file(part)
    try:
        return safetensors.torch.load_file(file)
    except Exception as error:  # also of a name that UTF-8 cannot write
        raise WeightsError(f"{file}: cannot be read ({error_reason(error)}); {REMEDY}") from error


def part_file(part: str) -> str:
    """Return the file name of a part."""
    return f"{part}.safetensors"


def write_bundle(
    folder: Path | str,
    config: ModelConfig,
    parts: Mapping[str, Mapping[str, Tensor]],
    provenance: Mapping[str, Any],
    *,
    overwrite: bool = False,
    half: bool = False,
) -> Path:
    """Write a weight folder: aside first, then renamed as a whole, so it is complete or absent.

    `half` stores the kernels in half precision, at half the size; they are float32 again when they are loaded.
    `parts` holds the state dicts of `attention`, `poles` and `equator`; `provenance` must be JSON values. An existing
    folder is refused (`OutputError`) unless `overwrite`, and then only replaced if it is a weight folder or empty.
    """
    target = Path(folder).resolve()
    if set(parts) != set(PARTS):
        raise WeightsError(f"parts {', '.join(sorted(parts)) or 'none'}: expected {', '.join(PARTS)}")
    with (
        output_errors(target, also=safetensors.SafetensorError),
        OutputFolder(target, WEIGHT_FOLDER).replace(overwrite=overwrite) as aside,
    ):
        _write_files(aside, config, parts, provenance, half=half)
    return target


def check_target(folder: Path, *, overwrite: bool) -> None:
    """Raise `OutputError` when a weight folder cannot be written at `folder`; worth asking before long work."""
    OutputFolder(folder, WEIGHT_FOLDER).check_replaceable(overwrite=overwrite)
    if (folder / DESCRIPTION).exists():
        try:
            is_ours = {"format", "config", "files"} <= _read_description(folder / DESCRIPTION).keys()
        except WeightsError:
            is_ours = False
        if not is_ours:
            raise OutputError(f"{folder / DESCRIPTION}: does not describe weights of atsal; choose another folder")


def _write_files(
    folder: Path,
    config: ModelConfig,
    parts: Mapping[str, Mapping[str, Tensor]],
    provenance: Mapping[str, Any],
    *,
    half: bool,
) -> None:
    files: dict[str, dict[str, Any]] = {}
    for part in PARTS:
        file = folder / part_file(part)
        shared = _shared(parts, part)
        try:
            tensors = {
                key: value.detach().cpu().contiguous() for key, value in parts[part].items() if key not in shared
            }
            if half:
                tensors = {key: value.half() if value.ndim > 1 else value for key, value in tensors.items()}
            # its own way of writing gives nobody else the right to read
            file.write_bytes(safetensors.torch.save(tensors))
        except (ValueError, RuntimeError) as error:  # sparse tensors, tensors sharing memory
            raise WeightsError(f"{part}: cannot be stored ({error}); give dense tensors of their own") from error
        files[part] = {"file": file.name, "sha256": file_sha256(file), "bytes": file.stat().st_size}
        if shared:
            files[part]["shares"] = {"part": _HOLDER[part], "tensors": len(shared)}
    description = {"format": FORMAT, "config": config.to_dict(), "provenance": dict(provenance), "files": files}
    try:
        text = json.dumps(description, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise OutputError(f"provenance cannot be stored as JSON ({error}); give plain values") from error
    (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")


def _shared(parts: Mapping[str, Mapping[str, Tensor]], part: str) -> set[str]:
    """The tensors of a part that its holder has alike, only if both experts have the same tensor names.

    None where the experts have nothing larger in common than a new network's normalisation.
    """
    if part not in _HOLDER:
        return set()
    own, other = parts[part], parts[_HOLDER[part]]
    alike = {key for key, value in own.items() if key in other and _same(value, other[key])}
    whole = own.keys() == other.keys() and any(own[key].ndim > 1 for key in alike)
    return alike if whole else set()


def _same(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and one.layout == other.layout == torch.strided and torch.equal(one, other)


def read_bundle(folder: Path | str) -> Bundle:
    """Open a weight folder and verify the size and sha256 of every file (about a second for the published networks).

    Raises `WeightsError` naming the file, what was found and expected, and the remedy.
    """
    folder = Path(folder)
    description = _read_description(folder / DESCRIPTION)
    found = description.get("format")
    if type(found) is not int or found not in (1, FORMAT):
        raise WeightsError(f"{folder}: format {short_repr(found)}, expected {FORMAT}; update atsal, or {REMEDY}")
    try:
        settings = dict(description["config"])
        if found == 1:
            if settings["architecture"] == "lite":
                raise WeightsError(
                    f"{folder}: weights of version 3 of lite or an earlier one, expected version 4: its layers are "
                    "others; train again, or keep the release of atsal that made them"
                )
            settings = {name: value for name, value in settings.items() if name not in _GONE}
        if settings.get("frame_height") == settings["erp_height"]:  # one number, once written twice
            del settings["frame_height"]
        config = ModelConfig.from_dict(settings)
        provenance, files = dict(description["provenance"]), dict(description["files"])
        missing = [part for part in PARTS if part not in files]
        checksums = {part: str(files[part]["sha256"]) for part in PARTS if part in files}
        sizes = {part: files[part]["bytes"] for part in checksums}
        if not all(map(_SHA256.fullmatch, checksums.values())) or not all(type(size) is int for size in sizes.values()):
            raise ValueError("a file without its checksum or its size")
        shared = {part: _shared_count(part, files[part]["shares"]) for part in checksums if "shares" in files[part]}
    except (KeyError, TypeError, ValueError, AttributeError, ConfigError) as error:
        told = f"{type(error).__name__}: {error_reason(error)}"
        raise WeightsError(f"{folder / DESCRIPTION}: damaged ({told}); {REMEDY}") from error
    if missing:
        raise WeightsError(f"{folder / DESCRIPTION}: does not list {', '.join(missing)}; {REMEDY}")
    for part in PARTS:
        _verify(folder / part_file(part), sizes[part], checksums[part])
    return Bundle(folder, config, provenance, checksums, shared)


def _shared_count(part: str, shares: Any) -> int:
    count = shares["tensors"]
    if shares["part"] != _HOLDER.get(part) or type(count) is not int or count < 1:
        raise ValueError(f"{part} shares {short_repr(shares)}")
    return count


def _read_description(file: Path) -> dict[str, Any]:
    if not file.exists():
        raise WeightsError(f"{file}: no such file; expected a weight folder, see `atsal weights`")
    return read_object(file, ErrorFactory(WeightsError, file, REMEDY))


def _verify(file: Path, size: int, sha256: str) -> None:
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


def import_published(
    attention: Path | str,
    poles: Path | str,
    equator: Path | str,
    folder: Path | str,
    *,
    face_size: int = 160,
    overwrite: bool = False,
) -> Path:
    """Make a weight folder of three published checkpoints, with the published preprocessing and cube layout.

    `face_size` is 160 in the paper and 256 in the released test code. Provenance records each file's name, size and
    sha256, the experts' `alpha`, the date, and under `notes` what looks wrong: the released code used one expert for
    all faces, so equal poles and equator weights are pointed out. Raises `WeightsError` and `OutputError`.
    """
    check_target(Path(folder).resolve(), overwrite=overwrite)
    config = ModelConfig(
        architecture="paper",
        erp_height=320,
        face_size=face_size,
        layout="published",
        channel_order="bgr",
        mean=(103.939, 116.779, 123.68),
        scale=1.0,
    )
    states: dict[str, dict[str, Tensor]] = {
        "attention": load_published("attention", attention).state_dict(),
        "poles": load_published("expert", poles).state_dict(),
        "equator": load_published("expert", equator).state_dict(),
    }
    same = all(torch.equal(value, states["equator"][key]) for key, value in states["poles"].items())
    sources = {part: Path(path) for part, path in zip(PARTS, (attention, poles, equator), strict=True)}
    provenance = {
        "source": "checkpoints in the published layout of ATSal (Dahou et al., arXiv 2011.10600), as given",
        "imported": datetime.now(UTC).date().isoformat(),
        "files": {
            part: {"file": file.name, "bytes": file.stat().st_size, "sha256": file_sha256(file)}
            for part, file in sources.items()
        },
        "alpha": {part: float(states[part]["alpha"]) for part in ("poles", "equator")},
        "notes": ["poles and equator hold the same weights: one expert serves all faces"] if same else [],
    }
    return write_bundle(folder, config, states, provenance, overwrite=overwrite)
