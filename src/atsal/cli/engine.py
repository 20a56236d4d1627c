"""The options that choose where the tasks of a command run, and the engine that they mean."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from atsal.cli.parameters import POSITIVE, Number

if TYPE_CHECKING:
    from atsal.jobs.engine import Engine, RunTask
    from atsal.jobs.supervised_workers import Limits

F = TypeVar("F", bound=Callable[..., Any])


def engine_options(command: F) -> F:
    """Add `--engine`, `--worker-cpus` and `--worker-gpus`."""
    for option in (
        click.option("--worker-gpus", type=Number(min=0), default=0.0, help="Only for ray: GPUs that a worker takes."),
        click.option("--worker-cpus", type=POSITIVE, default=1.0, help="Only for ray: CPUs that a worker takes."),
        click.option(
            "--engine",
            type=click.Choice(["local", "ray"]),
            default="local",
            help="local: processes on this machine; ray: on the Ray cluster in RAY_ADDRESS, which shares its files.",
        ),
    ):
        command = option(command)
    return command


def make_engine(job: "RunTask", values: Mapping[str, Any], workers: int, limits: "Limits") -> "Engine":
    """Return the engine of the command line, whose `values` hold those of `engine_options`."""
    if values["engine"] == "ray":
        from atsal.jobs.ray_engine import RayEngine, RayResources  # noqa: PLC0415 - optional
        from atsal.video.isolation import IsolatedJob  # noqa: PLC0415 - not for help

        resources = RayResources(values["worker_cpus"], values["worker_gpus"], limits.standstill_s)
        return RayEngine(IsolatedJob.of(job), workers, resources)
    from atsal.jobs.supervised_workers import local_engine  # noqa: PLC0415 - not for help

    return local_engine(job, workers, limits)
