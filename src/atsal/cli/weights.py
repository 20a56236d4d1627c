"""`atsal weights`: find, download, import and fuse weights. What needs torch is imported inside the commands."""

from pathlib import Path
from typing import Any

import click

from atsal.cli.parameters import DIRECTION, PATH, Number
from atsal.cli.saying import say
from atsal.errors import ConfigError


@click.group()
def weights() -> None:
    """Find, download, import and fuse weights."""


@weights.command("list")
def weights_list() -> None:
    """List the models, and the published checkpoints that can be downloaded."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    from atsal.models.published_weights import MIB, PUBLISHED  # noqa: PLC0415
    from atsal.models.registry import NAMES, weights_home  # noqa: PLC0415

    models = Table("model", "what it is", "here", box=None)
    for name, text in NAMES.items():
        models.add_row(name, text, "yes" if name == "lite" or (weights_home() / name).exists() else "no")
    checkpoints = Table("checkpoint", "network", "MiB", "trained on", "here", box=None)
    for entry in PUBLISHED:
        here = (weights_home() / "published" / entry.filename).exists()
        size = f"{entry.sizes[0] / MIB:.0f}"
        checkpoints.add_row(entry.name, entry.kind, size, entry.trained_on, "yes" if here else "no")
    console = Console()
    console.print(models)
    console.print()
    console.print(checkpoints)


@weights.command("info")
@click.argument("model", default="lite")
def weights_info(model: str) -> None:
    """Show what weights are. MODEL is a model's name, a weight folder, or a published checkpoint's name."""
    import dataclasses  # noqa: PLC0415
    import json  # noqa: PLC0415

    from atsal.models.published_weights import PUBLISHED  # noqa: PLC0415
    from atsal.models.registry import find_bundle  # noqa: PLC0415

    for entry in PUBLISHED:
        if entry.name == model:
            click.echo(json.dumps(dataclasses.asdict(entry) | {"page": entry.page}, indent=2))
            return
    bundle = find_bundle(model)
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
@click.option("--all", "everything", is_flag=True, help="All published checkpoints.")
@click.option("-o", "--output", type=PATH, help="Folder.  [default: published/ in the weights folder]")
def weights_download(names: tuple[str, ...], everything: bool, output: Path | None) -> None:
    """Download published checkpoints by NAME (see `atsal weights list`); a broken download is taken up again."""
    from atsal.models.published_weights import PUBLISHED, download, published  # noqa: PLC0415
    from atsal.models.registry import weights_home  # noqa: PLC0415

    if not names and not everything:
        raise ConfigError("nothing to download: give names from `atsal weights list`, or --all")
    entries = list(PUBLISHED) if everything else [published(name) for name in names]
    for entry in entries:
        say(download(entry, output or weights_home() / "published"))


@weights.command("import")
@click.option("--attention", required=True, type=PATH, help="Checkpoint of the attention stream.")
@click.option("--poles", required=True, type=PATH, help="Checkpoint of the poles expert.")
@click.option("--equator", required=True, type=PATH, help="Checkpoint of the equator expert.")
@click.option("-o", "--output", type=PATH, help="Weight folder to write.  [default: where --model paper looks]")
@click.option("--face-size", type=int, default=160, show_default=True, help="160 (paper) or 256 (released test code).")
@click.option("--overwrite", is_flag=True, help="Replace an existing weight folder.")
def weights_import(output: Path | None, **values: Any) -> None:
    """Turn three published checkpoints into a weight folder that every command opens."""
    from atsal.models.registry import weights_home  # noqa: PLC0415
    from atsal.models.weight_folder import import_published, read_bundle  # noqa: PLC0415

    folder = import_published(folder=output or weights_home() / "paper", **values)
    for note in read_bundle(folder).provenance.get("notes", []):
        say(f"note: {note}")
    say(folder)


@weights.command("fuse")
@click.argument("model")
@click.argument("prepared", type=PATH)
@click.option("-o", "--output", required=True, type=PATH, help="Weight folder to write.")
@click.option("--exclude", multiple=True, help="An item to leave out; may be given several times.")
@click.option(
    "--direction",
    type=DIRECTION,
    help="What the gaze of the set is of.  [default: as it was prepared]",
)
@click.option(
    "--head-eye",
    type=(Number(min=0), Number(min=0)),
    metavar="EXPONENT DEGREES",
    help="Exponent and smoothing of the map of gaze, for a set that has head directions alone.  [1 5]",
)
@click.option(
    "--prior", type=PATH, help="The front prior, a file that `atsal weights front` wrote.  [default: the packaged one]"
)
@click.option("--half", is_flag=True, help="Store the kernels in half precision.")
@click.option("--overwrite", is_flag=True, help="Replace an existing weight folder.")
def weights_fuse(
    model: str, prepared: Path, output: Path, exclude: tuple[str, ...], prior: Path | None, **how: Any
) -> None:
    """Choose the fusion of MODEL, a name or a weight folder of lite, on the set PREPARED of 360° images or videos.

    Chosen are the sharpness and the strengths of the prior with the least KLD - CC.
    """
    from atsal.models.front_prior_file import FRONT_PRIOR  # noqa: PLC0415
    from atsal.training.config import SourceConfig  # noqa: PLC0415
    from atsal.training.fusion import fuse  # noqa: PLC0415

    source = SourceConfig(prepared=str(prepared), exclude=exclude)
    chosen = fuse(model, source, output, prior=prior or FRONT_PRIOR, **how)
    say(
        f"(attention ** {chosen.share:g} * experts ** {1 - chosen.share:g}) ** {chosen.exponent:g}, smoothed by "
        f"{chosen.smoothing_deg:g}°, the prior's latitudes to the power {chosen.latitude_strength:g}, its front "
        f"to {chosen.front_strength:g}: KLD - CC {chosen.loss:.4f}"
    )
    for name in chosen.on_edge():
        say(f"note: {name} {getattr(chosen, name):g} is at the edge of what was tried; one beyond may be better")
    say(output)


@weights.command("front")
@click.argument("logs", nargs=-1, required=True, type=PATH)
@click.option("--latitude", "latitudes", multiple=True, type=PATH, help="More logs, of which latitudes alone are used.")
@click.option("--licence", "licences", multiple=True, help="NAME=TEXT: the licence of a table's data, by its name.")
@click.option("-o", "--output", required=True, type=PATH, help="File to write, as front-prior.json.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
def weights_front(
    logs: tuple[Path, ...], latitudes: tuple[Path, ...], licences: tuple[str, ...], output: Path, overwrite: bool
) -> None:
    """Fit the front prior to LOGS of head directions, one a set, which count the same.

    A log is a table (.csv, .csv.gz, .parquet) of the columns video, viewer, t_s, lon_deg and lat_deg, or the head
    rotations of AVTrack360. With several, the gain on each of what is fitted on the others is printed.
    """
    from atsal.models.front_prior_file import write_front_priors  # noqa: PLC0415
    from atsal.training.fit_front_prior import fit_priors, held_out_gains  # noqa: PLC0415
    from atsal.training.head_logs import read_head_logs  # noqa: PLC0415

    if output.exists() and not overwrite:
        raise ConfigError(f"{output}: is there already; give another name or --overwrite")
    read = read_head_logs(logs, latitudes, dict(map(_named, licences)))
    if len(logs) > 1:
        say("bits a look over latitude alone, of the prior fitted on the other sets: all, before 4 s, from 4 s on")
        for name, gains in held_out_gains(read):
            say(f"{name}: " + ", ".join(f"{gain:.3f}" for gain in gains))
    write_front_priors(output, fit_priors(read))
    say(output)


def _named(option: str) -> tuple[str, str]:
    name, equals, text = option.partition("=")
    if not name or not equals or not text:
        raise ConfigError(f"--licence {option}: expected NAME=TEXT, as nasrabadi=MIT")
    return name, text
