"""The declaration of a table of gaze: which of its columns holds which field of `table_fields`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from atsal.config import load_yaml, suggest_name
from atsal.errors import ConfigError
from atsal.gaze.readers.table_fields import (
    DURATIONS,
    FIELDS,
    FRAMES,
    HORIZONTAL,
    ONSETS,
    SIZES,
    TIMES,
    VALIDITY,
    VERTICAL,
    Axis,
)
from atsal.untrusted.text import short_repr

COLUMNS_FILE = "columns.yaml"  # beside the tables: field: column
_POSITION: dict[str, Iterable[str]] = {"horizontal position": HORIZONTAL, "vertical position": VERTICAL}  # one of each
_OTHERS: dict[str, Iterable[str]] = {"time": TIMES, "duration": DURATIONS, "frame": FRAMES, "validity": VALIDITY}


@dataclass(frozen=True)
class TableColumns:
    """The column of each field: `TableColumns({"observer": "who", "timestamp_ms": "t", "yaw_deg": "yaw", …})`.

    Raises `ConfigError` for an unknown field, for two fields of one kind, and without a position, or without both
    observer and item.
    """

    columns: Mapping[str, str]

    def __hash__(self) -> int:
        return hash(tuple(self.columns.items()))

    def __post_init__(self) -> None:
        for name in self.columns:
            if name not in FIELDS:
                raise ConfigError(f"columns: unknown field {short_repr(name)}{suggest_name(name, FIELDS)}")
        for kind, group in (_POSITION | _OTHERS).items():
            found = [name for name in group if name in self.columns]
            if len(found) > 1:
                raise ConfigError(f"columns: {' and '.join(found)} both give the {kind}; declare one of them")
            if not found and kind in _POSITION:
                raise ConfigError(f"columns: no {kind}; declare one of {', '.join(group)}")
        if self.observer is None and self.item is None:
            raise ConfigError("columns: neither observer nor item; declare at least one of them")
        if self.holds_fixations and self.one_of(FRAMES):
            raise ConfigError("columns: fixations take their frames from their times; declare no frame")
        self._check_sizes()

    def _check_sizes(self) -> None:
        for name, owners in SIZES.items():
            size = self.columns.get(name)
            if size is None:
                continue
            if not (size.isascii() and size.isdecimal() and 0 < int(size) < 2**31):
                raise ConfigError(f"columns: {name} is {short_repr(size)}; expected a number of pixels, as 3840")
            if not any(owner in self.columns for owner in owners):
                raise ConfigError(f"columns: {name} is for {' and '.join(owners)}; leave it out")

    @property
    def observer(self) -> str | None:
        """The column of the observers."""
        return self.columns.get("observer")

    @property
    def item(self) -> str | None:
        """The column of the stimuli."""
        return self.columns.get("item")

    @property
    def in_table(self) -> dict[str, str]:
        """The fields that are columns, with their columns; the others are numbers."""
        return {name: column for name, column in self.columns.items() if name not in SIZES}

    @property
    def holds_fixations(self) -> bool:
        """Whether rows are fixations: with an onset or a duration, or without time and frame. Others are samples."""
        return bool(self.one_of(ONSETS) or self.one_of(DURATIONS) or not (self.one_of(TIMES) or self.one_of(FRAMES)))

    def require_fixations(self) -> None:
        """Raise `ConfigError` for columns of samples, as for tables about flat photos."""
        if not self.holds_fixations:
            raise ConfigError(
                "columns: a time or frame without a duration makes samples, and no fixations are detected on flat "
                "photos; detect them before, or declare neither time nor frame: then each row counts as a fixation"
            )

    def size_px(self, side: int) -> int | None:
        """Return the width (`side` 0) or height (1) of the frame of pixels; None if it is not declared."""
        size = self.columns.get(tuple(SIZES)[side])
        return None if size is None else int(size)

    def axis(self, group: Mapping[str, Axis]) -> tuple[str, Axis]:
        """Return the declared field of `HORIZONTAL` or `VERTICAL`."""
        return next((name, axis) for name, axis in group.items() if name in self.columns)

    def one_of(self, group: Iterable[str]) -> str | None:
        """Return the declared field of a group; None without one."""
        return next((name for name in group if name in self.columns), None)


def parse_columns(texts: Iterable[str]) -> dict[str, str]:
    """Return the fields of texts such as `observer=who,timestamp_ms=t`; `lon_deg` alone means `lon_deg=lon_deg`."""
    found: dict[str, str] = {}
    for part in (part for text in texts for part in text.split(",")):
        name, equals, column = (piece.strip() for piece in part.partition("="))
        if not name or (equals and not column):
            raise ConfigError(f"columns: found {short_repr(part)}; expected FIELD=COLUMN, as in observer=who")
        if name in found:
            raise ConfigError(f"columns: {short_repr(name)} is given twice; give each field once")
        found[name] = column or name
    return found


def read_columns_file(path: Path) -> dict[str, str]:
    """Return the fields in a YAML file, one a line as `observer: who`. Raises `ConfigError`."""
    values = load_yaml(path)
    if not isinstance(values, dict) or not all(isinstance(value, str | int) for value in values.values()):
        raise ConfigError(f"{path}: expected one field a line, FIELD: COLUMN, as in observer: who")
    return {name: str(column) for name, column in values.items()}
