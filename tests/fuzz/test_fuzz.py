"""12,000 damaged files: each is read, or refused with an error of ours, within 20 s and 2 GiB. `make fuzz`.

`make fuzz SEED=1 FILES=24000` damages other files, and twice as many.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fuzz.mutator import mutated

FILES = int(os.environ.get("ATSAL_FUZZ_FILES", "12000"))
FIRST = int(os.environ.get("ATSAL_FUZZ_SEED", "0")) * 1_000_003  # so that no case of one seed is one of another
WORKERS = 2


def faults(folder: Path, seeds: range) -> list[str]:
    """What went wrong, each told by its seed; a worker that ends is begun again behind the seed that ended it."""
    found: list[str] = []
    while seeds:
        folder = folder.with_name(f"{folder.name}-")
        command = [sys.executable, str(Path(__file__).with_name("worker.py")), str(folder)]
        command += [str(number) for number in (seeds.start, seeds.stop, seeds.step)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
        lines = done.stdout.splitlines()
        found += ["\n".join(part) for part in _parts(lines) if len(part) > 1]
        if lines and lines[-1] == "done":
            break
        last = [line for line in lines if line[:1].isdigit()]
        if not last:
            return [*found, f"the worker did not begin: {done.stderr[-3000:]}"]
        found.append(f"{last[-1]}: ended the process ({done.returncode}): {done.stderr[-500:]}")
        seeds = range(int(last[-1].split()[0]) + seeds.step, seeds.stop, seeds.step)
    return found


def _parts(lines: list[str]) -> list[list[str]]:
    """A seed's line, and what is told below it."""
    parts: list[list[str]] = []
    for line in lines:
        if line[:1].isdigit():
            parts.append([line])
        elif parts and line.startswith(" "):
            parts[-1].append(line)
    return parts


def test_the_same_seed_gives_the_same_damage():
    content = bytes(range(256)) * 4
    assert mutated(content, 5) == mutated(content, 5)
    assert len({mutated(content, seed) for seed in range(100)}) > 90
    assert mutated(b"", 1) is not None


@pytest.mark.fuzz
def test_damaged_files_are_read_or_refused(tmp_path):
    parts = [range(FIRST + number, FIRST + FILES, WORKERS) for number in range(WORKERS)]
    with ThreadPoolExecutor(WORKERS) as pool:
        found = [
            fault for own in pool.map(lambda n: faults(tmp_path / f"w{n}", parts[n]), range(WORKERS)) for fault in own
        ]
    assert not found, f"{len(found)} of {FILES}:\n" + "\n".join(found[:20])
