"""Read 500 small files, good and damaged ones, and print memory and open files after each hundred, one JSON line each.

`python many_files.py FOLDER`
"""

import contextlib
import gc
import json
import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest has it

from atsal.errors import AtsalError
from fuzz.media_targets import picture_targets, video_targets
from fuzz.mutator import mutated

FILES, EVERY = 500, 100


def main(folder: Path) -> None:
    """Every other file is damaged."""
    folder.mkdir()
    targets = [*picture_targets(folder / "pictures"), *video_targets(folder / "videos")]
    for number in range(FILES):
        target = targets[number % len(targets)]
        whole = target.file.read_bytes()
        if number // len(targets) % 2:
            target.file.write_bytes(mutated(whole, number))
        with contextlib.suppress(AtsalError):
            target.read()
        target.file.write_bytes(whole)
        if number % EVERY == EVERY - 1:
            gc.collect()
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            open_files = sum(1 for _ in Path("/proc/self/fd").iterdir())
            print(json.dumps({"bytes": pages * resource.getpagesize(), "open_files": open_files}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
