"""Options of `atsal serve` that say who may come in, and where sources may come from."""

import ipaddress
from pathlib import Path
from typing import Any

import click

from atsal.cli.parameters import GIGABYTES, options
from atsal.errors import ConfigError
from atsal.serving.gate.settings import GateSettings
from atsal.serving.sources.settings import GB, SourceSettings
from atsal.untrusted.text import short_repr

gate_options = options(
    click.option("--host-name", "host_names", multiple=True, metavar="NAME", help="Another name that the host has."),
    click.option(
        "--trust-proxy",
        "proxies",
        multiple=True,
        metavar="ADDRESS",
        help="Believe the addresses that this proxy forwards.",
    ),
    click.option(
        "--cors", "origins", multiple=True, metavar="ORIGIN", help="Let pages of https://HOST call the service."
    ),
    click.option(
        "--requests",
        "requests_per_minute",
        type=click.IntRange(min=1),
        default=GateSettings.requests_per_minute,
        help="Requests per minute of a token, and of an address.",
    ),
    click.option(
        "--root", "roots", multiple=True, metavar="NAME=FOLDER", help="Let jobs name files of this folder: NAME:path."
    ),
    click.option(
        "--allow-url", "urls", multiple=True, metavar="URL", help="Let jobs read URLs that begin so.  [default: none]"
    ),
    click.option(
        "--file-gb",
        "file_bytes",
        type=GIGABYTES,
        default=SourceSettings.file_bytes / GB,
        help="Gigabytes of an upload, or of a file behind a URL.",
    ),
    click.option(
        "--token-gb",
        "stored_bytes",
        type=GIGABYTES,
        default=SourceSettings.stored_bytes / GB,
        help="Gigabytes of all uploads and jobs of a token.",
    ),
    click.option(
        "--token-jobs",
        type=click.IntRange(min=1),
        default=SourceSettings.waiting_jobs,
        help="Jobs of a token that may wait.",
    ),
)


def take_gate_settings(values: dict[str, Any]) -> dict[str, Any]:
    """Take the values of these options out of a command's, and return the settings. Raises `ConfigError`."""
    from atsal.serving.gate.origins import is_origin  # noqa: PLC0415
    from atsal.serving.sources.allowed_urls import parse_prefix  # noqa: PLC0415

    of_gate = {name: values.pop(name) for name in ("host_names", "proxies", "origins", "requests_per_minute")}
    for origin in of_gate["origins"]:
        if not is_origin(origin):
            raise ConfigError(
                f"--cors {short_repr(origin)}: is no origin of pages; expected https://HOST or https://HOST:PORT."
            )
    for address in of_gate["proxies"]:
        _check_address(address)
    urls, roots = values.pop("urls"), dict(map(_root, values.pop("roots")))
    for url in urls:
        parse_prefix(url)
    sizes = {name: values.pop(name) for name in ("file_bytes", "stored_bytes")}
    sources = SourceSettings(roots, urls, waiting_jobs=values.pop("token_jobs"), **sizes)
    return {"gate": GateSettings(**of_gate), "sources": sources}


def _root(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    path = Path(folder)
    if not (equals and name.isidentifier() and folder and path.is_dir()):
        raise ConfigError(
            f"--root {short_repr(text)}: expected NAME=FOLDER, a name of letters, digits and underscores, and a folder."
        )
    return name, path.resolve()


def _check_address(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise ConfigError(
            f"--trust-proxy {short_repr(text)}: is no address; expected one as 127.0.0.1 or ::1."
        ) from None
