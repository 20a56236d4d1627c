"""`atsal weights`: list, download, import and fuse weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atsal.cli.console import output_options, print_line, print_table, print_warning
from atsal.cli.parameters import DIRECTION, MODELS, PATH, Number, complete_names, overwrite_option, refuse_existing
from atsal.errors import ConfigError

if TYPE_CHECKING:
    from atsal.training.config import SourceConfig
    from atsal.training.fusion import Choice


@click.group()
def weights() -> None:
    """List, download, import and fuse weights."""


@weights.command("list")
def weights_list() -> None:
    """List the models, and the published checkpoints that can be downloaded."""
    from atsal.models.architecture import architecture_names, find_architecture  # noqa: PLC0415
    from atsal.models.loading import weights_home, weights_path  # noqa: PLC0415
    from atsal.models.published_weights import MIB, PUBLISHED  # noqa: PLC0415

    models = [
        (architecture.name, architecture.summary, "yes" if weights_path(architecture).exists() else "no")
        for architecture in map(find_architecture, architecture_names())
    ]
    checkpoints = []
    for entry in PUBLISHED:
        is_here = (weights_home() / "published" / entry.filename).exists()
        size = f"{entry.sizes[0] / MIB:.0f}"
        checkpoints.append((entry.name, entry.kind, size, entry.trained_on, "yes" if is_here else "no"))
    print_table({"model": {}, "description": {}, "installed": {}}, models)
    print_line("")
    print_table({title: {} for title in ("checkpoint", "network", "MiB", "trained on", "downloaded")}, checkpoints)


@weights.command("info")
@click.argument("model", default="lite", shell_complete=complete_names(*MODELS))
def weights_info(model: str) -> None:
    """Show settings, origin and checksums of weights, as JSON.

    MODEL is the name of a model or of a published checkpoint, or a weight folder.
    """
    import dataclasses  # noqa: PLC0415
    import json  # noqa: PLC0415

    from atsal.models.loading import find_weights  # noqa: PLC0415
    from atsal.models.published_weights import PUBLISHED  # noqa: PLC0415

    for entry in PUBLISHED:
        if entry.name == model:
            click.echo(json.dumps(dataclasses.asdict(entry) | {"page": entry.page}, indent=2))
            return
    bundle = find_weights(model)
    document = {
        "folder": str(bundle.folder),
        "sha256": bundle.checksum,
        "files": dict(bundle.checksums),
        "config": bundle.config.to_dict(),
        "provenance": bundle.provenance,
    }
    click.echo(json.dumps(document, indent=2, default=str))


@weights.command("download")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Download all published checkpoints.")
@click.option("-o", "--output", type=PATH, help="Folder.  [default: published/ in the weights folder]")
@output_options
def weights_download(names: tuple[str, ...], everything: bool, output: Path | None) -> None:
    """Download published checkpoints by their NAMES (see `atsal weights list`).

    The same command again resumes an interrupted download.
    """
    from atsal.models.loading import weights_home  # noqa: PLC0415
    from atsal.models.published_weights import PUBLISHED, download, find_published  # noqa: PLC0415

    if not names and not everything:
        raise ConfigError("nothing to download: give names from `atsal weights list`, or --all")
    entries = list(PUBLISHED) if everything else [find_published(name) for name in names]
    for entry in entries:
        print_line(download(entry, output or weights_home() / "published"))


@weights.command("import")
@click.option("--attention", required=True, type=PATH, help="Checkpoint of the attention stream.")
@click.option("--poles", required=True, type=PATH, help="Checkpoint of the poles expert.")
@click.option("--equator", required=True, type=PATH, help="Checkpoint of the equator expert.")
@click.option("-o", "--output", type=PATH, help="Weight folder to write.  [default: where --model paper looks]")
@click.option("--face-size", type=int, default=160, help="160 (the paper) or 256 (the released test code).")
@overwrite_option
@output_options
def weights_import(output: Path | None, **values: Any) -> None:
    """Convert three published checkpoints to a weight folder that every command can use."""
    from atsal.models.loading import weights_home  # noqa: PLC0415
    from atsal.models.published_weights import import_published  # noqa: PLC0415
    from atsal.models.weight_folder import read_weight_folder  # noqa: PLC0415

    folder = import_published(folder=output or weights_home() / "paper", **values)
    print_warning(*(f"note: {note}" for note in read_weight_folder(folder).provenance.get("notes", [])))
    print_line(folder)


@weights.command("fuse")
@click.argument("model", shell_complete=complete_names(*MODELS))
@click.argument("prepared", type=PATH)
@click.option("-o", "--output", required=True, type=PATH, help="Weight folder to write.")
@click.option("--exclude", multiple=True, help="Leave out this item; may be given several times.")
@click.option("--direction", type=DIRECTION, help="What the gaze is the direction of.  [default: as prepared]")
@click.option(
    "--head-eye",
    type=(Number(min=0), Number(min=0)),
    metavar="EXPONENT DEGREES",
    help="For a set with head directions only: exponent and smoothing of the map of gaze.  [default: 1 5]",
)
@click.option("--prior", type=PATH, help="A front prior of `atsal weights front`.  [default: the packaged one]")
@click.option("--half", is_flag=True, help="Store the kernels in half precision.")
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    help="Choose anew without each of N folds of the items, and write the settings to OUTPUT.json, for a benchmark.",
)
@overwrite_option
@output_options
def weights_fuse(
    model: str,
    prepared: Path,
    output: Path,
    exclude: tuple[str, ...],
    prior: Path | None,
    folds: int | None,
    **how: Any,
) -> None:
    """Fit the fusion of MODEL to the gaze in PREPARED, a prepared set of 360° images or videos.

    MODEL is lite, or a weight folder of its architecture. Sharpness and strengths of the prior are chosen for the least
    KLD - CC.
    """
    from atsal.models.front_prior_file import FRONT_PRIOR  # noqa: PLC0415
    from atsal.training.config import SourceConfig  # noqa: PLC0415
    from atsal.training.fusion import fuse  # noqa: PLC0415

    source = SourceConfig(prepared=str(prepared), exclude=exclude)
    if folds is not None:
        _fuse_folds(model, source, output, prior or FRONT_PRIOR, folds, how)
        return
    _print_choice(fuse(model, source, output, prior=prior or FRONT_PRIOR, **how))
    print_line(output)


def _fuse_folds(model: str, source: "SourceConfig", output: Path, prior: Path, folds: int, how: dict[str, Any]) -> None:
    from atsal.training.fusion_folds import choose_folds  # noqa: PLC0415

    if how["half"] or how["head_eye"] is not None:
        raise ConfigError("--folds writes settings and no weights: leave out --half and --head-eye")
    if output.suffix != ".json":
        raise ConfigError(f"{output}: expected a name ending in .json, for the settings of the folds")
    refuse_existing(output, how["overwrite"])
    for fold, choice in enumerate(
        choose_folds(model, source, output, folds=folds, direction=how["direction"], prior=prior)
    ):
        print_line(f"without fold {fold}:")
        _print_choice(choice)
    print_line(output)


def _print_choice(chosen: "Choice") -> None:
    print_line(
        f"(attention ** {chosen.share:g} * experts ** {1 - chosen.share:g}) ** {chosen.exponent:g}, smoothed by "
        f"{chosen.smoothing_deg:g}°, the prior's latitudes to the power {chosen.latitude_strength:g}, its front "
        f"to {chosen.front_strength:g}: KLD - CC {chosen.loss:.4f}"
    )
    for name in chosen.on_edge():
        value = getattr(chosen, name)
        print_warning(f"note: {name} {value:g} is the last value that was tried; one beyond it may be better")


@weights.command("front")
@click.argument("logs", nargs=-1, required=True, type=PATH)
@click.option("--latitude", "latitudes", multiple=True, type=PATH, help="A log of which only latitudes are used.")
@click.option("--licence", "licences", multiple=True, help="NAME=TEXT: the licence of the data in the table NAME.")
@click.option("-o", "--output", required=True, type=PATH, help="File to write, as front-prior.json.")
@overwrite_option
@output_options
def weights_front(
    logs: tuple[Path, ...], latitudes: tuple[Path, ...], licences: tuple[str, ...], output: Path, overwrite: bool
) -> None:
    """Fit the front prior to LOGS of head directions, one per data set, with equal weight.

    A log is a table (.csv, .csv.gz, .parquet) with the columns video, viewer, t_s, lon_deg and lat_deg, or the head
    rotations of AVTrack360. With several, the gain on each of a prior fitted on the others is printed.
    """
    from atsal.models.front_prior_file import write_front_priors  # noqa: PLC0415
    from atsal.training.fit_front_prior import fit_priors, held_out_gains  # noqa: PLC0415
    from atsal.training.head_logs import read_head_logs  # noqa: PLC0415

    refuse_existing(output, overwrite)
    read = read_head_logs(logs, latitudes, dict(map(_parse_licence, licences)))
    if len(logs) > 1:
        print_line("gain over latitude alone in bits per look, fitted on the other sets: all, before 4 s, from 4 s on")
        for name, gains in held_out_gains(read):
            print_line(f"{name}: " + ", ".join(f"{gain:.3f}" for gain in gains))
    write_front_priors(output, fit_priors(read))
    print_line(output)


def _parse_licence(option: str) -> tuple[str, str]:
    name, equals, text = option.partition("=")
    if not name or not equals or not text:
        raise ConfigError(f"--licence {option}: expected NAME=TEXT, as nasrabadi=MIT")
    return name, text
