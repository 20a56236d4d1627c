"""The command line: each command group is a module, and this one joins them.

Commands are thin: they turn options into calls of the library. What needs torch is imported inside the commands, so
that `atsal --help` answers at once.
"""

from pathlib import Path

import click

from atsal.cli.batch import batch
from atsal.cli.bench import bench
from atsal.cli.datasets import datasets, inspect
from atsal.cli.direct import direct
from atsal.cli.encode import encode, roi
from atsal.cli.evaluate import benchmark, evaluate
from atsal.cli.export import export
from atsal.cli.group import MainGroup
from atsal.cli.info import info
from atsal.cli.predict import compare, predict
from atsal.cli.prepare import prepare
from atsal.cli.quality import quality
from atsal.cli.regions import regions
from atsal.cli.report import report
from atsal.cli.serve import serve
from atsal.cli.tiles import tiles
from atsal.cli.token import token
from atsal.cli.train import overfit, train
from atsal.cli.view import view
from atsal.cli.weights import weights
from atsal.errors import ConfigError
from atsal.version import __version__


@click.group(
    cls=MainGroup,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
    epilog="Exit code: 0 all is done, 1 nothing is done, 3 some inputs failed, 2 wrong usage, 130 stopped by "
    "Ctrl-C. Completion of options and names in bash, zsh and fish: see docs/command-line.md.",
)
@click.version_option(__version__, prog_name="atsal")
def main() -> None:
    """Predict where people look in 360° images and video."""
    try:
        Path.cwd()
    except OSError as error:  # PyTorch would end the process without a message
        raise ConfigError("the working folder no longer exists; change to another one") from error


for command in (
    predict,
    batch,
    compare,
    regions,
    view,
    report,
    direct,
    tiles,
    quality,
    info,
    datasets,
    prepare,
    inspect,
    train,
    overfit,
    evaluate,
    benchmark,
):
    main.add_command(command)
for command in (encode, roi, weights, export, bench, serve, token):
    main.add_command(command)
