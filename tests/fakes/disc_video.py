"""A 360° video of a red disc that moves, and maps that are bright in the middle of the disc, in every frame."""

from fractions import Fraction

import numpy as np

from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import Source
from atsal.projection import erp_directions
from atsal.regions.region import unit_vector
from atsal.video.writer import VideoWriter
from atsal.viewing.frame_maps import FrameMaps
from atsal.viewing.media import prepare_media
from atsal.viewing.site import Subject, build_site
from fakes.blob_maps import blob_map

RATE = Fraction(30000, 1001)
COUNT = 50  # maps; the video is longer
START_DEG, STEP_DEG, PITCH_DEG = -120.0, 1.5, 20.0
SCENE = {"rate": float(RATE), "count": COUNT, "start_deg": START_DEG, "step_deg": STEP_DEG, "pitch_deg": PITCH_DEG}
ROWS = 256
PITCHES_DEG = {  # of the spot in the map of each stream
    "fused": PITCH_DEG,
    "attention": 40.0,
    "experts": -40.0,
    "fused-head": 0.0,
    "attention-head": 60.0,
    "experts-head": -60.0,
}


def picture(index):
    """A red disc of 12° on black; its yaw tells the frame."""
    cosines = erp_directions(ROWS).numpy() @ unit_vector(START_DEG + STEP_DEG * index, PITCH_DEG)
    found = np.zeros((ROWS, 2 * ROWS, 3), np.uint8)
    found[..., 0] = np.where(cosines > np.cos(np.radians(12)), 255, 0)
    return found


def maps(count, stride=1, streams=("fused", "attention", "experts")):
    for index in range(0, count, stride):
        yaw_deg = START_DEG + STEP_DEG * index
        found = {
            stream: blob_map([(yaw_deg, PITCHES_DEG[stream], 1.0, 4.0)], rows=90, floor=0.001).astype(np.float32)
            for stream in streams
        }
        yield FrameMaps(index, index / float(RATE), found, picture(index))


def site(path, kind, folder, count, stride=1, stereo="auto", streams=("fused", "attention", "experts")):
    media, shown = prepare_media(Source(path, kind), ReadOptions(stereo=stereo), folder, copy=False)
    subject = Subject(media, shown, streams, "head_eye", "test")
    return build_site(subject, maps(count, stride, streams), folder)[0]


def write_video(path, pictures):
    height, width = pictures[0].shape[:2]
    with VideoWriter(path, (width, height), RATE) as writer:
        for index, image in enumerate(pictures):
            writer.write(image, index / float(RATE))
