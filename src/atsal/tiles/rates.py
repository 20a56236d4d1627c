"""Split a bitrate over the tiles of a segment."""

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError
from atsal.tiles.grid import Floats, TileGrid


def check_budget(grid: TileGrid, total_kbps: int, least_kbps: int) -> None:
    """Raise `ConfigError` if the budget does not pay for the lowest rate of each tile."""
    if least_kbps < 1 or len(grid) * least_kbps > total_kbps:
        raise ConfigError(
            f"a budget of {total_kbps} kbit/s for {len(grid)} tiles of at least {least_kbps} kbit/s: expected at least "
            f"{len(grid) * max(1, least_kbps)}. Raise the budget, lower the least rate, or take fewer tiles"
        )


def split_rate(grid: TileGrid, viewport: Floats, total_kbps: int, least_kbps: int) -> NDArray[np.int64]:
    """Return the rate of each tile in whole kbit/s, (tiles,); the sum is exactly `total_kbps`.

    Each tile gets `least_kbps`. The rest is split in proportion to the chance that the tile is in a viewport times its
    number of pixels: the split that makes the expected logarithm of the rates largest. Raises `ConfigError` as
    `check_budget` does.
    """
    check_budget(grid, total_kbps, least_kbps)
    use = viewport * np.array([tile.w * tile.h for tile in grid.tiles])
    if not use.sum() > 0:
        use = np.ones(len(grid))
    rest = total_kbps - len(grid) * least_kbps
    exact = use / use.sum() * rest
    whole: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    lost = rest - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:lost]] += 1  # those that lost most by rounding
    whole += least_kbps
    return whole
