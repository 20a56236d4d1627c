"""`atsal train` and `atsal overfit`. Heavy imports wait inside the commands."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from atsal.cli.console import print_line, rich_text
from atsal.cli.parameters import MOST_WORKERS, PATH, cores, device_option
from atsal.errors import ConfigError

_CHECKPOINT_STEPS = 200


@click.command()
@click.argument("config", type=PATH)
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("-o", "--output", type=PATH, help="Folder of the run.  [needed unless CONFIG is one]")
@device_option
@click.option(
    "--workers",
    type=click.IntRange(min=0, max=MOST_WORKERS),
    help="Processes that read data ahead.  [default: cores on a GPU]",
)
@click.option(
    "--checkpoint-steps",
    type=click.IntRange(min=1),
    default=_CHECKPOINT_STEPS,
    show_default=True,
    help="Steps between two checkpoints within an epoch.",
)
def train(
    config: Path,
    overrides: tuple[str, ...],
    output: Path | None,
    device: str,
    workers: int | None,
    checkpoint_steps: int,
) -> None:
    """Run one stage of training, as the YAML file CONFIG says, into the folder OUTPUT.

    KEY=VALUE replaces a setting: epochs=3, train.0.prepared=data/osie. The same command again, or `atsal train OUTPUT`,
    goes on where an interrupted run stood, to the same result. OUTPUT/model is the weight folder that comes out: for
    `atsal predict --model`, and for `start` of the next stage. Several GPUs: `torchrun --nproc-per-node 2 -m atsal …`.
    """
    from atsal.device import choose_device  # noqa: PLC0415
    from atsal.jobs.memory import keep_freed_memory  # noqa: PLC0415
    from atsal.training.config import read_train_config  # noqa: PLC0415
    from atsal.training.run import train as run  # noqa: PLC0415
    from atsal.training.trainer import Machine  # noqa: PLC0415

    keep_freed_memory()
    chosen = choose_device(device)
    if config.is_dir():
        if overrides or output not in (None, config):
            raise ConfigError(f"{config}: a run goes on with its own settings, in its own folder; give neither")
        settings, folder = None, config
    else:
        settings = read_train_config(config, overrides)
        if output is None:
            raise ConfigError("the run needs a folder: -o OUTPUT")
        folder = output
    if workers is None:
        workers = cores() if chosen.type == "cuda" else 0
    with _shown() as (say, status):
        progress = run(settings, folder, Machine(chosen, workers, checkpoint_steps), say=say, status=status)
        print_line(f"done: {progress.finished}; weights in {folder / 'model'}")


@contextmanager
def _shown() -> Iterator[tuple[Callable[[str], None], Callable[[str], None]]]:
    """How to say a line that stays, and one that is replaced by the next: the latter on a terminal only."""
    from rich.console import Console  # noqa: PLC0415

    console = Console(stderr=True, highlight=False)
    if int(os.environ.get("RANK", "0")) != 0:
        yield (lambda _line: None), (lambda _line: None)
    elif not console.is_terminal:
        yield print_line, (lambda _line: None)
    else:
        with console.status("reading the data") as status:
            yield (lambda line: console.print(rich_text(line))), (lambda line: status.update(rich_text(line)))


@click.command()
@click.option("-o", "--output", type=PATH, required=True, help="Folder for the scene, the run and a picture.")
@device_option
def overfit(output: Path, device: str) -> None:
    """Try the whole pipeline: a made-up scene and gaze, prepared, learned by heart from nothing, and drawn.

    Takes about a minute on two cores. The CC, 0 at first, must come near 1: then training works on this machine.
    """
    from atsal.device import choose_device  # noqa: PLC0415
    from atsal.training.overfit import overfit as run  # noqa: PLC0415
    from atsal.training.trainer import Machine  # noqa: PLC0415

    with _shown() as (say, status):
        score = run(output, Machine(choose_device(device), 0, _CHECKPOINT_STEPS), say=say, status=status)
        print_line(f"CC {score:.3f} on the scene; {output / 'learned.png'} shows frame, attention, experts and fused")
