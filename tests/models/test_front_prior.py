"""The front prior as a density, and the file that it ships in."""

import json
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from atsal.errors import ConfigError, WeightsError
from atsal.models.front_prior import PHOTO, FrontPrior, FrontPriorConfig, LatitudeProfile, LongitudeProfile
from atsal.models.front_prior_file import FRONT_PRIOR, read_front_priors
from atsal.projection import solid_angle_weights

ROWS = 36
PRIOR = FrontPriorConfig(
    LatitudeProfile(centre_deg=-4, narrow_deg=8, broad_deg=25, broad=0.3, floor=0.02),
    LongitudeProfile(narrow_deg=12, narrow=0.2, broad_deg=40, broad=0.3),
    start=0.4,
    start_deg=10,
    fading_s=3,
    video_strength=0.8,
    photo_strength=0.25,
)
TIMES = torch.tensor([PHOTO, 0.0, 2.0, 10.0, 1e6], dtype=torch.float64)


def density(config=PRIOR, front_deg=0.0, seconds=TIMES, rows=ROWS):
    return FrontPrior(config, rows, front_deg)(seconds)[:, 0]


def longitudes(maps):
    """The profile of each map, (T, 2H), of mean 1: the maps are separable."""
    return maps.mean(1) / maps.mean((1, 2))[:, None]


@pytest.mark.parametrize("front_deg", [0.0, 73.0, None])
def test_it_is_a_density_on_the_sphere(front_deg):
    weights = solid_angle_weights(ROWS)
    found = density(front_deg=front_deg)
    assert found.shape == (5, ROWS, 2 * ROWS)
    assert found.min() > 0
    mean = (found * weights).sum((1, 2)) / (2 * ROWS * weights.sum())
    torch.testing.assert_close(mean, torch.ones(5, dtype=torch.float64))


def test_left_and_right_are_alike_and_the_front_is_the_peak():
    found = density()
    torch.testing.assert_close(found, found.flip(2))
    assert (found[:, :, ROWS] >= found.amax(2) * (1 - 1e-9)).all()
    assert (longitudes(found)[:, ROWS] > 1.1).all()


def test_the_latitudes_are_those_of_the_profile():
    found = density()
    degrees = 90 - (torch.arange(ROWS) + 0.5) * 180 / ROWS
    assert abs(degrees[int(found[0, :, 0].argmax())] - PRIOR.latitude.centre_deg) < 180 / ROWS
    torch.testing.assert_close(found[:, :, 0] / found[:, :1, 0], found[:1, :, 0].expand(5, -1) / found[:1, :1, 0])
    expected = PRIOR.latitude(torch.deg2rad(degrees.double()))
    torch.testing.assert_close(found[0, :, 0] / found[0, 0, 0], expected / expected[0])


def test_the_start_fades_away():
    photo, start, soon, later, end = longitudes(density(replace(PRIOR, photo_strength=0.8)))
    assert start[ROWS] > soon[ROWS] > later[ROWS] > end[ROWS]
    torch.testing.assert_close(end, photo)
    half = density(replace(PRIOR, start=0.0))
    torch.testing.assert_close(longitudes(half)[1], longitudes(half)[4])


def test_photos_have_a_strength_of_their_own():
    photo, *videos = longitudes(density())
    assert all(photo[ROWS] < video[ROWS] for video in videos)
    whole = longitudes(density(replace(PRIOR, photo_strength=1.0)))[0]
    torch.testing.assert_close(photo.log() - photo[0].log(), 0.25 * (whole.log() - whole[0].log()))
    flat = longitudes(density(replace(PRIOR, photo_strength=0.0)))[0]
    torch.testing.assert_close(flat, torch.ones_like(flat))


def test_front_turns_it():
    turned = density(front_deg=90.0)
    torch.testing.assert_close(turned, density().roll(ROWS // 2, 2))
    torch.testing.assert_close(density(front_deg=-180.0), density(front_deg=180.0))


def test_without_a_front_latitude_alone_is_left():
    found = density(front_deg=None)
    torch.testing.assert_close(found, found[:1, :, :1].expand_as(found))
    torch.testing.assert_close(found[0, :, 0] / found[0, 0, 0], density()[0, :, 0] / density()[0, 0, 0])


def test_a_frame_has_the_same_prior_in_every_batch_and_precision():
    torch.testing.assert_close(density(seconds=TIMES[2:3])[0], density()[2])
    torch.testing.assert_close(density(seconds=TIMES.float()), density().float(), rtol=1e-4, atol=1e-5)


def ends(low, high):
    return st.one_of(st.sampled_from([low, high]), st.floats(low, high))


LATITUDES = st.builds(LatitudeProfile, ends(-90, 90), ends(1, 90), ends(1, 180), ends(0, 100), ends(0, 100))
SHARES = st.sampled_from([(0.0, 0.0), (0.999999, 0.0), (0.0, 0.999999), (0.5, 0.499999), (0.1, 0.4)])
LONGITUDES = st.builds(
    lambda shares, narrow, broad: LongitudeProfile(narrow, shares[0], broad, shares[1]),
    SHARES,
    ends(1, 180),
    ends(1, 180),
)
CONFIGS = st.builds(
    FrontPriorConfig,
    LATITUDES,
    LONGITUDES,
    ends(0, 0.99),
    ends(1, 180),
    ends(0.1, 1000),
    ends(0, 3),
    ends(0, 3),
    ends(0, 3),
)


@settings(max_examples=100)
@given(CONFIGS)
def test_no_setting_that_is_taken_gives_zeros_or_what_is_no_number(config):
    """In float32, as runtimes have it: a weight folder may hold any."""
    found = density(config, seconds=TIMES.float())
    assert found.isfinite().all()
    assert found.min() > 0


@pytest.mark.parametrize(
    ("part", "wrong", "message"),
    [
        (PRIOR, {"fading_s": 0.0}, "fading_s"),
        (PRIOR, {"start": 1.0}, "start"),
        (PRIOR, {"video_strength": 3.5}, "video_strength"),
        (PRIOR, {"photo_strength": -1.0}, "photo_strength"),
        (PRIOR.longitude, {"narrow": 0.8}, "sum below 1"),
        (PRIOR.latitude, {"narrow_deg": 0.0}, "narrow_deg"),
    ],
)
def test_what_is_no_density_is_refused(part, wrong, message):
    with pytest.raises(ConfigError, match=message):
        replace(part, **wrong)


def test_the_priors_that_ship():
    priors = read_front_priors()
    head, eye = priors.of("head"), priors.of("head_eye")
    assert (head, eye) == (priors.head, priors.head_eye)
    assert eye.latitude.centre_deg < head.latitude.centre_deg, "eyes look below the head's direction"
    assert eye.longitude == head.longitude
    assert eye.video_strength > head.video_strength >= head.photo_strength
    sources = {source.name: source for source in priors.sources}
    assert sources["nasrabadi"].licence == "MIT"
    assert sources["avtrack360"].used == "latitude"
    assert len(FRONT_PRIOR.read_bytes()) < 4000


def spoilt(document, **changes):
    return json.dumps(document | changes)


def test_a_file_of_another_shape_is_refused(tmp_path):
    document = json.loads(FRONT_PRIOR.read_text())
    path = tmp_path / "prior.json"
    for text, message in [
        ("{", "JSON"),
        ("[]", "expected an object"),
        (spoilt(document, format="atsal front priors 9"), "format"),
        (spoilt(document, more=1), "unknown setting 'more'"),
        (spoilt(document, head={**document["head"], "fading_s": "long"}), "fading_s"),
        (spoilt(document, head={**document["head"], "start": 7}), "start 7"),
        (json.dumps({name: value for name, value in document.items() if name != "head_eye"}), "head_eye"),
    ]:
        path.write_text(text)
        with pytest.raises(WeightsError, match=message) as error:
            read_front_priors(path)
        assert str(path) in str(error.value)
    with pytest.raises(WeightsError, match="cannot be read"):
        read_front_priors(tmp_path / "gone.json")
    path.write_text(json.dumps(document))
    assert read_front_priors(path) == read_front_priors()
