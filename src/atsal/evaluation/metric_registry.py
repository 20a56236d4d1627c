"""The known metrics by name: those of `metrics.py`, and those of other installed packages.

A package adds a metric with an entry point in the group `atsal.metrics`. The entry point has the name of the metric and
refers to a `Metric`. It is loaded when a protocol asks for it.
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from atsal.config import suggest_name
from atsal.errors import ConfigError
from atsal.evaluation.metric import Metric
from atsal.evaluation.metrics import METRICS
from atsal.untrusted.text import error_reason, short_repr

ENTRY_POINT_GROUP = "atsal.metrics"
_BUILT_IN = {metric.name: metric for metric in METRICS}
BUILT_IN_NAMES = tuple(_BUILT_IN)


@cache
def _entry_points() -> dict[str, list[EntryPoint]]:
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        found.setdefault(point.name, []).append(point)
    return found


def metric_names() -> tuple[str, ...]:
    """Return the names of all metrics: ours in the order of `metrics.METRICS`, then others by name."""
    return tuple(dict.fromkeys((*BUILT_IN_NAMES, *sorted(_entry_points()))))


@cache
def metric_named(name: str) -> Metric:
    """Return a metric; raises `ConfigError` for an unknown name and for a package whose metric cannot be used."""
    points = _entry_points().get(name, [])
    if len(points) + (name in _BUILT_IN) > 1:
        raise ConfigError(
            f"metric {short_repr(name)}: defined more than once ({', '.join(map(_origin, points))}"
            f"{', atsal itself' * (name in _BUILT_IN)}); uninstall all but one of these packages"
        )
    if points:
        return _load(points[0])
    if name not in _BUILT_IN:
        raise ConfigError(f"unknown metric {name!r}{suggest_name(name, metric_names())}")
    return _BUILT_IN[name]


def _load(point: EntryPoint) -> Metric:
    where, remedy = f"metric {short_repr(point.name)} of {_origin(point)}", "repair or uninstall that package"
    try:
        found = point.load()
    except Exception as error:  # importing another package may fail in any way
        raise ConfigError(
            f"{where}: cannot be imported ({type(error).__name__}: {error_reason(error)}); {remedy}"
        ) from error
    if not isinstance(found, Metric) or found.name != point.name:
        what = f"the metric {found.name!r}" if isinstance(found, Metric) else short_repr(found)
        raise ConfigError(f"{where}: found {what}, expected an atsal.evaluation.metric.Metric of that name; {remedy}")
    return found


def _origin(point: EntryPoint) -> str:
    return f"package {short_repr(point.dist.name) if point.dist else short_repr(point.value)}"
