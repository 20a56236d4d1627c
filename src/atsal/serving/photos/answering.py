"""What a process does with a photo."""

import io
import json
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.errors import MediaError
from atsal.jobs.workers import usable_cores
from atsal.prediction.model_choice import ModelChoice
from atsal.prediction.predictor import Predictor
from atsal.prediction.source_maps import describe_maps
from atsal.regions import FrameRegions, Regions, RegionTracker, find_regions
from atsal.regions.files import regions_document
from atsal.serving.loading import load_on_threads
from atsal.serving.photos.photo import PhotoAnswer, PhotoQuestion
from atsal.serving.photos.settings import PhotoSettings
from atsal.untrusted.pictures import open_picture, stored_size
from atsal.video.image_reader import decode_image
from atsal.video.image_writer import map_png_bytes, npy_bytes, rgb_png_bytes

NAME = "photo"  # in messages
_MOST_MODELS = 6  # with different directions and fronts; one takes 10 MB, and 0.4 s to load


def prepare(device: str, settings: PhotoSettings) -> Callable[[PhotoQuestion], PhotoAnswer]:
    """Load the model as most ask for it, and return the function that answers photos."""
    threads = max(1, usable_cores() // settings.processes)
    load = lru_cache(maxsize=_MOST_MODELS)(partial(load_on_threads, threads=threads))
    predictor = load(ModelChoice(device=device))
    width, height = predictor.frame_size
    predictor.predict_image(np.zeros((height, width, 3), np.uint8))  # some runtimes compile it now
    return partial(answer, load=load, most_pixels=settings.most_pixels)


def answer(question: PhotoQuestion, load: Callable[[ModelChoice], Predictor], most_pixels: int) -> PhotoAnswer:
    """Predict a photo as `atsal predict` does. Raises `InputError` for one that cannot be used."""
    _check_pixels(question.content, most_pixels)
    pixels, info = decode_image(question.content, NAME, stereo=question.stereo)
    predictor = load(question.model)
    predictor.check_time_matters(question.still_at_s, "still-at")
    saliency = predictor.predict_image(pixels, stream=question.stream, seconds=question.still_at_s)
    return PhotoAnswer(_encode(question, predictor, pixels, saliency), info.stereo)


def _check_pixels(content: bytes, most: int) -> None:
    with open_picture(Path(NAME), io.BytesIO(content)) as image:
        width, height = stored_size(image)
    if width * height > most:
        raise MediaError(
            f"{NAME}: has {width}x{height} pixels; at most {most / 1e6:.0f} million are predicted at once. Scale it "
            "down, or send it as a job"
        )


def _encode(
    question: PhotoQuestion, predictor: Predictor, pixels: NDArray[np.uint8], saliency: NDArray[np.float32]
) -> bytes:
    if question.output == "npy":
        return npy_bytes(saliency)
    if question.output == "overlay":
        return rgb_png_bytes(question.look.draw(pixels, saliency, float(saliency.max())))
    if question.output == "regions":
        return _regions(question, predictor, saliency)
    return map_png_bytes(saliency, 16 if question.output == "png16" else 8)


def _regions(question: PhotoQuestion, predictor: Predictor, saliency: NDArray[np.float32]) -> bytes:
    found = RegionTracker().update(FrameRegions(0, 0.0, find_regions(saliency, **question.region_limits)))
    settings = describe_maps(predictor) | {"stream": question.stream} | question.region_limits
    return json.dumps(regions_document(Regions((found,), NAME, settings))).encode()
