import threading
from itertools import islice

from atsal.batch.arrivals import steady_files


def test_a_file_is_given_once_it_no_longer_grows(tmp_path):
    found = steady_files(tmp_path, poll_s=0.05)
    grown = tmp_path / "late.mp4"
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "notes.txt").write_text("no video")
    stop = threading.Event()

    def grow():
        with grown.open("wb", buffering=0) as file:
            while not stop.wait(0.02):
                file.write(b"1")

    writer = threading.Thread(target=grow)
    writer.start()
    threading.Timer(0.5, stop.set).start()
    assert next(found) == [grown]
    assert stop.is_set()
    writer.join()
    (tmp_path / "next.png").write_bytes(b"1")
    grown.write_bytes(b"another one")
    assert {path for group in islice(found, 1) for path in group} <= {grown, tmp_path / "next.png"}
