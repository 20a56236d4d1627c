"""The five published ATSal checkpoints on Google Drive, and how to fetch one.

Sizes are those of the published page ("374 MB"), read as MiB: three float32 copies of the parameters (weights and two
Adam moments) are 364 MiB for an expert and 374 MiB for the attention stream with its second optimiser. The initial
attention checkpoint is also known as bare weights.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from atsal.config import suggest_name
from atsal.errors import ConfigError, MissingDependencyError, WeightsError, install_hint
from atsal.jobs.atomic_write import output_errors, write_json
from atsal.jobs.checksums import file_sha256
from atsal.jobs.output_folder import lock_folder
from atsal.models.checkpoints import Kind, looks_like_html
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import read_object

MIB = 2**20
TOLERANCE = 0.03  # of the stated size, which is rounded


@dataclass(frozen=True)
class PublishedCheckpoint:
    """A declaration: what the file is, where it is, and how to recognise it."""

    name: str
    kind: Kind
    file_id: str  # on Google Drive
    sizes: tuple[int, ...]  # bytes, approximate; any of them is accepted within 3 %
    trained_on: str
    sha256: str | None = None  # None: not known; the one found is recorded beside the file

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


PUBLISHED = (
    PublishedCheckpoint(
        "attention-initial",
        "attention",
        "1qT4tALLSGmsRfqf_dJ-1nhS_3iT4fFMg",
        (374 * MIB, 32_303_618 * 4),
        "nothing in 360°: the initialisation of the attention stream",
    ),
    PublishedCheckpoint(
        "attention-images",
        "attention",
        "1dGnufIVaqmKxKm1jvMn65fWa-E4sxld9",
        (374 * MIB,),
        "Salient360! and Sitzmann images",
    ),
    PublishedCheckpoint(
        "attention-video",
        "attention",
        "18tqbKvKgm7jsWUul0F0QsGhKYTg9XOrA",
        (374 * MIB,),
        "Salient360! and VR-EyeTracking video",
    ),
    PublishedCheckpoint(
        "expert-poles",
        "expert",
        "1N0u-jZEU6042F2YJDaTvXyCLcv5m-3Tj",
        (364 * MIB,),
        "Salient360! and VR-EyeTracking video, faces up and down",
    ),
    PublishedCheckpoint(
        "expert-equator",
        "expert",
        "1l1DuvpTeqkS5wJhdHPEdGwxBmi4EFaAc",
        (364 * MIB,),
        "Salient360! and VR-EyeTracking video, faces front, right, back and left",
    ),
)


def published(name: str) -> PublishedCheckpoint:
    """Return the declaration of that name; `ConfigError` naming the nearest ones for an unknown name."""
    names = [entry.name for entry in PUBLISHED]
    if name in names:
        return PUBLISHED[names.index(name)]
    raise ConfigError(f"published checkpoint {name!r}{suggest_name(name, names)}")


def download(entry: PublishedCheckpoint, folder: Path | str, *, url: str | None = None, quiet: bool = False) -> Path:
    """Fetch a published checkpoint (gdown; needs `atsal[download]`) into `folder` and return its path.

    An interrupted download is resumed by the next call; a file already there, also one put there by hand, is checked
    and returned. The file appears under its name only after the checks (no web page, plausible size, known sha256),
    with its sha256 in `<file>.json` beside it. `url` overrides the address. Raises `WeightsError`, `OutputError` and
    `MissingDependencyError`.
    """
    target = Path(folder) / entry.filename
    if target.exists():
        return _accept(entry, target, target)
    gdown = _gdown()
    failures: tuple[type[Exception], ...] = (OSError, *_download_errors(gdown))  # requests' errors are OSErrors
    aside = target.with_name(f".{target.name}.download")  # gdown keeps its unfinished part beside this name
    with lock_folder(target.parent, target.name):
        try:
            gdown.download(url=url or entry.url, output=str(aside), quiet=quiet, resume=True, use_cookies=False)
        except failures as error:
            reason = " ".join(str(error).split())
            raise WeightsError(
                f"{entry.name}: download failed ({reason}); run it again to resume. {_manual(entry, target)}"
            ) from error
        try:
            return _accept(entry, aside, target)
        except WeightsError:
            aside.unlink(missing_ok=True)  # or the next call would take it for a finished download
            raise


def _accept(entry: PublishedCheckpoint, file: Path, target: Path) -> Path:
    """Check a complete file, give it its name and note its sha256."""
    with file.open("rb") as stream:
        head = stream.read(512)
    if looks_like_html(head):
        reason = "a web page came instead (Google Drive's quota or permission page)"
        raise WeightsError(f"{entry.name}: {reason}. {_manual(entry, target)}")
    size = file.stat().st_size
    if not any(abs(size - expected) <= TOLERANCE * expected for expected in entry.sizes):
        expected_sizes = " or ".join(f"{expected / MIB:.1f} MiB" for expected in entry.sizes)
        found = f"{size} bytes ({size / MIB:.1f} MiB)"
        raise WeightsError(f"{target}: {found}, expected {expected_sizes} ± 3 %. {_manual(entry, target)}")
    sha256 = file_sha256(file)
    record = target.with_name(f"{target.name}.json")
    expected = entry.sha256 or _recorded(record)
    if expected and sha256 != expected:
        raise WeightsError(
            f"{target}: sha256 {sha256}, expected {expected}; the file is damaged or was replaced: delete it and "
            f"{record.name}, then download again"
        )
    with output_errors(target):
        file.rename(target)
    _note(record, {"name": entry.name, "url": entry.url, "sha256": sha256, "bytes": size})
    return target


def _recorded(record: Path) -> str | None:
    """Return the sha256 noted at the first download, or None."""
    try:
        found = read_object(record, ErrorFactory(WeightsError, record, "delete it")).get("sha256")
    except WeightsError:
        return None  # no record, or an unusable one: it is written anew
    return found if isinstance(found, str) else None


def _note(record: Path, values: dict[str, str | int]) -> None:
    if _recorded(record):
        return
    write_json(record, {**values, "date": datetime.now(UTC).date().isoformat()})


def _manual(entry: PublishedCheckpoint, target: Path) -> str:
    return f"Or open {entry.page} in a browser, save the file as {target} and repeat the command"


def _gdown() -> ModuleType:
    try:
        import gdown  # noqa: PLC0415
    except ImportError as error:
        remedy = install_hint("download")
        raise MissingDependencyError(f"downloading published checkpoints needs gdown: {remedy}") from error
    module: ModuleType = gdown
    return module


def _download_errors(gdown: ModuleType) -> tuple[type[Exception], ...]:
    """Return gdown's own errors; DownloadError came with version 6."""
    names = ("DownloadError", "FileURLRetrievalError")
    return tuple(getattr(gdown.exceptions, name) for name in names if hasattr(gdown.exceptions, name))
