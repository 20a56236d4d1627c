"""`atsal train` and `atsal overfit`."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from atsal.cli.console import output_options, print_line, status_line
from atsal.cli.parameters import MAX_WORKERS, PATH, device_option
from atsal.errors import ConfigError
from atsal.jobs.workers import usable_cores

_CHECKPOINT_STEPS = 200


@click.command(epilog="Example: atsal train configs/lite/1-equator.yaml -o runs/equator epochs=3.")
@click.argument("config", type=PATH)
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("-o", "--output", type=PATH, help="Folder of the run; required unless CONFIG is one.")
@device_option
@click.option(
    "--workers",
    type=click.IntRange(min=0, max=MAX_WORKERS),
    help="Processes that read data ahead.  [default: one per core with a GPU, else 0]",
)
@click.option(
    "--checkpoint-steps",
    type=click.IntRange(min=1),
    default=_CHECKPOINT_STEPS,
    help="Steps between checkpoints within an epoch.",
)
@output_options
def train(
    config: Path,
    overrides: tuple[str, ...],
    output: Path | None,
    device: str,
    workers: int | None,
    checkpoint_steps: int,
) -> None:
    """Run one stage of training, described by the YAML file CONFIG.

    KEY=VALUE replaces a setting: epochs=3, train.0.prepared=data/osie. The same command again, or `atsal train OUTPUT`,
    resumes an interrupted run and gives the same result. OUTPUT/model is the resulting weight folder: use it in `atsal
    predict --model`, or as `start` of the next stage. Several GPUs: `torchrun --nproc-per-node 2 -m atsal train …`.
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
            raise ConfigError(
                f"{config}: is the folder of a run, which keeps its settings; give no -o and no KEY=VALUE"
            )
        settings, folder = None, config
    else:
        settings = read_train_config(config, overrides)
        if output is None:
            raise ConfigError("the run needs a folder: give -o OUTPUT")
        folder = output
    if workers is None:
        workers = usable_cores() if chosen.type == "cuda" else 0
    with _training_output() as (say, status):
        progress = run(settings, folder, Machine(chosen, workers, checkpoint_steps), say=say, status=status)
        say(f"done: {progress.finished}; weights in {folder / 'model'}")


@click.command()
@click.option("-o", "--output", type=PATH, required=True, help="Folder for the scene, the run and a picture.")
@device_option
@output_options
def overfit(output: Path, device: str) -> None:
    """Check training on this machine: overfit a synthetic scene with synthetic gaze, and draw the result.

    Takes about a minute on two cores. The CC starts near 0 and must come near 1.
    """
    from atsal.device import choose_device  # noqa: PLC0415
    from atsal.training.overfit import overfit as run  # noqa: PLC0415
    from atsal.training.trainer import Machine  # noqa: PLC0415

    with _training_output() as (say, status):
        score = run(output, Machine(choose_device(device), 0, _CHECKPOINT_STEPS), say=say, status=status)
        say(f"CC {score:.3f} on the scene; {output / 'learned.png'} shows frame, attention, experts and fused map")


@contextmanager
def _training_output() -> Iterator[tuple[Callable[[str], None], Callable[[str], None]]]:
    """Give a function that prints a line, and one that replaces the status line; silent in all ranks but the first."""
    if int(os.environ.get("RANK", "0")) != 0:
        yield (lambda _line: None), (lambda _line: None)
        return
    with status_line("reading the data") as status:
        yield print_line, status
