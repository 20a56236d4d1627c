"""Files that promise far more than they hold are refused before memory is taken. `make fuzz`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.hostile import write_hostile_files

MOST_BYTES = 256 << 20  # beyond what the program takes before it reads anything
MOST_SECONDS = 60  # of a core
READ = {"times.mp4"}  # what is read, since only unused numbers are absurd


@pytest.mark.fuzz
def test_hostile_files_are_refused_in_little_memory(tmp_path):
    files = write_hostile_files(tmp_path / "files")
    command = [sys.executable, str(Path(__file__).with_name("measured.py")), *map(str, files.values())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=True)
    before, *found = map(json.loads, done.stdout.splitlines())
    assert len(found) == len(files)
    for one in found:
        assert one["status"] == 0, one
        assert one["error"].startswith(("MediaError: ", "DataError: ")) or one["file"] in READ, one
        assert one["peak_bytes"] - before["peak_bytes"] < MOST_BYTES, one
        assert one["seconds"] < MOST_SECONDS, one
