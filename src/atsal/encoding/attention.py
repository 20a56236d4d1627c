"""Where people look in a video that is to be encoded: predicted, or read from saved maps."""

from collections.abc import Callable, Iterator
from pathlib import Path

from atsal.prediction.map_track import STEP_S, Map, MapTrack, track_maps
from atsal.prediction.predictor import Predictor
from atsal.prediction.saved_maps import SavedMaps
from atsal.prediction.streams import FUSED
from atsal.video.stereo_layout import StereoChoice


def predict_attention(
    predictor: Predictor,
    video: Path,
    *,
    stereo: StereoChoice = "auto",
    progress: Callable[[int], None] = lambda _done: None,
) -> MapTrack:
    """Predict the maps of a video, five a second; raise what `Predictor.predict_video` raises."""
    results = predictor.predict_video(video, streams=(FUSED.name,), stereo=stereo, fps=1 / STEP_S)

    def maps() -> Iterator[tuple[float, Map]]:
        for done, result in enumerate(results, start=1):
            progress(done)
            yield result.timestamp_s, result.map(FUSED.name)

    return track_maps(maps())


def saved_attention(manifest: Path, video: Path, stream: str = FUSED.name, stereo: StereoChoice = "auto") -> MapTrack:
    """Read the maps of a video that `atsal predict --format npy` wrote; raise `DataError` for those of another one."""
    saved = SavedMaps(manifest, stream)
    saved.check_video(video, stereo)
    return track_maps((time_s, saliency) for _, time_s, saliency in saved)
