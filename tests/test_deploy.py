"""The files in deploy/ start what exists, as nobody in particular."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from atsal.cli import main

DEPLOY = Path(__file__).parents[1] / "deploy"
UNIT = (DEPLOY / "systemd" / "atsal.service").read_text(encoding="utf-8")
CONTAINER = (DEPLOY / "container" / "Containerfile").read_text(encoding="utf-8")
LINES = [line for line in re.sub(r"\\\n", " ", CONTAINER).splitlines() if line and not line.startswith("#")]


def values(instruction):
    return [line.partition(" ")[2].strip() for line in LINES if line.startswith(f"{instruction} ")]


def test_the_commands_exist():
    (unit,) = re.findall(r"^ExecStart=(.*)$", UNIT, re.MULTILINE)
    (container,) = values("CMD")[-1:]
    for command in (shlex.split(unit)[1:], re.findall(r'"([^"]+)"', container)):
        assert command[0] == "serve"
        main.commands["serve"].make_context("serve", command[1:])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze was not found")
def test_the_unit_is_valid_and_hardened(tmp_path):
    unit = tmp_path / "atsal.service"
    unit.write_text(UNIT.replace("/opt/atsal/bin/atsal", sys.executable))
    for options in (["verify"], ["security", "--offline=true", "--threshold=25"]):
        done = subprocess.run(["systemd-analyze", *options, unit], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_container_is_pinned_runs_as_nobody_and_holds_no_secret():
    assert all(re.fullmatch(r"[a-z]+:\d+\.\d+-[a-z-]+( AS [a-z]+)?", base) for base in values("FROM"))
    assert values("USER")[-1] == "10001:10001"
    assert LINES.index("USER 10001:10001") > max(LINES.index(line) for line in LINES if line.startswith("RUN "))
    assert not values("ADD")
    assert not re.search(r"(?i)password|secret|api_?key|atsal_[A-Za-z0-9]{8}", CONTAINER)
    copied = [name for value in values("COPY") if "--from" not in value for name in value.split()[:-1]]
    assert all((DEPLOY.parent / name).exists() for name in copied)
