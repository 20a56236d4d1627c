"""A Postgres server of its own for tests, where the programs are installed."""

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

_PROGRAMS = ("/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/15/bin")


@contextmanager
def postgres():
    """Start a server that listens at a socket in a new folder; give its URL."""
    search = os.pathsep.join([os.environ["PATH"], *_PROGRAMS])
    initdb, pg_ctl = shutil.which("initdb", path=search), shutil.which("pg_ctl", path=search)
    if initdb is None or pg_ctl is None:
        pytest.skip("Postgres (initdb, pg_ctl) is not installed")
    owner = {"user": "postgres"} if os.geteuid() == 0 else {}  # it refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="atsal-postgres-"))
    if owner:
        shutil.chown(folder, "postgres")

    def run(*command):
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, **owner)

    try:
        run(initdb, "-D", folder / "data", "-U", "postgres", "--auth=trust", "--no-sync")
        run(
            pg_ctl,
            "-D",
            folder / "data",
            "-w",
            "-l",
            folder / "log",
            "-o",
            f"-k {folder} -c listen_addresses=''",
            "start",
        )
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        finally:
            run(pg_ctl, "-D", folder / "data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)
