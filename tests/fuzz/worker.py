"""Read damaged files one after another, and say before each which one, so that a crash or a hang is told by its seed.

`python worker.py FOLDER FIRST LAST STEP` damages target number `seed % len(targets)` by each seed from FIRST to LAST.
"""

import contextlib
import io
import os
import resource
import signal
import sys
import traceback
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest has it

from atsal.errors import AtsalError, MediaError
from fuzz.mutator import mutated
from fuzz.target import Target
from fuzz.targets import targets

_SECONDS = 20
_MEMORY = 2 << 30  # beyond what the program takes before it reads anything


def main(folder: Path, seeds: range) -> None:
    """One line for each seed, `SEED NAME`, and below it what went wrong, if anything did."""
    warnings.simplefilter("ignore")
    found = targets(folder)
    limit = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.signal(signal.SIGALRM, _too_slow)
    for seed in seeds:
        target = found[seed % len(found)]
        print(seed, target.name, flush=True)
        _try(target, seed)
    print("done", flush=True)


class TooSlow(BaseException):
    """No `Exception`: what turns every failure into an error of ours must not hide it."""


def _try(target: Target, seed: int) -> None:
    whole = target.file.read_bytes()
    target.file.write_bytes(mutated(whole, seed))
    changed = target.file.stat()
    os.utime(target.file, ns=(changed.st_atime_ns, changed.st_mtime_ns + seed))  # caches go by the time
    signal.alarm(_SECONDS)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            target.read()
    except AtsalError as error:
        if isinstance(error.__cause__, MemoryError) and not isinstance(error, MediaError):  # pictures may be large
            print(f"  took more than {_MEMORY >> 30} GiB: {str(error)[:300]!r}", flush=True)
        if not str(error).strip() or len(str(error)) > 4000 or "\x1b" in str(error):
            print(f"  message: {str(error)[:300]!r}", flush=True)
    except BaseException:
        print("  " + traceback.format_exc().replace("\n", "\n  "), flush=True)
    finally:
        signal.alarm(0)
        target.file.parent.mkdir(parents=True, exist_ok=True)
        target.file.write_bytes(whole)


def _too_slow(*_: object) -> None:
    raise TooSlow(f"took more than {_SECONDS} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]), range(*map(int, sys.argv[2:])))
