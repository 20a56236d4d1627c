"""Made-up 360° scenes with moving objects at known directions: for demonstrations, tests and benchmarks.

Everything is drawn from formulas on the unit sphere, so the picture has no seam at ±180° and no hole at the poles.
Directions are in radians: `lon_rad` is 0 at the picture's centre and grows to the right, `lat_rad` grows upwards.
Pixel (i, j) of an (H, 2H) picture has its centre at lon = ((j + 1/2) / 2H - 1/2) 2π, lat = (1/2 - (i + 1/2) / H) π.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError
from atsal.video.writer import VideoWriter

Floats = NDArray[np.floating[Any]]
Look = Literal["face", "ball", "balloon"]

_LOOKS: tuple[Look, ...] = ("face", "ball", "balloon")
_VIVID = ((225, 62, 55), (246, 178, 42), (36, 140, 208), (62, 168, 94), (158, 82, 190), (240, 116, 160))
_SKIN = ((236, 190, 160), (198, 142, 104), (140, 92, 62), (246, 208, 182))
_WALLS = np.array([[176, 116, 94], [206, 186, 156], [134, 140, 152], [188, 152, 116], [160, 172, 166]])
_HAZE, _BLUE, _CLOUD = (206, 226, 240), (62, 124, 204), (252, 252, 250)
_STONE, _GLASS, _DARK, _PALE = (182, 174, 160), (84, 100, 122), (48, 36, 34), (250, 242, 222)
_HOUSES = 24


@dataclass(frozen=True)
class MovingObject:
    """A round object of angular radius `radius_rad` that circles the viewer at `speed` rad/s and sways up and down."""

    look: Look
    colour: tuple[int, int, int]
    radius_rad: float
    lon_rad: float
    lat_rad: float
    speed: float
    sway_rad: float
    sway_hz: float
    phase: float

    def direction(self, time_s: float) -> tuple[float, float]:
        """Return (lon_rad, lat_rad) of the centre at `time_s`, lon in [-π, π)."""
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
        return _make_objects(self.seed, self.object_count)

    def object_directions(self, time_s: float) -> NDArray[np.float64]:
        """Return the objects' centres at `time_s` as (N, 2) float64: lon_rad in [-π, π), lat_rad."""
        return np.array([thing.direction(time_s) for thing in self.objects], np.float64).reshape(-1, 2)

    def render(self, erp_height: int, time_s: float) -> NDArray[np.uint8]:
        """Draw the scene at `time_s` as an equirectangular picture (H, 2H, 3) uint8 RGB, H = `erp_height` >= 16."""
        if erp_height < 16:
            raise ConfigError(f"erp_height is {erp_height}; expected at least 16 pixels")
        picture = _draw_surroundings(self.seed, erp_height).copy()
        for thing in self.objects:
            _draw_object(picture, thing, time_s)
        return picture


def render_video(path: Path | str, *, seconds: float, frame_rate: float, erp_height: int, seed: int) -> None:
    """Write a clip of `Scene(seed)`: `seconds` long, 2·`erp_height` x `erp_height` pixels, tagged as 360°.

    Raises ConfigError for numbers out of range, and what `VideoWriter` raises.
    """
    if not (seconds > 0 and frame_rate > 0):
        raise ConfigError(f"seconds is {seconds} and frame_rate {frame_rate}; expected both greater than 0")
    scene = Scene(seed)
    with VideoWriter(path, (2 * erp_height, erp_height), Fraction(frame_rate).limit_denominator(1001)) as writer:
        for number in range(max(1, round(seconds * frame_rate))):
            time_s = number / frame_rate
            writer.write(scene.render(erp_height, time_s), time_s)


@lru_cache(maxsize=32)
def _make_objects(seed: int, count: int) -> tuple[MovingObject, ...]:
    rng = np.random.default_rng([seed, 1])
    start = rng.uniform(-math.pi, math.pi)
    found = []
    for number in range(count):
        look = _LOOKS[number % len(_LOOKS)]
        colours = _SKIN if look == "face" else _VIVID
        found.append(
            MovingObject(
                look=look,
                colour=colours[rng.integers(len(colours))],
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


@lru_cache(maxsize=4)
def _draw_surroundings(seed: int, height: int) -> NDArray[np.uint8]:
    """Draw sky, ground and a ring of houses, (H, 2H, 3) uint8."""
    rng = np.random.default_rng([seed, 0])
    lat, lon = _angles(np.arange(height), np.arange(2 * height), height)
    x, y, z = _unit_vectors(lat, lon)
    waves = np.zeros((height, 2 * height), np.float32)  # plane waves in space: smooth on the sphere, about ±1
    for _ in range(14):
        a, b, c = rng.uniform(4, 14) * rng.normal(size=3)
        waves += np.sin(a * x + b * y + c * z + rng.uniform(0, 2 * math.pi)) / 4
    depth = 1 / np.maximum(-y, 0.02)  # length of the ray to the ground; the tiles fade before they alias
    tiles = np.sign(np.sin(6 * x * depth + 0.9) * np.sin(6 * z * depth + 0.7)) * np.exp(-0.35 * depth)
    sky = _mix(_mix(_HAZE, _BLUE, np.sqrt(np.clip(y, 0, 1))), _CLOUD, np.clip(waves, 0, 1) * np.clip(4 * y, 0, 0.8))
    ground = np.array(_STONE, np.float32) * (1 + (0.05 * waves + 0.1 * tiles)[..., None])
    picture = np.where(y[..., None] > 0, sky, ground)

    position = (lon / (2 * math.pi) + rng.uniform()) % 1 * _HOUSES
    house = position.astype(int)
    roofs = np.radians(rng.uniform(2, 12, _HOUSES))[house]
    walls = _WALLS[rng.integers(len(_WALLS), size=_HOUSES)][house]
    is_window = (np.abs(position * 4 % 1 - 0.5) < 0.25) & (np.abs(np.degrees(lat) / 2.5 % 1 - 0.5) < 0.25)
    facades = np.where(is_window[..., None], _GLASS, walls)
    picture = np.where(((lat > 0) & (lat < roofs))[..., None], facades, picture)
    result: NDArray[np.uint8] = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    result.flags.writeable = False
    return result


def _draw_object(picture: NDArray[np.uint8], thing: MovingObject, time_s: float) -> None:
    """Draw `thing` over `picture` (H, 2H, 3) in place; only the pixels near it are visited."""
    lon0, lat0 = thing.direction(time_s)
    height = picture.shape[0]
    rows, columns = _pixels_near(height, lon0, lat0, thing.radius_rad)
    lat, lon = _angles(rows, columns, height)
    x, y, z = _unit_vectors(lat, lon - np.float32(lon0))  # rotated so that the object is straight ahead
    sin0, cos0, size = math.sin(lat0), math.cos(lat0), math.sin(thing.radius_rad)
    right, up = x / size, (y * cos0 - z * sin0) / size  # on the disc, 1 at its rim
    radius = np.hypot(right, up)
    pixel = math.pi / height / size
    opacity = np.where(y * sin0 + z * cos0 > 0, np.clip((1 - radius) / pixel + 0.5, 0, 1), 0)
    mark, mark_colour = _mark(thing.look, right, up)
    shade = 0.65 + 0.35 * np.sqrt(np.clip(1 - radius**2, 0, 1))
    painted = _mix(thing.colour, mark_colour, mark) * shade[..., None]
    place = rows[:, None], columns[None, :]
    picture[place] = np.clip(_mix(picture[place], painted, opacity) + 0.5, 0, 255).astype(np.uint8)


def _mark(look: Look, right: Floats, up: Floats) -> tuple[NDArray[np.bool_], tuple[int, int, int]]:
    """Return where on its disc an object has a second colour, and that colour."""
    if look == "face":
        eyes = np.hypot(np.abs(right) - 0.36, up - 0.12) < 0.14
        mouth = (np.abs(np.hypot(right, up + 0.05) - 0.5) < 0.08) & (up < -0.25)
        return eyes | mouth | (up > 0.6 - 0.45 * right**2), _DARK
    if look == "ball":
        return np.sin(3 * np.arctan2(right - 0.12, up - 0.25)) > 0, _PALE
    return np.abs(up + 0.1) < 0.24, _PALE


def _pixels_near(
    height: int, lon0: float, lat0: float, radius: float
) -> tuple[NDArray[np.signedinteger], NDArray[np.signedinteger]]:
    """Return the rows and the columns of the pixels within `radius` of a direction, and a few more."""
    width = 2 * height
    margin = radius + 2 * math.pi / height
    top = max(0, math.floor((0.5 - (lat0 + margin) / math.pi) * height))
    bottom = min(height, math.ceil((0.5 - (lat0 - margin) / math.pi) * height))
    if abs(lat0) + margin >= math.pi / 2:  # over a pole: all around
        return np.arange(top, bottom), np.arange(width)
    half = math.asin(min(1.0, math.sin(margin) / math.cos(lat0))) / (2 * math.pi) * width
    centre = (lon0 / (2 * math.pi) + 0.5) * width
    return np.arange(top, bottom), np.arange(math.floor(centre - half), math.ceil(centre + half)) % width


def _angles(rows: NDArray[Any], columns: NDArray[Any], height: int) -> tuple[Floats, Floats]:
    """Return the latitudes (h, 1) and longitudes (1, w) of pixel centres."""
    lat = (0.5 - (rows + 0.5) / height) * math.pi
    lon = ((columns + 0.5) / (2 * height) - 0.5) * 2 * math.pi
    return lat[:, None].astype(np.float32), lon[None, :].astype(np.float32)


def _unit_vectors(lat: Floats, lon: Floats) -> tuple[Floats, Floats, Floats]:
    """Return x to the right, y up and z ahead."""
    return np.cos(lat) * np.sin(lon), np.sin(lat) * np.ones_like(lon), np.cos(lat) * np.cos(lon)


def _mix(under: Any, over: Any, amount: NDArray[Any]) -> Floats:
    """Blend colours (…, 3): `under` where `amount` (…) is 0, `over` where it is 1."""
    low, high = np.asarray(under, np.float32), np.asarray(over, np.float32)
    blended: Floats = low + (high - low) * amount[..., None].astype(np.float32)
    return blended
