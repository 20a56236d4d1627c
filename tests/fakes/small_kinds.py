"""A kind of job that takes no time, or as much as it is told, for tests of what is around it."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from atsal.serving.kinds import End, OptionError, Parts

_ENDS = ("done", "partly", "fail", "raise", "die")
_OPTIONS = ("frames", "seconds_each", "end", "parts")


@dataclass(frozen=True)
class Count:
    """Writes `frames` lines to result/lines.txt, one each `seconds_each`, and ends as `end` says.

    With `parts`, so many workers first write the number of their process, after `seconds_each`, and end so.
    """

    name: str = "count"
    about: str = "Count."

    def schema(self):
        return {"type": "object", "properties": {"frames": {"type": "integer"}}}

    def check(self, options):
        for name in options:
            if _plain(name) not in _OPTIONS:
                raise OptionError(name, f"count has no option {name}")
        if options.get("end", "done") not in _ENDS:
            raise OptionError("end", "end: expected " + ", ".join(_ENDS))

    def run(self, work, means, progress):
        options = {_plain(name): value for name, value in work.options.items()}
        frames = options.get("frames", 1)
        folder = Path("result")
        folder.mkdir(exist_ok=True)
        parts = options.get("parts", 0)
        if parts and work.may_divide:
            missing = [number for number in range(parts) if not (folder / f"{number}.part").exists()]
            return Parts(tuple((number, options) for number in missing), parts - len(missing), parts)
        (folder / ".hidden").write_text("not shown")
        with (folder / "lines.txt").open("w") as file:
            for frame in range(frames):
                file.write(f"{frame} {Path(work.file).read_text()}\n")
                progress(frame + 1, frames + (options.get("end") == "partly"))
                time.sleep(options.get("seconds_each", 0.0))
        end = options.get("end", "done")
        if end == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if end == "raise":
            raise ValueError(f"a secret of {Path.cwd()}")
        if end == "fail":
            return End(is_done=False, reason=f"{work.file}: is too short")
        return End(is_done=True, reason="the last lines are damaged" if end == "partly" else "")

    def run_part(self, task, means, progress):
        number, options = task
        time.sleep(options.get("seconds_each", 0.0))
        progress(1, None)
        if options.get("end") == "die" and number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        Path("result", f"{number}.part").write_text(f"{os.getpid()} {time.monotonic()}")


def _plain(name):
    """Options have hyphens, as those of commands; tests may write underscores."""
    return name.replace("-", "_")


COUNT = {"count": Count()}


def no_torch(_threads):
    """Prepare a worker process for this kind: it needs nothing that takes time to import."""
