"""The scoring of one item by one predictor, as a worker does it, and the files that keep its scores."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from atsal.errors import DataError, OutputError
from atsal.evaluation.map_files import MapFiles
from atsal.evaluation.metric_registry import metric_named
from atsal.evaluation.priors import GroundTruthFiles, OtherItems
from atsal.evaluation.results import ItemScores
from atsal.evaluation.scoring import score_item, score_viewers
from atsal.evaluation.window_maps import WindowMaps
from atsal.jobs.atomic_write import output_errors, write_json
from atsal.jobs.engine import Report
from atsal.jobs.workers import on_one_thread
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import read_object
from atsal.untrusted.text import describe_failure, shorten_list

_SCORING = 3  # raise it when the same maps and gaze get other scores by all metrics


class KeptScores(NamedTuple):
    """The scores of an earlier run, and the version of each metric that computed them."""

    scores: ItemScores
    versions: dict[str, int]

    def missing(self, metrics: Sequence[str]) -> list[str]:
        """Return the metrics that have no scores, or only those of another version."""
        return [name for name in metrics if self.versions.get(name) != metric_named(name).version]


@dataclass(frozen=True)
class ScoringTask:
    """One item by one predictor: all that a worker needs."""

    predictor: str  # its name in tables
    item: str
    maps: MapFiles | None  # None: the viewers
    truth: GroundTruthFiles
    target: Path  # the file of the scores
    repeats: int  # of the viewers: random halves
    seed: int

    @property
    def metrics(self) -> tuple[str, ...]:
        """Those of the protocol."""
        return self.truth.protocol.metrics

    @cached_property
    def fingerprint(self) -> str:
        """A checksum of all that the scores depend on beside the metrics, computed on first use."""
        maps: object = [self.repeats, self.seed] if self.maps is None else self.maps.fingerprint()
        parts = [_SCORING, self.truth.fingerprint, self.item, self.maps is None, maps]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def kept_scores(self) -> KeptScores | None:
        """Read the scores of an earlier run; None if there are none, or if they are of other maps, gaze or settings."""
        try:
            document = read_object(self.target, ErrorFactory(DataError, self.target, "score it again"))
            kept = KeptScores(ItemScores.from_json(document), dict(document["versions"]))
            same = document["fingerprint"] == self.fingerprint and kept.scores.item == self.item
            return kept if same and kept.versions.keys() == kept.scores.by_window.keys() else None
        except (DataError, OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def complete_scores(self) -> ItemScores | None:
        """Read the kept scores by the metrics of the protocol; None if the score by one of them is missing."""
        kept = self.kept_scores()
        if kept is None or kept.missing(self.metrics):
            return None
        return replace(kept.scores, by_window={name: kept.scores.by_window[name] for name in self.metrics})

    @on_one_thread()
    def run(self, _report: Report) -> str | None:
        """Compute the scores that are not kept and write all of them; return why that is impossible, or None."""
        try:
            fingerprint = self.fingerprint  # before scoring, so that maps that change meanwhile do not count as these
            kept = self.kept_scores()
            missing = list(self.metrics) if kept is None else kept.missing(self.metrics)
            scores = self._score(missing)
        except OutputError:
            raise
        except Exception as error:  # even an error that no reader expects must not stop the other items
            return describe_failure(error)
        versions = {name: metric_named(name).version for name in missing}
        if kept is not None:
            scores = replace(scores, by_window={**kept.scores.by_window, **scores.by_window})
            versions = kept.versions | versions
        with output_errors(self.target):
            self.target.parent.mkdir(parents=True, exist_ok=True)
        write_json(self.target, {"fingerprint": fingerprint, "versions": versions, **scores.to_json()})
        return None

    def _score(self, metrics: Sequence[str]) -> ItemScores:
        truth, pooled = self.truth.open()
        others = OtherItems(truth, pooled, self.item)
        if self.maps is None:
            return score_viewers(truth, self.item, others, self.repeats, self.seed, metrics)
        maps = WindowMaps(truth, self.item, self.maps)
        scores = score_item(truth, self.item, others, maps, metrics)
        return replace(scores, notes=maps.notes)


def refuse_other_scores(tasks: Sequence[ScoringTask], *, overwrite: bool) -> None:
    """Raise `OutputError` if files hold scores of other maps, gaze or settings and `overwrite` is off."""
    others = [task for task in tasks if task.target.exists() and task.kept_scores() is None]
    if others and not overwrite:
        raise OutputError(
            f"{others[0].target.parent}: holds scores of other maps, gaze or settings "
            f"({shorten_list([task.item for task in others])}); give --overwrite to score anew, or choose another "
            "output folder"
        )
