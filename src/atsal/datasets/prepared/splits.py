"""A split of one's own: which items are in which part, by name, by a file of names, or drawn at random.

train=0.8                    a share of the items, drawn with a seed
test=rest                    the items of no other part
train=harbour,market         items by name, or by the name of their stimulus
train=train.txt              a text file with one item a line
splits.yaml                  a YAML file with a list of items for each part
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atsal.config import load_yaml, suggest_name
from atsal.errors import ConfigError
from atsal.untrusted.files import MIB, ErrorFactory, read_bytes
from atsal.untrusted.text import plural, short_repr, shorten_list
from atsal.video.media_files import IMAGE_SUFFIXES, VIDEO_SUFFIXES, natural_key

OWN = "own"  # the name of the split in the manifest
_REST = "rest"
_YAML = (".yaml", ".yml", ".json")
_MAX_BYTES = MIB

Parts = dict[str, tuple[str, ...]]  # part -> items


@dataclass(frozen=True)
class OwnSplit:
    """The parts of a split of one's own, and how they were chosen."""

    parts: Parts
    rules: tuple[str, ...]
    seed: int | None = None  # None: nothing was drawn

    def to_json(self) -> dict[str, Any]:
        """Return how the parts were chosen, as JSON values."""
        return {"rules": list(self.rules), "seed": self.seed}

    def __str__(self) -> str:
        counts = ", ".join(f"{part} {plural(len(items), 'item')}" for part, items in self.parts.items())
        return f"split {OWN}: {counts}" + ("" if self.seed is None else f"; drawn with seed {self.seed}")


def make_split(texts: Sequence[str], items: Collection[str], seed: int = 0) -> OwnSplit:
    """Return the split that texts describe, as `train=0.8`; see the top of this module.

    What is drawn depends on the seed and the names of the items only, not on their order. Raises `ConfigError` for an
    unknown item, an item in two parts, a part without items, and shares of more than 1 together.
    """
    choices = _read_choices(texts)
    shares = {part: share for part, names in choices.items() if (share := _share(names, items)) is not None}
    parts = {
        part: resolve_items(_read_names(names, items), items, f"part {part}")
        for part, names in choices.items()
        if part not in shares and names != [_REST]
    }
    parts |= _draw(shares, _left(items, parts), seed)
    rest = [part for part, names in choices.items() if names == [_REST]]
    if len(rest) > 1:
        raise ConfigError(f"split: {' and '.join(rest)} are both the rest; only one part can be")
    parts |= {part: tuple(_left(items, parts)) for part in rest}
    _check_parts(parts)
    ordered = {part: tuple(sorted(parts[part], key=natural_key)) for part in choices}
    return OwnSplit(ordered, tuple(texts), seed if shares else None)


def _left(items: Collection[str], parts: Parts) -> list[str]:
    """Return the items that are in no part."""
    taken = {item for own in parts.values() for item in own}
    return [item for item in items if item not in taken]


def _read_choices(texts: Sequence[str]) -> dict[str, list[str]]:
    """Return what is given for each part; commas separate names, and also parts, which have an equals sign."""
    found: dict[str, list[str]] = {}
    for text in texts:
        is_file = "=" not in text and Path(text).suffix.lower() in _YAML
        given = _read_yaml(Path(text)) if is_file else _read_text(text)
        for part, names in given.items():
            if part in found:
                raise ConfigError(f"split: part {part} is given twice; give each part once")
            found[part] = names
    return found


def _read_text(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    part = ""
    for piece in text.split(","):
        before, equals, after = (word.strip() for word in piece.partition("="))
        part, name = (before, after) if equals else (part, before)
        if not part or not name or (equals and part in found):
            raise ConfigError(
                f"split: found {short_repr(text)}; expected PART=WHAT, each part once, as in train=0.8 (a share), "
                "train=train.txt (a file of names), train=a,b (names) or test=rest"
            )
        found.setdefault(part, []).append(name)
    return found


def _read_yaml(path: Path) -> dict[str, list[str]]:
    values = load_yaml(path)
    if not isinstance(values, dict) or not all(isinstance(names, list) and names for names in values.values()):
        raise ConfigError(f"{path}: expected a list of items for each part, as in train: [a, b]")
    return {part: [str(name) for name in names] for part, names in values.items()}


def _share(names: list[str], items: Collection[str]) -> float | None:
    """Return the share that is meant by one text such as 0.8 or 80%; None for names."""
    match = re.fullmatch(r"(?:(\d*\.\d+|\d+\.)|(\d+(?:\.\d+)?)%)", names[0], re.ASCII)
    if len(names) != 1 or names[0] in items or not match:
        return None
    share = float(match[1]) if match[1] else float(match[2]) / 100
    if not 0 < share <= 1:
        raise ConfigError(f"split: found a share of {names[0]}; expected more than 0, at most 1.0 (100%)")
    return share


def _read_names(names: list[str], items: Collection[str]) -> list[str]:
    """Return the names in a text file, or the names themselves; a name of an item is no file of names."""
    if len(names) == 1 and _item_of(names[0]) not in items and is_names_file(names[0]):
        return read_names(Path(names[0]))
    return names


def _item_of(name: str) -> str:
    """Return a name without the ending of a stimulus."""
    path = Path(name)
    return path.stem if path.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES else name


def is_names_file(text: str) -> bool:
    """Return whether a text names a text file."""
    return Path(text).suffix.lower() == ".txt" or Path(text).is_file()


def read_names(path: Path) -> list[str]:
    """Return the names in a text file, one a line; blank lines and lines that begin with # do not count."""
    make_error = ErrorFactory(ConfigError, path, "expected a text file with one item a line")
    try:
        text = read_bytes(path, make_error, _MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise make_error("is not text in UTF-8") from error
    lines = [line.strip() for line in text.splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    if not found:
        raise make_error("names no item")
    return found


def resolve_items(names: Iterable[str], items: Collection[str], where: str) -> tuple[str, ...]:
    """Return the items of names, each once; a name may have the ending of its stimulus. Raises `ConfigError`."""
    found: dict[str, None] = {}
    for name in names:
        item = name if name in items else _item_of(name)
        if item not in items:
            raise ConfigError(f"{where}: no item {short_repr(name)}{suggest_name(name, items)}")
        found[item] = None
    return tuple(found)


def _draw(shares: dict[str, float], items: list[str], seed: int) -> Parts:
    """Draw parts; each item has a place that depends on its name and the seed only."""
    if sum(shares.values()) > 1 + 1e-9:
        raise ConfigError(f"split: the shares of {' and '.join(shares)} add up to {sum(shares.values()):g}; at most 1")
    order = sorted(items, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
    parts, first, end = {}, 0, 0.0
    for part, share in shares.items():
        end += share
        last = round(end * len(order))
        parts[part], first = tuple(order[first:last]), last
    return parts


def _check_parts(parts: Parts) -> None:
    owner: dict[str, str] = {}
    for part, items in parts.items():
        if not items:
            raise ConfigError(f"split: no item is left for part {part}; give it a larger share, or name its items")
        both = [item for item in items if item in owner]
        if both:
            raise ConfigError(f"split: {shorten_list(both)} in {owner[both[0]]} and in {part}; expected one part each")
        owner |= dict.fromkeys(items, part)
