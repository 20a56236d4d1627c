"""Made-up 360° scenes whose moving objects are known exactly: for demonstrations, tests and benchmarks.

Everything is drawn from formulas on the unit sphere, so the picture has no seam at ±180° and no hole at the poles.
Directions are in radians: `lon_rad` 0 at the picture's centre and growing to the right, `lat_rad` growing upwards;
pixel (i, j) of an (H, 2H) picture has its centre at lon = ((j + 1/2) / 2H - 1/2) 2π, lat = (1/2 - (i + 1/2) / H) π.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import click
import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError
from atsal.video.writer import VideoWriter

Floats = NDArray[np.floating[Any]]
Look = Literal["face", "ball", "balloon"]

_SUN = np.array([0.55, 0.62, 0.56], np.float32) / math.sqrt(0.55**2 + 0.62**2 + 0.56**2)  # x right, y up, z ahead
_LOOKS: tuple[Look, ...] = ("face", "ball", "balloon")
_VIVID = np.array(
    [[225, 62, 55], [246, 178, 42], [36, 140, 208], [62, 168, 94], [158, 82, 190], [240, 116, 160]], np.float32
)
_SKIN = np.array([[236, 190, 160], [198, 142, 104], [140, 92, 62], [246, 208, 182]], np.float32)
_WALLS = np.array([[176, 116, 94], [206, 186, 156], [134, 140, 152], [188, 152, 116], [160, 172, 166]], np.float32)


@dataclass(frozen=True)
class MovingObject:
    """A round object of angular radius `radius_rad` that circles the viewer at `speed` rad/s and sways up and down."""

    look: Look
    colour: tuple[float, float, float]
    radius_rad: float
    lon_rad: float
    lat_rad: float
    speed: float
    sway_rad: float
    sway_hz: float
    phase: float

    def direction(self, time_s: float) -> tuple[float, float]:
        """Give (lon_rad, lat_rad) of the centre at `time_s`, lon in [-π, π)."""
        lon = self.lon_rad + self.speed * time_s
        lat = self.lat_rad + self.sway_rad * math.sin(2 * math.pi * self.sway_hz * time_s + self.phase)
        return (lon + math.pi) % (2 * math.pi) - math.pi, lat


@dataclass(frozen=True)
class Scene:
    """A square under a cloudy sky with houses around it and `objects` moving through; the same for the same `seed`."""

    seed: int
    object_count: int = 4

    @property
    def objects(self) -> tuple[MovingObject, ...]:
        """The moving objects; later ones are drawn over earlier ones."""
        return _objects(self.seed, self.object_count)

    def object_directions(self, time_s: float) -> NDArray[np.float64]:
        """Give the objects' centres at `time_s` as (N, 2) float64: lon_rad in [-π, π), lat_rad."""
        return np.array([o.direction(time_s) for o in self.objects], np.float64).reshape(-1, 2)

    def render(self, erp_height: int, time_s: float) -> NDArray[np.uint8]:
        """Draw the scene at `time_s` as an equirectangular picture (H, 2H, 3) uint8 RGB, H = `erp_height`.

        Raises:
            ConfigError: `erp_height` is less than 16.

        """
        if erp_height < 16:
            raise ConfigError(f"erp_height is {erp_height}; expected at least 16 pixels")
        picture = _surroundings(self.seed, erp_height).copy()
        for thing in self.objects:
            _draw(picture, thing, time_s)
        return picture


def render_video(path: Path | str, *, seconds: float, frame_rate: float, erp_height: int, seed: int) -> None:
    """Write a clip of `Scene(seed)`: `seconds` long, 2·`erp_height` x `erp_height` pixels, tagged as 360°.

    Raises:
        ConfigError: `seconds` or `frame_rate` is not greater than 0, or `erp_height` is less than 16.
        ShapeError: `erp_height` is odd.
        OutputError: the file cannot be written.

    """
    if not (seconds > 0 and frame_rate > 0):
        raise ConfigError(f"seconds is {seconds} and frame_rate {frame_rate}; expected both greater than 0")
    scene = Scene(seed)
    with VideoWriter(path, (2 * erp_height, erp_height), Fraction(frame_rate).limit_denominator(1001)) as writer:
        for number in range(max(1, round(seconds * frame_rate))):
            time_s = number / frame_rate
            writer.write(scene.render(erp_height, time_s), time_s)


@lru_cache(maxsize=32)
def _objects(seed: int, count: int) -> tuple[MovingObject, ...]:
    rng = np.random.default_rng([seed, 1])
    start = rng.uniform(-math.pi, math.pi)
    found = []
    for number in range(count):
        look = _LOOKS[number % len(_LOOKS)]
        colours = _SKIN if look == "face" else _VIVID
        red, green, blue = colours[rng.integers(len(colours))].tolist()
        found.append(
            MovingObject(
                look=look,
                colour=(red, green, blue),
                radius_rad=math.radians(rng.uniform(6, 10)),
                lon_rad=start + 2 * math.pi * (number + rng.uniform(-0.25, 0.25)) / max(count, 1),
                lat_rad=math.radians(rng.uniform(18, 38) if look == "balloon" else rng.uniform(-14, 6)),
                speed=math.radians(rng.uniform(8, 28)) * rng.choice((-1.0, 1.0)),
                sway_rad=math.radians(rng.uniform(2, 9)),
                sway_hz=rng.uniform(0.1, 0.4),
                phase=rng.uniform(0, 2 * math.pi),
            )
        )
    return tuple(found)


# ---- surroundings -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def _surroundings(seed: int, height: int) -> NDArray[np.uint8]:
    """Draw sky, houses and ground (H, 2H, 3) uint8; drawn at twice the size and averaged, against jagged edges."""
    fine = 2 * height
    lat = ((0.5 - (np.arange(fine, dtype=np.float32) + 0.5) / fine) * np.pi)[:, None]
    lon = (((np.arange(2 * fine, dtype=np.float32) + 0.5) / (2 * fine) - 0.5) * 2 * np.pi)[None, :]
    rng = np.random.default_rng([seed, 0])
    sky_waves, ground_waves = rng.spawn(2)
    picture = np.empty((fine, 2 * fine, 3), np.float32)
    horizon = fine // 2
    picture[:horizon] = _sky(lat[:horizon], lon, sky_waves)
    picture[horizon:] = _ground(lat[horizon:], lon, ground_waves)
    low = max(0, horizon - fine // 5)  # no house is higher than 36°
    picture[low:horizon] = _houses(picture[low:horizon], lat[low:horizon], lon, rng)
    averaged = picture.reshape(height, 2, 2 * height, 2, 3).mean(axis=(1, 3))
    result: NDArray[np.uint8] = np.clip(averaged + 0.5, 0, 255).astype(np.uint8)
    result.flags.writeable = False
    return result


def _unit(lat: Floats, lon: Floats) -> tuple[Floats, Floats, Floats]:
    return np.cos(lat) * np.sin(lon), np.sin(lat) * np.ones_like(lon), np.cos(lat) * np.cos(lon)


def _waves(point: tuple[Floats, Floats, Floats], rng: np.random.Generator, frequency: float, count: int) -> Floats:
    """Sum plane waves of random direction: smooth noise in space, hence without seam on the sphere; about ±1."""
    x, y, z = point
    total: Floats = np.zeros(np.broadcast_shapes(x.shape, y.shape, z.shape), np.float32)
    for _ in range(count):
        direction = rng.normal(size=3)
        a, b, c = (frequency * rng.uniform(0.6, 1.4) * direction / np.linalg.norm(direction)).astype(np.float32)
        total += np.sin(a * x + b * y + c * z + np.float32(rng.uniform(0, 2 * math.pi)))
    return total * np.float32(math.sqrt(2 / count) / 2)


def _sky(lat: Floats, lon: Floats, rng: np.random.Generator) -> Floats:
    x, y, z = _unit(lat, lon)
    zenith, haze = np.array([62, 124, 204], np.float32), np.array([206, 226, 240], np.float32)
    picture = _mix(haze, zenith, np.clip(np.sin(lat), 0, 1) ** 0.55 * np.ones_like(lon))
    # Clouds lie on a plane overhead, so they crowd together towards the horizon.
    overhead = (x / (y + 0.35), y, z / (y + 0.35))
    cloud = _waves(overhead, rng, 4, 7) + 0.5 * _waves(overhead, rng, 11, 7)
    cover = _smooth(cloud, 0.15, 1.0) * _smooth(y, 0.02, 0.3) * 0.85
    picture = _mix(picture, np.array([252, 252, 250], np.float32), cover)
    near_sun = x * _SUN[0] + y * _SUN[1] + z * _SUN[2]
    glow = 0.55 * np.clip(near_sun, 0, 1) ** 60 + _smooth(near_sun, 0.9975, 0.9990)
    return _mix(picture, np.array([255, 248, 222], np.float32), np.clip(glow, 0, 1))


def _ground(lat: Floats, lon: Floats, rng: np.random.Generator) -> Floats:
    x, y, z = _unit(lat, lon)
    depth = np.minimum(-1 / np.minimum(y, -1e-4), 60)
    east, north = x * depth, z * depth  # where the ray meets the ground, in heights of the eye
    grain = _waves((east, y, north), rng, 2.2, 6)
    stone = np.array([182, 174, 160], np.float32) * (1 + 0.06 * grain[..., None])
    tiles = np.sign(np.sin(east * 6 + 0.9) * np.sin(north * 6 + 0.7))
    near = np.exp(-depth * 0.35)  # the pattern fades before it becomes finer than the pixels
    stone *= 1 + (0.10 * tiles * near)[..., None]
    grass = np.array([112, 148, 78], np.float32) * (1 + 0.10 * grain[..., None])
    lawn = _smooth(np.hypot(east, north) + 0.4 * grain, 4.2, 4.6)
    return _mix(stone, grass, lawn)


def _houses(behind: Floats, lat: Floats, lon: Floats, rng: np.random.Generator) -> Floats:
    """Draw a ring of houses with windows, and a hedge before them, over `behind`."""
    count = 22
    edges = np.concatenate([[0.0], np.cumsum(rng.uniform(0.6, 1.6, count))])
    edges = (edges * (2 * np.pi / edges[-1])).astype(np.float32)
    heights = np.radians(rng.uniform(5, 22, count) * (rng.uniform(size=count) > 0.2)).astype(np.float32)
    colours = _WALLS[rng.integers(len(_WALLS), size=count)] * rng.uniform(0.85, 1.1, (count, 1)).astype(np.float32)
    around = (lon[0] + np.float32(rng.uniform(0, 2 * math.pi))) % (2 * np.pi)
    house = np.clip(np.searchsorted(edges, around, side="right") - 1, 0, count - 1)
    inside = around - edges[house]
    window_width, window_height = np.radians(2.2), np.radians(2.0)
    column, row = inside / window_width % 1, lat / window_height % 1
    window = (column > 0.3) & (column < 0.75) & (row > 0.3) & (row < 0.78) & (lat < heights[house] - np.radians(0.8))
    light = 0.80 + 0.25 * np.cos(lon[0] - math.atan2(_SUN[0], _SUN[2]) + math.pi)
    wall = colours[house] * light[:, None].astype(np.float32)
    facade = np.where(window[..., None], np.array([84, 100, 122], np.float32), wall[None])
    roof = lat > heights[house] - np.radians(0.5)
    facade = np.where(roof[..., None], wall[None] * 0.6, facade)
    picture = np.where((lat < heights[house])[..., None], facade, behind)
    ripple = sum(np.sin(k * lon[0] + rng.uniform(0, 2 * math.pi)) / math.sqrt(k) for k in (7, 16, 31, 57, 90))
    hedge = np.radians(1.6 + 0.45 * ripple).astype(np.float32)
    leaves = np.array([70, 106, 60], np.float32) * (0.75 + 0.4 * np.clip(lat / hedge, 0, 1))[..., None]
    return np.where((lat < hedge)[..., None], leaves, picture).astype(np.float32)


# ---- objects ------------------------------------------------------------------------------------------------------


def _draw(picture: NDArray[np.uint8], thing: MovingObject, time_s: float) -> None:
    """Draw `thing` over `picture` (H, 2H, 3) in place, lit by the sun; only the pixels near it are visited."""
    lon0, lat0 = thing.direction(time_s)
    rows, columns, lat, lon = _window(picture.shape[0], lon0, lat0, thing.radius_rad)
    x, y, z = _unit(lat, lon - np.float32(lon0))  # turned so that the object is straight ahead
    sin0, cos0 = math.sin(lat0), math.cos(lat0)
    ahead = y * sin0 + z * cos0
    size = math.sin(thing.radius_rad)
    u, v = x / size, (y * cos0 - z * sin0) / size  # across the disc, right and up, 1 at its rim
    rim = np.hypot(u, v)
    pixel = math.pi / picture.shape[0] / size
    alpha = np.where(ahead > 0, np.clip((1 - rim) / pixel + 0.5, 0, 1), 0).astype(np.float32)
    colour = _PAINTERS[thing.look](u, v, np.array(thing.colour, np.float32))
    east, up, towards = (
        _SUN[0] * math.cos(lon0) - _SUN[2] * math.sin(lon0),
        _SUN[1] * cos0,
        0.45,  # some light from the viewer's side, so that no object is all shadow
    )
    bulge = np.sqrt(np.clip(1 - rim**2, 0, 1))
    shade = 0.62 + 0.42 * np.clip(u * east + v * up + bulge * towards, 0, 1)
    shine = 0.5 * np.clip(1 - np.hypot(u - 0.35 * east, v - 0.45) * 3.2, 0, 1) ** 2
    painted = _mix(colour * shade[..., None], np.array([255, 255, 255], np.float32), shine)
    behind = picture[rows, columns].astype(np.float32)
    picture[rows, columns] = np.clip(_mix(behind, painted, alpha) + 0.5, 0, 255).astype(np.uint8)


def _window(
    height: int, lon0: float, lat0: float, radius: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats, Floats]:
    """Give row and column indices that hold the cap, as (n, 1) and (1, m), and the latitudes and longitudes there."""
    width = 2 * height
    margin = radius + 2 * math.pi / height
    top = max(0, math.floor((0.5 - (lat0 + margin) / math.pi) * height))
    bottom = min(height, math.ceil((0.5 - (lat0 - margin) / math.pi) * height))
    if abs(lat0) + margin >= math.pi / 2:  # over a pole: all around
        columns = np.arange(width)
    else:
        half = math.asin(min(1.0, math.sin(margin) / math.cos(lat0))) / (2 * math.pi) * width
        centre = (lon0 / (2 * math.pi) + 0.5) * width
        columns = np.arange(math.floor(centre - half), math.ceil(centre + half)) % width
    rows = np.arange(top, bottom)
    lat = (0.5 - (rows + 0.5) / height) * math.pi
    lon = ((columns + 0.5) / width - 0.5) * 2 * math.pi
    return rows[:, None], columns[None, :], lat[:, None], lon[None, :]


def _face(u: Floats, v: Floats, colour: Floats) -> Floats:
    hair, dark, lip = (np.array(c, np.float32) for c in ((62, 42, 34), (34, 30, 34), (186, 66, 70)))
    picture = _mix(np.broadcast_to(colour, (*u.shape, 3)), hair, _smooth(v + 0.45 * u**2, 0.52, 0.60))
    for side in (-0.36, 0.36):
        white = _smooth(-np.hypot((u - side) / 0.20, (v - 0.12) / 0.13), -1.1, -0.9)
        pupil = _smooth(-np.hypot(u - side, v - 0.12), -0.11, -0.08)
        brow = _smooth(-np.hypot((u - side) / 0.24, (v - 0.36) / 0.05), -1.2, -0.8)
        picture = _mix(_mix(_mix(picture, np.full(3, 250, np.float32), white), dark, pupil), hair, brow)
    nose = _smooth(-np.hypot(u / 0.10, (v + 0.12) / 0.16), -1.2, -0.8)
    smile = _smooth(-np.abs(v + 0.50 - 0.55 * u**2), -0.085, -0.05) * _smooth(-np.abs(u), -0.44, -0.38)
    return _mix(_mix(picture, colour * 0.82, nose), lip, smile)


def _ball(u: Floats, v: Floats, colour: Floats) -> Floats:
    """Paint a beach ball, whose six stripes meet a little above its centre."""
    turn = np.arctan2(u - 0.12, v - 0.25) / (2 * np.pi) * 6
    stripe = _smooth(np.abs((turn + 0.5) % 2 - 1), 0.47, 0.53)
    picture = _mix(np.broadcast_to(colour, (*u.shape, 3)), np.full(3, 248, np.float32), stripe)
    return _mix(picture, np.full(3, 250, np.float32), _smooth(-np.hypot(u - 0.12, v - 0.25), -0.20, -0.16))


def _balloon(u: Floats, v: Floats, colour: Floats) -> Floats:
    """Paint a balloon with upright gores and a pale belt."""
    across = u / np.sqrt(np.clip(1 - v**2, 0.02, 1))
    gores = 0.88 + 0.12 * np.sign(np.sin(np.arcsin(np.clip(across, -1, 1)) * 6))
    belt = _smooth(-np.abs(v + 0.1), -0.26, -0.22)
    picture = _mix(np.broadcast_to(colour, (*u.shape, 3)), np.array([255, 238, 196], np.float32), belt)
    painted: Floats = picture * gores[..., None].astype(np.float32)
    return painted


_PAINTERS = {"face": _face, "ball": _ball, "balloon": _balloon}


def _mix(under: Floats, over: Floats, amount: Floats) -> Floats:
    """Blend colours (…, 3): `under` where `amount` (…) is 0, `over` where it is 1."""
    blended: Floats = under + (over - under) * amount[..., None].astype(np.float32)
    return blended


def _smooth(x: Floats, low: float, high: float) -> Floats:
    t: Floats = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


@click.command()
@click.argument("output", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--seconds", default=4.0, show_default=True)
@click.option("--fps", default=15.0, show_default=True)
@click.option("--height", default=480, show_default=True, help="Rows; the width is twice that.")
@click.option("--seed", default=7, show_default=True)
def main(output: Path, seconds: float, fps: float, height: int, seed: int) -> None:
    """Write a made-up 360° clip to OUTPUT."""
    render_video(output, seconds=seconds, frame_rate=fps, erp_height=height, seed=seed)
    click.echo(output)


if __name__ == "__main__":
    main()
