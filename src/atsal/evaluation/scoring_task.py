"""The scoring of one item by one predictor, as a worker does it: its scores are written with what they depend on."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from atsal.errors import DataError, OutputError
from atsal.evaluation.ground_truth import open_truth
from atsal.evaluation.map_files import MapFiles
from atsal.evaluation.priors import Others, open_pooled
from atsal.evaluation.protocol import Protocol
from atsal.evaluation.results import ItemScores
from atsal.evaluation.scoring import score_item, score_viewers
from atsal.evaluation.window_maps import WindowMaps
from atsal.jobs.atomic_write import output_errors, write_json
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import read_object
from atsal.untrusted.text import describe_failure, shorten_list

_SCORING = 3  # raised when the same maps and gaze get other scores


@dataclass(frozen=True)
class Task:
    """One item by one row: all that a worker needs."""

    row: str
    item: str
    files: MapFiles | None  # None: the viewers
    repeats: int
    seed: int
    prepared: Path
    source: Path
    protocol: Protocol
    without: frozenset[str]  # items whose record or gaze cannot be read
    pooled: Path
    truth: str  # fingerprint
    target: Path

    @cached_property
    def fingerprint(self) -> str:
        """Of everything that the scores depend on; kept from when it was first asked for, before scoring."""
        maps: Any = [self.repeats, self.seed] if self.files is None else self.files.fingerprint()
        parts = [_SCORING, self.truth, self.item, self.files is None, maps]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def run_task(task: Task) -> str | None:
    """Score one item and write the scores; returns why its maps cannot be used."""
    truth = open_truth(task.prepared, task.source, task.protocol, task.without, task.truth)
    try:
        fingerprint = task.fingerprint  # before scoring: maps that change meanwhile are not taken for these
        others = Others(truth, open_pooled(task.pooled, task.truth), task.item)
        if task.files is None:
            scores = score_viewers(truth, task.item, others, task.repeats, task.seed)
        else:
            maps = WindowMaps(truth, task.item, task.files)
            scores = score_item(truth, task.item, others, maps)
            scores = replace(scores, notes=maps.notes)
    except OutputError:
        raise
    except Exception as error:  # also what no reader foresaw: the other items go on
        return describe_failure(error)
    with output_errors(task.target):
        task.target.parent.mkdir(parents=True, exist_ok=True)
    write_json(task.target, {"fingerprint": fingerprint, **scores.to_json()})
    return None


def kept(task: Task) -> ItemScores | None:
    """The scores of an earlier run, if they are of the same maps, gaze and settings, and by all of the metrics."""
    try:
        document = read_object(task.target, ErrorFactory(DataError, task.target, "score it again"))
        if document["fingerprint"] != task.fingerprint:
            return None
        scores = ItemScores.from_json(document)
        return scores if scores.item == task.item and set(scores.by_window) == set(task.protocol.metrics) else None
    except (DataError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def refuse_other_scores(todo: Sequence[Task], *, overwrite: bool) -> None:
    """Scores of other maps, gaze or settings, where new ones are to go, are replaced only when that was asked for."""
    others = [task for task in todo if task.target.exists()]
    if others and not overwrite:
        raise OutputError(
            f"{others[0].target.parent}: holds scores of other maps, gaze or settings "
            f"({shorten_list([task.item for task in others])}); give --overwrite to score anew, or choose another "
            "output folder"
        )
