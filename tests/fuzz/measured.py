"""Read each of some files in an own process, and print one JSON line on each: error, peak memory, seconds of a core."""

import json
import os
import resource
import sys
import tempfile
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest has it

from atsal.errors import AtsalError
from fuzz.reading import read_any


def measure(file: Path | None) -> dict[str, object]:
    """Read `file` in a child process, nothing for None."""
    with tempfile.TemporaryFile("w+") as answer:
        child = os.fork()
        if not child:
            answer.write(_read(file) if file else "")
            answer.flush()
            os._exit(0)
        _, status, used = os.wait4(child, 0)
        answer.seek(0)
        peak = used.ru_maxrss * 1024 if sys.platform != "darwin" else used.ru_maxrss
        return {
            "file": file and file.name,
            "error": answer.read(),
            "status": status,
            "peak_bytes": peak,
            "seconds": used.ru_utime + used.ru_stime,
        }


def _read(file: Path) -> str:
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))  # so that a failure harms nobody
    try:
        read_any(file)
    except AtsalError as error:
        return f"{type(error).__name__}: {error}"
    except BaseException:
        return traceback.format_exc()
    return "no error"


if __name__ == "__main__":
    for name in (None, *sys.argv[1:]):
        print(json.dumps(measure(Path(name) if name else None)), flush=True)
