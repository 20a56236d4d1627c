"""`atsal token`: who may use `atsal serve`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.console import print_line, print_table
from atsal.cli.parameters import PATH, POSITIVE
from atsal.errors import ConfigError, MissingDependencyError, install_hint
from atsal.serving.gate.caller import SCOPES

if TYPE_CHECKING:
    from atsal.serving.gate.tokens import Tokens

_DAY_S = 86_400.0


def _store_options(command: Any) -> Any:
    data = click.option("--data", required=True, type=PATH, metavar="FOLDER", help="Folder of the service.")
    return data(click.option("--database", metavar="URL", help="The one that atsal serve has.")(command))


@click.group()
def token() -> None:
    """Make, list and revoke the tokens of atsal serve.

    Running servers of the same folder or database know at once of each change.
    """


@token.command("add")
@click.argument("name")
@_store_options
@click.option(
    "--scope",
    type=click.Choice(SCOPES),
    default="submit",
    help="read: see own jobs, and metrics. submit: also upload, submit, cancel, remove. admin: the same for all jobs.",
)
@click.option(
    "--expires", "days", type=POSITIVE, metavar="DAYS", help="Days that the token is valid.  [default: always]"
)
def token_add(name: str, data: Path, database: str | None, scope: str, days: float | None) -> None:
    """Make a token and print it. It is shown this once: only its checksum is kept.

    Jobs belong to NAME: a new token of a name that was revoked has the jobs of the old one.
    """
    tokens = _open_tokens(data, database)
    click.echo(tokens.add(name, scope, None if days is None else days * _DAY_S))


@token.command("list")
@_store_options
def token_list(data: Path, database: str | None) -> None:
    """List the tokens, without their secrets."""
    from atsal.serving.clock import time_text  # noqa: PLC0415

    rows = []
    for found in _existing_tokens(data, database).all():
        made, expires = (time_text(found.created_s) or "")[:10], (time_text(found.expires_s) or "never")[:10]
        rows.append((found.name, found.scope, f"atsal_{found.id}_…", made, expires + " (expired)" * found.has_expired))
    if rows:
        print_table({title: {} for title in ("name", "scope", "token", "made", "expires")}, rows)
    else:
        print_line("There are no tokens: atsal serve takes requests of this machine only, and all of these.")


@token.command("revoke")
@click.argument("name")
@_store_options
def token_revoke(name: str, data: Path, database: str | None) -> None:
    """Remove a token, and end the sessions of pages that were opened with it; its jobs stay."""
    _existing_tokens(data, database).revoke(name)


def _existing_tokens(data: Path, database: str | None) -> "Tokens":
    """Open the tokens of a service that is there: a folder that is misspelt is not made."""
    from atsal.serving.folders import DataFolder  # noqa: PLC0415

    if database is None and not DataFolder(data).database.exists():
        raise ConfigError(f"--data {data}: there is no service in this folder; check the path")
    return _open_tokens(data, database)


def _open_tokens(data: Path, database: str | None) -> "Tokens":
    try:
        from atsal.serving.clock import Clock  # noqa: PLC0415
        from atsal.serving.folders import DataFolder  # noqa: PLC0415
        from atsal.serving.gate.tokens import Tokens  # noqa: PLC0415
        from atsal.serving.store.database import open_database, sqlite_url  # noqa: PLC0415
    except ImportError as error:
        raise MissingDependencyError(f"atsal token needs more packages: {install_hint('serve')}") from error
    folder = DataFolder(data)
    folder.create()
    return Tokens(open_database(database or sqlite_url(folder.database)), Clock())
