"""The models of a benchmark: with one fusion, or one for each fold of the items; and what they have seen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atsal.errors import DataError
from atsal.evaluation.benchmark_config import PredictorEntry
from atsal.evaluation.ground_truth import GroundTruth
from atsal.evaluation.protocol import Protocol
from atsal.models.directions import direction_for_gaze
from atsal.models.fusion_folds import read_fusion_folds
from atsal.models.loading import find_weights
from atsal.models.seen_items import Seen, seen_by_fusion, seen_by_layers, seen_by_prior
from atsal.models.weight_folder import WeightFolder
from atsal.prediction.predictor import Predictor, load_model
from atsal.untrusted.text import shorten_list


def load_predictors(entry: PredictorEntry, truth: GroundTruth) -> dict[str, Predictor]:
    """The model for each scored item: the same for all, or with the fusion that was chosen without the item."""
    bundle = find_weights(entry.model or "")
    if entry.fusion is None:
        return dict.fromkeys(truth.items, _load_predictor(bundle, entry, truth.protocol))
    folds = read_fusion_folds(Path(entry.fusion))
    loaded: dict[str, Predictor] = {}
    for items, own_bundle in folds.bundles(bundle):
        predictor = _load_predictor(own_bundle, entry, truth.protocol)
        loaded |= dict.fromkeys(items, predictor)
    missing = [item for item in truth.items if item not in loaded]
    if folds.dataset != truth.prepared.dataset.name or missing:
        raise DataError(
            f"{entry.fusion}: has settings for items of {folds.dataset}, and none for {shorten_list(missing)} of "
            f"{truth.prepared.dataset.name}; run `atsal weights fuse --folds` on {truth.prepared.folder}"
        )
    if predictor.network.direction != folds.direction:
        raise DataError(
            f"{entry.fusion}: was chosen for direction {folds.direction}, not {predictor.network.direction}"
        )
    return loaded


def _load_predictor(bundle: WeightFolder, entry: PredictorEntry, protocol: Protocol) -> Predictor:
    """The model; if it has directions, that of the gaze unless the entry chooses one."""
    measured = direction_for_gaze(protocol.direction) if bundle.config.directions is not None else "head_eye"
    return load_model(
        bundle,
        device=entry.device,
        face_size=entry.face_size,
        procedure=entry.procedure,
        direction=entry.direction or measured,
        front_deg=entry.front_deg,
    )


def seen_by_stream(entry: PredictorEntry, provenance: Mapping[str, Any]) -> dict[str, list[Seen]]:
    """What the map of each stream knows. A fusion by folds was chosen without the item, so only its prior counts."""
    fusion = seen_by_fusion(provenance)
    if entry.fusion is not None:
        sources = read_fusion_folds(Path(entry.fusion)).prior_sources
        fusion = list(seen_by_prior((source.name, source.used) for source in sources))
    return {stream: [*seen_by_layers(provenance, stream), *fusion] for stream in entry.streams}
