"""Neither memory nor open files grow over 500 files in one process. `make fuzz`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

MOST_GROWTH = 16 << 20  # bytes, from the 200th file to the 500th: the first ones fill caches and pools


@pytest.mark.fuzz
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell a process its memory")
def test_nothing_leaks_over_500_files(tmp_path):
    command = [sys.executable, str(Path(__file__).with_name("many_files.py")), str(tmp_path / "files")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=True)
    _, early, *_, last = map(json.loads, done.stdout.splitlines())
    assert last["open_files"] <= early["open_files"]
    assert last["bytes"] - early["bytes"] < MOST_GROWTH, done.stdout
