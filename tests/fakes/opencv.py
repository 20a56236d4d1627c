"""The few functions of OpenCV that docs/recipes.md uses: a stand-in where OpenCV is not installed."""

from types import SimpleNamespace

import numpy as np
from PIL import Image

from atsal.video.reader import read_frames


def _imread(name):
    return np.asarray(Image.open(name).convert("RGB"))[..., ::-1].copy()


def _imwrite(name, image):
    Image.fromarray(image[..., ::-1].copy()).save(name)


class Camera:
    """A 360° camera that shows a video, in BGR."""

    def __init__(self, name):
        self._frames = read_frames(name)

    def read(self):
        frame = next(self._frames, None)
        return (False, None) if frame is None else (True, frame.image[..., ::-1].copy())

    def release(self):
        self._frames.close()


STAND_IN = SimpleNamespace(imread=_imread, imwrite=_imwrite)
