"""`atsal serve`: the commands as a service over HTTP."""

from pathlib import Path
from typing import Any

import click

from atsal.cli.gate_options import gate_options, take_gate_settings
from atsal.cli.parameters import GIGABYTES, MAX_WORKERS, PATH, POSITIVE, device_option
from atsal.errors import MissingDependencyError, install_hint
from atsal.serving.live.settings import LiveSettings
from atsal.serving.photos.settings import PhotoSettings
from atsal.serving.settings import Settings


@click.command(epilog="Example: atsal serve --data service --port 8000 --workers 2.")
@click.option("--data", required=True, type=PATH, metavar="FOLDER", help="Keep jobs, uploads and results here.")
@click.option("--database", metavar="URL", help="Keep the list of jobs in Postgres.  [default: SQLite in the folder]")
@click.option("--host", default=Settings.host, help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=Settings.port, help="0 takes a free port.")
@click.option(
    "--workers",
    type=click.IntRange(min=1, max=MAX_WORKERS),
    help="Jobs that run at the same time.  [default: one per two cores]",
)
@click.option(
    "--photo-workers",
    type=click.IntRange(min=1, max=MAX_WORKERS),
    help="Photos that are predicted at once at the same time.  [default: one per core, at most 8]",
)
@click.option(
    "--live-sessions",
    type=click.IntRange(min=1, max=MAX_WORKERS),
    help="Sessions of live frames at the same time.  [default: one per core, at most 8]",
)
@click.option("--job-seconds", type=POSITIVE, default=Settings.job_seconds, help="Seconds that a job may run.")
@click.option(
    "--standstill",
    "standstill_s",
    type=POSITIVE,
    default=Settings.standstill_s,
    help="Seconds without progress that end a job's try.",
)
@click.option(
    "--memory",
    "memory_bytes",
    type=GIGABYTES,
    help="Gigabytes of memory that end a job's try.  [default: the machine's, divided by the workers]",
)
@click.option("--keep-days", type=POSITIVE, default=Settings.keep_days, help="Days after which ended jobs are removed.")
@gate_options
@click.option("--log-json", is_flag=True, help="Write the log as JSON lines.")
@device_option
def serve(data: Path, log_json: bool, **values: Any) -> None:
    """Run commands as jobs for programs and browsers, over HTTP.

    The service listens on this machine only, unless --host names another address; then it demands a token
    (atsal token add). Ctrl-C or SIGTERM ends it: jobs that do not end within seconds go on with the next start.
    """
    from atsal.cli.serve_log import set_up_log  # noqa: PLC0415
    from atsal.cli.served_kinds import command_kinds  # noqa: PLC0415

    try:
        from atsal.serving.server import run_server  # noqa: PLC0415
        from atsal.serving.service import open_service  # noqa: PLC0415
    except ImportError as error:
        raise MissingDependencyError(f"atsal serve needs more packages: {install_hint('serve')}") from error

    set_up_log(as_json=log_json)
    run_server(open_service(_settings(data, values), command_kinds()))


def _settings(data: Path, values: dict[str, Any]) -> Settings:
    from atsal.jobs.workers import usable_cores  # noqa: PLC0415

    values |= take_gate_settings(values)
    values["photos"] = PhotoSettings(workers=values.pop("photo_workers"))
    values["live"] = LiveSettings(sessions=values.pop("live_sessions"))
    workers = values.pop("workers") or max(1, usable_cores() // 2)
    return Settings(data, workers=workers, **values)
