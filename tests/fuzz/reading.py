"""Read a picture, a video, maps or a table as the commands do."""

from itertools import islice
from pathlib import Path

from atsal.errors import DataError
from atsal.training.head_logs import read_head_log
from atsal.untrusted.arrays import open_npy, read_npz
from atsal.untrusted.files import ErrorFactory
from atsal.video.image_reader import read_image
from atsal.video.media_files import classify
from atsal.video.probe import probe_video
from atsal.video.reader import read_frames

FRAMES = 16  # of a video; a damaged one may claim to have no end


def read_any(file: Path) -> None:
    """Read a file by the ending of its name."""
    make_error = ErrorFactory(DataError, file, "write it again")
    if file.suffix == ".npy":
        open_npy(file, make_error)
    elif file.suffix == ".npz":
        read_npz(file, ["density"], make_error)
    elif file.name.endswith(".csv.gz"):
        read_head_log(file)
    else:
        read_media(file)


def read_media(file: Path) -> None:
    """Probe and read a picture, or frames of a video from its start and from its middle."""
    if classify(file) == "image":
        read_image(file)
        return
    info = probe_video(file, count=True)
    for start_s in (0.0, (info.duration_s or 0.0) / 2):
        for _ in islice(read_frames(file, size=(64, 32), start_s=start_s), FRAMES):
            pass
