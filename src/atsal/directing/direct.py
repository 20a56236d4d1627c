"""Make the plan of a video: predict its maps, or read them, while its frames are searched for scene cuts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from atsal.directing.aspect import ASPECTS, Aspect
from atsal.directing.camera import Keyframe
from atsal.directing.in_frame import GazeLog, predicted_in_frame, recorded_in_frame
from atsal.directing.plan import MadeFrom, Plan, read_plan
from atsal.directing.planning import TimedMap, plan_film, thin
from atsal.directing.scene_cuts import FrameWatch
from atsal.errors import ConfigError
from atsal.gaze.records import GazeSamples
from atsal.jobs.checksums import cached_sha256
from atsal.prediction.options import ReadOptions
from atsal.prediction.predictor import Predictor
from atsal.prediction.prefetch import map_closing, prefetch
from atsal.prediction.saved_maps import SavedMaps
from atsal.prediction.source_maps import until_damage
from atsal.prediction.sources import Source
from atsal.projection.perspective import Perspective
from atsal.video.probe import probe_video
from atsal.video.reader import Frame

_SEARCH_SIZE = (320, 160)  # of frames that are only searched for cuts


@dataclass(frozen=True)
class FilmOptions:
    """What film is wanted."""

    aspect: Aspect = "16:9"
    fov_deg: float = 90.0  # along the longer side
    stream: str = "fused"

    def __post_init__(self) -> None:
        """Check the field of view."""
        Perspective(self.fov_deg, ASPECTS[self.aspect])


class PlanMaker:
    """Plans the film of a video from a model or from maps: `made_from` tells from what, before `make` does it."""

    def __init__(
        self, source: Source, options: FilmOptions, reading: ReadOptions, origin: Predictor | SavedMaps
    ) -> None:
        self.source, self.options, self.reading, self._origin = source, options, reading, origin
        if isinstance(origin, SavedMaps):
            origin.check_video(source.path, reading.stereo)
        self.made_from = self._describe()

    def make(
        self,
        viewers: tuple[GazeSamples, ...] = (),
        progress: Callable[[int], None] = lambda _done: None,
    ) -> tuple[Plan, str | None]:
        """Return the plan, and what is wrong with a source that is damaged in the middle: the plan ends there.

        `viewers` are recorded directions, of which the plan says how many are in frame.
        """
        watch, problems = FrameWatch(), list[str]()
        frames = until_damage(self.source.frames(self.reading, self._frame_size), problems, progress)
        aspect, front_deg = ASPECTS[self.options.aspect], self.made_from.front_deg
        perspective, forward = Perspective(self.options.fov_deg, aspect), front_deg or 0.0
        with GazeLog() as gaze:
            keyframes = plan_film(self._maps(watch.watch(frames)), watch, perspective, gaze, front_deg)
            plan = self._plan(tuple(keyframes), watch)
            camera, span_s = plan.camera.at, (plan.start_s, plan.end_s)
            predicted = predicted_in_frame(gaze, camera, aspect, forward)
            recorded = recorded_in_frame(viewers, camera, aspect, forward, span_s, gaze)
        values: dict[str, Any] = vars(plan) | {"predicted_in_frame": predicted, "recorded_in_frame": recorded}
        return Plan(**values), problems[0] if problems else None

    def earlier(self, path: Path) -> Plan | None:
        """Return the plan at `path`, which an interrupted run with the same settings left; None where there is none.

        Raises `ConfigError` for another file, and for a plan of other settings.
        """
        if not path.exists():
            return None
        plan = read_plan(path)
        if plan.made_from != self.made_from:
            raise ConfigError(
                f"{path}: is a plan that was made with other settings; give --plan to render it, another name for the "
                "film, or --overwrite"
            )
        return plan

    @property
    def _frame_size(self) -> tuple[int, int]:
        return self._origin.frame_size if isinstance(self._origin, Predictor) else _SEARCH_SIZE

    def _maps(self, frames: Iterator[Frame]) -> Iterator[TimedMap]:
        stream = self.options.stream
        if isinstance(self._origin, SavedMaps):
            for _ in prefetch(frames, 2):
                pass
            return iter(self._origin)
        results = self._origin.predict_frames(thin(frames), streams=(stream,))
        return map_closing(lambda result: (result.frame_index, result.timestamp_s, result.map(stream)), results)

    def _describe(self) -> MadeFrom:
        made_from = MadeFrom(
            sha256=str(self.source.identity()["sha256"]),
            **vars(self.options),
            start_s=self.reading.start_s,
            duration_s=self.reading.duration_s,
            stereo=self.reading.stereo,
        )
        if isinstance(self._origin, SavedMaps):
            manifest = self._origin.manifest
            return replace(
                made_from,
                maps=manifest.name,
                maps_sha256=cached_sha256(manifest),
                front_deg=self._origin.front_deg,
            )
        bundle, network = self._origin.bundle, self._origin.network
        return replace(
            made_from,
            model=bundle.folder.name,
            model_sha256=bundle.checksum,
            direction=network.direction,
            front_deg=network.front_deg,
        )

    def _plan(self, keyframes: tuple[Keyframe, ...], watch: FrameWatch) -> Plan:
        start_s = watch.first_s or 0.0
        end_s = watch.last_s + 1 / self.source.frame_rate(self.reading)
        source_s = probe_video(self.source.path, self.reading.stereo).duration_s or end_s
        end_s = max(watch.last_s, min(end_s, source_s))
        last = replace(keyframes[-1], timestamp_s=round(end_s, 6), cut=False)
        return Plan(
            source=self.source.path.name,
            source_duration_s=round(source_s, 6),
            aspect=self.options.aspect,
            start_s=round(start_s, 6),
            duration_s=round(end_s - start_s, 6),
            keyframes=(*(keyframes[:-1] or keyframes), last),
            made_from=self.made_from,
        )
