"""The five published ATSal checkpoints on Google Drive: download them, and import them as a weight folder.

Sizes are those of the published page ("374 MB"), read as MiB: three float32 copies of the parameters (weights and two
Adam moments) are 364 MiB for an expert and 374 MiB for the attention stream with its second optimiser. The initial
attention checkpoint also exists as bare weights.
"""

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import torch

from atsal.config import suggest_name
from atsal.errors import ConfigError, MissingDependencyError, WeightsError, install_hint
from atsal.jobs.atomic_write import output_errors, write_json
from atsal.jobs.checksums import file_sha256
from atsal.jobs.output_folder import lock_folder
from atsal.models.checkpoints import CheckpointKind, load_published, looks_like_html
from atsal.models.paper import PAPER
from atsal.models.weight_folder import PARTS, check_target, write_weight_folder
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import read_object

MIB = 2**20
SIZES = {"attention": 374 * MIB, "expert": 364 * MIB}  # with the optimisers' state
SIZE_TOLERANCE = 0.03  # the stated sizes are rounded


@dataclass(frozen=True)
class PublishedCheckpoint:
    """What a published checkpoint is, where it is, and how to recognise it."""

    name: str
    kind: CheckpointKind
    file_id: str  # on Google Drive
    sizes: tuple[int, ...]  # bytes; any of them is accepted within 3 %
    trained_on: str
    sha256: str | None = None  # None: not known; then the one of the first download is recorded beside the file

    @property
    def url(self) -> str:
        """Address for a download by program."""
        return f"https://drive.google.com/uc?id={self.file_id}"

    @property
    def page(self) -> str:
        """Address for a download in a browser."""
        return f"https://drive.google.com/file/d/{self.file_id}/view"

    @property
    def filename(self) -> str:
        """Name under which `download` stores it."""
        return f"{self.name}.pth"


def _declare(name: str, file_id: str, trained_on: str, *other_sizes: int) -> PublishedCheckpoint:
    kind: CheckpointKind = "attention" if name.startswith("attention") else "expert"
    return PublishedCheckpoint(name, kind, file_id, (SIZES[kind], *other_sizes), trained_on)


_VIDEO = "Salient360! and VR-EyeTracking video"
PUBLISHED = (
    _declare(
        "attention-initial",
        "1qT4tALLSGmsRfqf_dJ-1nhS_3iT4fFMg",
        "nothing in 360°: the initialisation of the attention stream",
        32_303_618 * 4,
    ),
    _declare("attention-images", "1dGnufIVaqmKxKm1jvMn65fWa-E4sxld9", "Salient360! and Sitzmann images"),
    _declare("attention-video", "18tqbKvKgm7jsWUul0F0QsGhKYTg9XOrA", _VIDEO),
    _declare("expert-poles", "1N0u-jZEU6042F2YJDaTvXyCLcv5m-3Tj", f"{_VIDEO}, faces up and down"),
    _declare("expert-equator", "1l1DuvpTeqkS5wJhdHPEdGwxBmi4EFaAc", f"{_VIDEO}, faces front, right, back and left"),
)


def find_published(name: str) -> PublishedCheckpoint:
    """Return the checkpoint of that name. Raises `ConfigError` with the nearest names if there is none."""
    by_name = {checkpoint.name: checkpoint for checkpoint in PUBLISHED}
    if name not in by_name:
        raise ConfigError(f"published checkpoint {name!r}{suggest_name(name, by_name)}")
    return by_name[name]


def download(
    checkpoint: PublishedCheckpoint, folder: Path | str, *, url: str | None = None, quiet: bool = False
) -> Path:
    """Download a published checkpoint into `folder` and return its path. Needs gdown, from `atsal[download]`.

    The next call resumes an interrupted download. A file that is already there, also one saved by hand, is checked and
    returned. The file gets its name only after the checks (no web page, plausible size, known SHA-256). Its SHA-256 is
    recorded in `<file>.json`. `url` overrides the address. Raises `WeightsError`, `OutputError` and
    `MissingDependencyError`.
    """
    target = Path(folder) / checkpoint.filename
    if target.exists():
        return _check_and_rename(checkpoint, target, target)
    gdown = _import_gdown()
    names = ("DownloadError", "FileURLRetrievalError")  # the first came with version 6
    failures = tuple(getattr(gdown.exceptions, name) for name in names if hasattr(gdown.exceptions, name))
    partial = target.with_name(f".{target.name}.download")  # gdown keeps its unfinished part beside this name
    with lock_folder(target.parent, target.name):
        try:
            gdown.download(url=url or checkpoint.url, output=str(partial), quiet=quiet, resume=True, use_cookies=False)
        except (OSError, *failures) as error:  # requests' errors are OSErrors
            reason = " ".join(str(error).split())
            raise WeightsError(
                f"{checkpoint.name}: download failed ({reason}); run it again to resume. "
                f"{_manual_download(checkpoint, target)}"
            ) from error
        try:
            return _check_and_rename(checkpoint, partial, target)
        except WeightsError:
            partial.unlink(missing_ok=True)  # else the next call would take it for a finished download
            raise


def _check_and_rename(checkpoint: PublishedCheckpoint, file: Path, target: Path) -> Path:
    """Check a complete file, rename it to `target`, and record its SHA-256."""
    with file.open("rb") as stream:
        head = stream.read(512)
    if looks_like_html(head):
        raise WeightsError(
            f"{checkpoint.name}: a web page came instead (Google Drive's quota or permission page). "
            f"{_manual_download(checkpoint, target)}"
        )
    size = file.stat().st_size
    if not any(abs(size - expected) <= SIZE_TOLERANCE * expected for expected in checkpoint.sizes):
        expected_sizes = " or ".join(f"{expected / MIB:.1f} MiB" for expected in checkpoint.sizes)
        found = f"{size} bytes ({size / MIB:.1f} MiB)"
        raise WeightsError(
            f"{target}: {found}, expected {expected_sizes} ± 3 %. {_manual_download(checkpoint, target)}"
        )
    sha256 = file_sha256(file)
    record = target.with_name(f"{target.name}.json")
    recorded = _recorded_sha256(record)
    expected = checkpoint.sha256 or recorded
    if expected and sha256 != expected:
        raise WeightsError(
            f"{target}: sha256 {sha256}, expected {expected}; the file is damaged or was replaced: delete it and "
            f"{record.name}, then download again"
        )
    with output_errors(target):
        file.rename(target)
    if not recorded:
        date = datetime.now(UTC).date().isoformat()
        entry = {"name": checkpoint.name, "url": checkpoint.url, "sha256": sha256, "bytes": size, "date": date}
        write_json(record, entry)
    return target


def _recorded_sha256(record: Path) -> str | None:
    """Return the SHA-256 recorded at the first download, or None if there is no usable record."""
    try:
        found = read_object(record, ErrorFactory(WeightsError, record, "delete it")).get("sha256")
    except WeightsError:
        return None
    return found if isinstance(found, str) else None


def _manual_download(checkpoint: PublishedCheckpoint, target: Path) -> str:
    return f"Or open {checkpoint.page} in a browser, save the file as {target} and repeat the command"


def _import_gdown() -> ModuleType:
    try:
        import gdown  # noqa: PLC0415
    except ImportError as error:
        remedy = install_hint("download")
        raise MissingDependencyError(f"downloading published checkpoints needs gdown: {remedy}") from error
    module: ModuleType = gdown
    return module


def import_published(
    attention: Path | str,
    poles: Path | str,
    equator: Path | str,
    folder: Path | str,
    *,
    face_size: int = 160,
    overwrite: bool = False,
) -> Path:
    """Make a weight folder from three published checkpoints, with the published preprocessing and cube layout.

    `face_size` is 160 in the paper and 256 in the released test code. The provenance has each file's name, size and
    SHA-256, the experts' `alpha` and the date. Its `notes` say what looks wrong: the released code used one expert for
    all faces, so equal weights for poles and equator are noted. Raises `WeightsError` and `OutputError`.
    """
    check_target(Path(folder).resolve(), overwrite=overwrite)
    states = {
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
    config = dataclasses.replace(PAPER.default_config, face_size=face_size)
    return write_weight_folder(folder, config, states, provenance, overwrite=overwrite)
