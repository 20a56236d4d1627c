"""The table of frames is read back as it was added, takes little memory, and may have a million frames."""

import json
import tracemalloc

import numpy as np

from atsal.prediction.frame_result import FrameResult
from atsal.prediction.frame_table import FrameTable
from atsal.prediction.run_record import Journal, read_manifest

SETTINGS = {"source": {}, "model": {}, "options": {}}


def entry(number, name="film"):
    return {"index": number, "timestamp_s": number / 30, "files": [f"{name}/{number:06d}.npy"], "peaks": {"fused": 0.1}}


def test_a_manifest_has_the_frames_that_were_added(tmp_path):
    added = [entry(3), entry(4, "Größe"), entry(9, "\udcff\n")]  # the last is no UTF-8, as a name of a file may be
    FrameTable(added).write(tmp_path / "film.json", {"settings": SETTINGS})
    found = read_manifest(tmp_path / "film.json")
    assert list(found.frames) == added
    assert (len(found.frames), found.frames.last_index) == (3, 9)
    assert list(json.loads((tmp_path / "film.json").read_bytes())) == ["settings", "frames"]
    FrameTable().write(tmp_path / "none.json", {"settings": SETTINGS})
    assert list(read_manifest(tmp_path / "none.json").frames) == []


def test_a_frame_takes_a_sixth_of_a_kilobyte():
    tracemalloc.start()
    table = FrameTable(entry(number) for number in range(5000))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / len(table) < 1000 / 6


def test_a_journal_has_room_for_a_million_frames(tmp_path):
    """The file format has a header of 100 MB at most, which must not grow with the film."""
    journal = Journal(tmp_path / ".film.progress", SETTINGS)
    headers = []
    for number in range(2000):
        maps = {"fused": np.full((2, 4), number, np.float32)}
        journal.add(FrameResult(number, number / 30, maps, None), [f"film/{number:06d}.npy"], np.float32([number]), 1)
        if number in (0, 1999):
            journal.save()
            headers.append(int.from_bytes(journal.path.read_bytes()[:8], "little"))
    assert headers[1] <= headers[0] + 16
    found = journal.read()
    assert [frame["peaks"]["fused"] for frame in found.frames] == list(range(2000))
