"""The regions of maps over time, as the page draws them."""

from atsal.errors import MissingDependencyError
from atsal.regions import FrameRegions, Region, RegionTracker, find_regions
from atsal.viewing.frame_maps import FrameMaps
from atsal.viewing.scene import RegionTrack

STEP_S = 0.1  # finding regions takes longer than packing maps, and bands need no more
_MOST_TRACKS = 60
_SHORTEST_S = 0.3  # shorter ones are flicker


class RegionCollector:
    """Follows the regions of one stream; `problem` says why it cannot, where SciPy is not installed."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self._tracker = RegionTracker()
        self._found: dict[int, list[tuple[float, Region]]] = {}
        self._times_s: list[float] = []

    def add(self, frame: FrameMaps, stream: str) -> None:
        """Take in the next frame; frames that are closer than `STEP_S` are left out."""
        time_s = frame.timestamp_s
        is_early = self._times_s and time_s < self._times_s[-1] + STEP_S - 1e-6
        if is_early or self.problem or not frame.maps[stream].any():
            return
        self._times_s.append(time_s)
        found = FrameRegions(frame.frame_index, time_s, find_regions(frame.maps[stream]))
        try:
            for region in self._tracker.update(found).regions:
                self._found.setdefault(region.id, []).append((time_s, region))
        except MissingDependencyError as error:
            self.problem = f"No regions: {error}"
            self._found.clear()

    def finish(self) -> tuple[RegionTrack, ...]:
        """Return the regions that last, those with the most gaze over time first."""
        shortest_s = _SHORTEST_S if len(self._times_s) > 1 else 0.0
        lasting = {id_: rows for id_, rows in self._found.items() if rows[-1][0] - rows[0][0] >= shortest_s}
        heaviest = sorted(lasting, key=lambda id_: -sum(region.weight for _, region in lasting[id_]))
        return tuple(_track(id_, lasting[id_]) for id_ in heaviest[:_MOST_TRACKS])


def _track(id_: int, rows: list[tuple[float, Region]]) -> RegionTrack:
    return RegionTrack(
        id_,
        tuple(round(time_s, 6) for time_s, _ in rows),
        tuple(round(region.peak_yaw_deg, 2) for _, region in rows),
        tuple(round(region.peak_pitch_deg, 2) for _, region in rows),
        tuple(round(region.weight, 4) for _, region in rows),
    )
