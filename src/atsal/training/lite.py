"""Train the `lite` weights from raw data: `python -m atsal.training.lite configs/lite.yaml --data DATA -o OUT`.

The stages, in order: the equator expert on photographs; the poles expert from it, on photographs turned any way; the
attention stream on panoramas and frames with head directions; the exponents of the fusion. The last two are
cross-validated over the frames with head directions, so that no score comes from a frame its model has seen.
Finished experts are kept in OUT/experts.safetensors and taken up again by a second run.
"""

import dataclasses
import datetime
import itertools
import json
import platform
import time
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from atsal.aside import reported, write_aside
from atsal.config import read_yaml
from atsal.datasets.avtrack360 import DATASET as AVTRACK360
from atsal.errors import AtsalError, ConfigError
from atsal.evaluation.metrics import auc_judd, auc_shuffled, cc, information_gain, nss
from atsal.models.atsal import ATSal, product
from atsal.models.bundle import write_bundle
from atsal.models.config import ModelConfig
from atsal.models.lite import LiteAttention, LiteExpert
from atsal.projection import resize_erp, solid_angle_weights
from atsal.training.attention import AttentionStage, expert_consensus, start_from_expert, teacher_maps, train_attention
from atsal.training.experts import ExpertStage, train_expert
from atsal.training.losses import kld_cc
from atsal.training.panoramas import HeadFrames, latitude_profile, read_head_frames, read_panoramas, spherical_density
from atsal.training.photos import Photos, read_photo_sets
from atsal.training.schedule import Report
from atsal.video.maps import write_map_npy

EXPONENTS = (0.25, 0.5, 0.75, 1.0, 1.25)
STREAMS = ("prior", "attention", "experts", "experts x prior", "fused")


@dataclass(frozen=True)
class Recipe:
    """One YAML: everything the weights depend on beside the data."""

    seed: int
    photo_sets: tuple[str, ...]
    validation_photos: int
    model: ModelConfig
    equator: ExpertStage
    poles: ExpertStage
    attention: AttentionStage
    averaging: float
    target_sigma_deg: float
    excluded_frames: tuple[str, ...]
    folds: int


@click.command()
@click.argument("config", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), required=True)
def main(config: Path, data: Path, output: Path) -> None:
    """Train all stages and write the weight folder OUTPUT/lite."""
    try:
        train(read_yaml(Recipe, config), data, output)
    except (AtsalError, OSError) as error:
        raise click.ClickException(str(error)) from error


def train(recipe: Recipe, data: Path, output: Path) -> None:
    """Train all stages on `data` and write `output/lite`, `output/scores.json` and `output/experts.safetensors`."""
    output.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()

    def report(line: str) -> None:
        click.echo(f"{time.monotonic() - started:6.0f} s  {line}")

    torch.manual_seed(recipe.seed)
    equator, poles = train_experts(recipe, data, output, report)
    frames = read_head_frames(data / "avtrack360", recipe.excluded_frames, recipe.model.map_height)
    panoramas = read_panoramas(data / "panoramas")
    model, maps = train_attention_and_fusion(recipe, equator, poles, frames, panoramas, report)
    scores = score_streams(maps, frames, recipe.target_sigma_deg)
    report(table(scores))
    write_held_out(output / "held_out", maps, frames.names)
    with write_aside(output / "scores.json") as part:
        part.write_text(json.dumps({"frames": frames.names, "scores": scores}, indent=1))
    parts = {name: getattr(model, name).state_dict() for name in ("attention", "poles", "equator")}
    provenance = {
        "recipe": json.loads(json.dumps(dataclasses.asdict(recipe))),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "torch": torch.__version__,
        "machine": platform.processor() or platform.machine(),
        "held_out": {name: mean(values) for name, values in scores.items()},
        "trained_on": {
            "attention": {AVTRACK360.name: frames.names},
            "experts": {},
        },  # 360° items, for `atsal benchmark`
    }
    report(f"written to {write_bundle(output / 'lite', model.config, parts, provenance, overwrite=True)}")


def train_experts(recipe: Recipe, data: Path, output: Path, report: Report) -> tuple[LiteExpert, LiteExpert]:
    """Train both experts, or take up those that an earlier run of the same recipe left in `output`."""
    kept, recipe_text = output / "experts.safetensors", expert_recipe(recipe)
    if kept.exists():
        report(f"experts taken up from {kept}")
        return load_experts(kept, recipe_text)
    equator, poles = LiteExpert(), LiteExpert()
    photos = read_photo_sets(data / "fixations2d", list(recipe.photo_sets))
    training, held_out = split_photos(photos, recipe.validation_photos, recipe.seed)
    report(f"{len(training)} photos for training, {len(held_out)} held out; equator expert")
    equator = train_expert(equator, training, held_out, recipe.equator, recipe.seed, report)
    report("poles expert")
    poles.load_state_dict(equator.state_dict())
    poles = train_expert(poles, training, held_out, recipe.poles, recipe.seed + 1, report)
    for model in (equator, poles):
        torch.nn.init.constant_(model.average.alpha, float(np.log(recipe.averaging / (1 - recipe.averaging))))
    named = {"equator": equator, "poles": poles}
    tensors = {f"{n}.{k}": v.contiguous() for n, m in named.items() for k, v in m.state_dict().items()}
    with reported(kept), write_aside(kept) as part:
        save_file(tensors, part, {"recipe": recipe_text})
    return equator, poles


def expert_recipe(recipe: Recipe) -> str:
    """What the experts depend on, as one line of JSON."""
    parts = ("seed", "photo_sets", "validation_photos", "equator", "poles", "averaging")
    values = dataclasses.asdict(recipe)
    return json.dumps({part: values[part] for part in parts}, sort_keys=True)


def load_experts(file: Path, recipe_text: str) -> tuple[LiteExpert, LiteExpert]:
    """The equator and the poles expert of a file, if the same recipe made them; `ConfigError` if another did."""
    with safe_open(file, framework="pt") as kept:
        made_by = (kept.metadata() or {}).get("recipe")
        tensors = {key: kept.get_tensor(key) for key in kept.keys()}  # noqa: SIM118 - no mapping
    if made_by != recipe_text:
        raise ConfigError(
            f"{file}: made by another recipe ({made_by}); expected {recipe_text}. Delete it to train anew, or give "
            "another output folder"
        )
    experts = []
    for name in ("equator", "poles"):
        model = LiteExpert()
        model.load_state_dict({k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")})
        experts.append(model.eval())
    return experts[0], experts[1]


def split_photos(photos: Photos, count: int, seed: int) -> tuple[Photos, Photos]:
    """Hold out `count` photos, never of `isun` (which has near-duplicates and no licence)."""
    order = np.random.default_rng(seed).permutation(len(photos))
    eligible = [i for i in order if not photos.names[i].startswith("isun/")]
    held_out = set(eligible[:count])
    return photos.subset(np.array([i for i in order if i not in held_out])), photos.subset(np.array(eligible[:count]))


def train_attention_and_fusion(
    recipe: Recipe, equator: LiteExpert, poles: LiteExpert, frames: HeadFrames, panoramas: Tensor, report: Report
) -> tuple[ATSal, dict[str, Tensor]]:
    """Train the attention stream once without each fold and once on everything, and choose the exponents.

    The exponents of a fold come from the held-out maps of the other folds; the model's, from all of them. Returns the
    model and, for each stream, the map of each frame (N, 1, h, 2h) by the models that did not see it.
    """
    stage, densities = recipe.attention, frames.densities(recipe.target_sigma_deg)
    count = len(frames.names)
    fold_of = np.random.default_rng(recipe.seed).permutation(count) % recipe.folds
    streams, priors = torch.zeros(2, count, *densities.shape[1:]), torch.zeros_like(densities)
    consensus = expert_consensus(ATSal(recipe.model, LiteAttention(), poles, equator).eval(), panoramas)
    for fold in range(recipe.folds + 1):  # the last one holds nothing out
        seen = torch.from_numpy(np.flatnonzero(fold_of != fold))
        report(f"attention stream {fold + 1} of {recipe.folds + 1}, on {len(seen)} frames with head directions")
        profile = latitude_profile(densities[seen])
        attention = start_from_expert(equator, profile, recipe.model.erp_height)
        taught = panoramas, teacher_maps(consensus, profile, stage.map_height)
        measured = frames.images[seen], spherical_density(resize_erp(densities[seen], stage.map_height))
        attention = train_attention(attention, taught, measured, stage, recipe.seed, report)
        model = ATSal(recipe.model, attention, poles, equator).eval()
        with torch.no_grad():
            for index in np.flatnonzero(fold_of == fold):
                prediction = model(frames.images[index][None].float())
                streams[0, index], streams[1, index] = prediction.attention[0], prediction.experts[0]
                priors[index] = profile[:, None]
    exponents = [choose_exponents(streams[:, fold_of != fold], densities[fold_of != fold]) for fold in fold_of]
    fused = torch.stack([product(streams[0, i], streams[1, i], *chosen) for i, chosen in enumerate(exponents)])
    maps = dict(zip(STREAMS, (priors, streams[0], streams[1], streams[1] * priors, fused), strict=True))
    a, b = choose_exponents(streams, densities)
    report(f"exponents: attention {a}, experts {b}; of the folds: {sorted(set(exponents))}")
    model.config = dataclasses.replace(recipe.model, attention_exponent=a, experts_exponent=b)
    return model, maps


def write_held_out(folder: Path, maps: dict[str, Tensor], names: list[str]) -> None:
    """Write each stream's held-out maps as `folder/<stream>/<frame>.npy`, for `atsal evaluate`."""
    for stream, values in maps.items():
        (folder / stream).mkdir(parents=True, exist_ok=True)
        for name, saliency in zip(names, values, strict=True):
            write_map_npy(folder / stream / f"{name}.npy", saliency[0].numpy())


def score_streams(maps: dict[str, Tensor], frames: HeadFrames, sigma_deg: float) -> dict[str, list[dict[str, float]]]:
    """For each stream the scores of each frame."""
    densities = frames.densities(sigma_deg)
    return {
        name: [score(m, i, densities, frames, maps["prior"]) for i, m in enumerate(values)]
        for name, values in maps.items()
    }


def choose_exponents(streams: Tensor, densities: Tensor) -> tuple[float, float]:
    """The exponents of the product with the smallest KLD - CC on maps (2, N, 1, H, 2H)."""
    weights = solid_angle_weights(densities.shape[-2]).float()

    def loss(exponents: tuple[float, float]) -> float:
        return kld_cc(product(streams[0], streams[1], *exponents), densities, weights).item()

    return min(itertools.product(EXPONENTS, EXPONENTS), key=loss)


def score(saliency: Tensor, index: int, densities: Tensor, frames: HeadFrames, priors: Tensor) -> dict[str, float]:
    """Scores of one frame's map against its own head samples, and against the prior."""
    weights = solid_angle_weights(saliency.shape[-2]).numpy()
    prediction, target, prior = (m[0].numpy() for m in (saliency, densities[index], priors[index]))
    fixations = frames.counts[index]
    others = frames.counts[np.arange(len(frames.counts)) != index].sum(0)
    return {
        "cc": cc(target, prediction, weights=weights),
        "nss": nss(prediction, fixations, weights=weights),
        "auc_judd": auc_judd(prediction, fixations, weights=weights),
        "auc_shuffled": auc_shuffled(prediction, fixations, others),
        "information_gain": information_gain(prediction, prior, fixations, weights=weights),
    }


def mean(scores: list[dict[str, float]]) -> dict[str, float]:
    """The mean of each score over frames."""
    return {name: round(float(np.mean([s[name] for s in scores])), 4) for name in scores[0]}


def table(scores: dict[str, list[dict[str, float]]]) -> str:
    """A table of mean scores, one stream a line."""
    means = {name: mean(values) for name, values in scores.items()}
    head = f"{'held-out frames':18s}" + "".join(f"{column:>18s}" for column in means["fused"])
    return "\n".join([head, *(f"{name:18s}" + "".join(f"{v:18.3f}" for v in m.values()) for name, m in means.items())])


if __name__ == "__main__":
    main()
