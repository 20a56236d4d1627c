"""Put the source of a job into its folder."""

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from unicodedata import normalize

from atsal.errors import ConfigError
from atsal.remote.urls import file_name
from atsal.serving.gate.caller import Caller
from atsal.serving.problem_types import CONFLICT, INVALID_SOURCE
from atsal.serving.problems import Problem
from atsal.serving.sources.allowed_urls import allowed_url, parse_prefix
from atsal.serving.sources.named_files import find_named
from atsal.serving.sources.source_ref import SourceRef
from atsal.serving.sources.tus_headers import shown_name
from atsal.serving.sources.uploads import find_upload
from atsal.serving.sources.url_download import resolves_publicly

if TYPE_CHECKING:
    from atsal.serving.service import Service

_ENDING = re.compile(r"\.[a-z0-9]{1,5}")
_ODD = re.compile(r"[^\w-]+")  # also dots: no other file in a job's folder has one name and one ending
_MOST_BYTES = 100  # of a name without its ending, which the names of results begin with


def resolve(service: "Service", caller: Caller, source: SourceRef, folder: Path) -> str:
    """Put the source into the folder of a job, and return its name there. Raises `Problem`.

    An upload gets a second name in the folder, a named file a link; a URL is only checked: `fetch_source` copies it.
    """
    if source.upload is not None:
        return _take_upload(service, caller, source.upload, folder)
    try:
        if source.file is not None:
            return _link_file(find_named(service.settings.sources.roots, source.file), folder)
        return _check_url(service, source.url or "")
    except ConfigError as error:
        raise Problem(INVALID_SOURCE, str(error)) from error


def source_name(service: "Service", source: SourceRef) -> str:
    """Return what the owner calls a source that `resolve` has found."""
    if source.upload is not None:
        upload = service.uploads.get(source.upload)
        return upload.name if upload is not None else ""
    return shown_name(source.file.partition(":")[2] if source.file is not None else file_name(source.url or ""))


def _take_upload(service: "Service", caller: Caller, upload_id: str, folder: Path) -> str:
    upload = find_upload(service, caller, upload_id)
    found = service.uploads.complete_file(upload)
    if found is None:
        raise Problem(
            CONFLICT, f"the upload is not complete: {service.uploads.offset(upload)} of {upload.bytes} bytes came"
        )
    name = _name_in_folder(upload.name)
    os.link(found, folder / name, follow_symlinks=False)
    return name


def _link_file(path: Path, folder: Path) -> str:
    name = _name_in_folder(path.name)
    (folder / name).symlink_to(path)
    return name


def _check_url(service: "Service", text: str) -> str:
    url = allowed_url(text, map(parse_prefix, service.settings.sources.urls))
    if not resolves_publicly(url.host, url.port):
        raise ConfigError("the host of this URL has no public address")
    return _name_in_folder(file_name(text))


def _name_in_folder(shown: str) -> str:
    """Return a shown name with letters, digits, `-` and `_` alone, and its ending; "source" if it has no plain one."""
    path = PurePosixPath(normalize("NFC", shown))
    if not _ENDING.fullmatch(path.suffix.lower()):
        return "source"
    stem = _ODD.sub("_", path.stem).encode()[:_MOST_BYTES].decode(errors="ignore").strip("-_")
    return f"{stem or 'source'}{path.suffix.lower()}"
