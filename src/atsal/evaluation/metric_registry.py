"""The known metrics by name: those of `metrics.py`, and those of other installed packages.

A package adds a metric with an entry point in the group `atsal.metrics`. The entry point has the name of the metric and
refers to a `Metric`. It is loaded when a protocol asks for it.
"""

from functools import cache
from importlib.metadata import EntryPoint

from atsal.config import suggest_name
from atsal.errors import ConfigError
from atsal.evaluation.metric import Metric
from atsal.evaluation.metrics import METRICS
from atsal.plugins import find_plugins, load_plugin, package_name
from atsal.untrusted.text import short_repr

ENTRY_POINT_GROUP = "atsal.metrics"
_BUILT_IN = {metric.name: metric for metric in METRICS}
BUILT_IN_NAMES = tuple(_BUILT_IN)


@cache
def _plugins() -> dict[str, list[EntryPoint]]:
    return find_plugins(ENTRY_POINT_GROUP)


def metric_names() -> tuple[str, ...]:
    """Return the names of all metrics: ours in the order of `metrics.METRICS`, then others by name."""
    return tuple(dict.fromkeys((*BUILT_IN_NAMES, *sorted(_plugins()))))


@cache
def metric_named(name: str) -> Metric:
    """Return a metric; raises `ConfigError` for an unknown name and for a package whose metric cannot be used."""
    entries = _plugins().get(name, [])
    if not entries and name not in _BUILT_IN:
        raise ConfigError(f"unknown metric {name!r}{suggest_name(name, metric_names())}")
    if not entries:
        return _BUILT_IN[name]
    if name in _BUILT_IN:
        packages = ", ".join(short_repr(package_name(entry)) for entry in entries)
        raise ConfigError(
            f"metric {short_repr(name)}: is one of atsal's own; uninstall {packages}, or rename its metric"
        )
    found: Metric = load_plugin(
        entries,
        "metric",
        f"an atsal.evaluation.metric.Metric named {short_repr(name)}",
        lambda value: isinstance(value, Metric) and value.name == name,
    )
    return found
