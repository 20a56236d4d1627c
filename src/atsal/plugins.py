"""What other installed packages add by entry points: data sets, metrics, architectures."""

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from atsal.errors import ConfigError
from atsal.untrusted.text import error_reason, short_repr

_REMEDY = "update or uninstall that package"


def find_plugins(group: str) -> dict[str, list[EntryPoint]]:
    """Return the entry points of a group by name, unloaded; several packages may use one name."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=group):
        found.setdefault(entry.name, []).append(entry)
    return found


def load_plugin(entries: list[EntryPoint], kind: str, expected: str, is_valid: Callable[[Any], bool]) -> Any:
    """Load the only one of the entry points of a name, and check what it refers to.

    `kind` is what messages call it ("metric"), `expected` says what it must be. Raises `ConfigError` if several
    packages use the name, if the package cannot be imported, and if it provides something else.
    """
    packages = ", ".join(sorted(short_repr(package_name(entry)) for entry in entries))
    where = f"{kind} {short_repr(entries[0].name)} of package {packages}"
    if len(entries) > 1:
        raise ConfigError(f"{where}: provided more than once; uninstall all but one of these packages")
    try:
        found = entries[0].load()
    except Exception as error:  # importing another package may fail in any way
        reason = f"{type(error).__name__}: {error_reason(error)}"
        raise ConfigError(f"{where}: cannot be imported ({reason}); {_REMEDY}") from error
    if not is_valid(found):
        raise ConfigError(f"{where}: found {short_repr(found)}, expected {expected}; {_REMEDY}")
    return found


def package_name(entry: EntryPoint) -> str:
    """Return the name of the package that provides an entry point."""
    return entry.dist.name if entry.dist else entry.value
