"""The fit of the front prior: it finds what made the looks, counts sets alike and refuses what is no log."""

import gzip
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from atsal.cli import main
from atsal.errors import ConfigError, DataError
from atsal.models.front_prior import FrontPrior, FrontPriorConfig, LatitudeProfile, LongitudeProfile
from atsal.models.front_prior_file import read_front_priors
from atsal.projection import solid_angle_weights
from atsal.training.fit_front_prior import START, START_DEG, STRENGTHS, fit_front, front_gain, held_out_gains
from atsal.training.head_logs import read_head_log, read_head_logs
from fakes.avtrack360 import pack, write_avtrack360

TRUE = FrontPriorConfig(
    LatitudeProfile(centre_deg=-5, narrow_deg=8, broad_deg=25, broad=0.4, floor=0.02),
    LongitudeProfile(narrow_deg=9, narrow=0.25, broad_deg=40, broad=0.35),
    start=START,
    start_deg=START_DEG,
    fading_s=3,
)
ROWS = 90  # pixels of 2°


def sampled(config, seed, *, samples=12_000, videos=2, turn_deg=0.0):
    """Rows of a table: looks drawn from a prior, half of them in the first 8 s."""
    rng = np.random.default_rng(seed)
    early, late = np.arange(0, 8, 0.5), np.arange(8, 24, 0.5)
    times = np.concatenate([early, late[::2]])
    maps = FrontPrior(config, ROWS)(torch.from_numpy(times))[:, 0] * solid_angle_weights(ROWS)
    rows = []
    viewers = samples // (len(times) * videos)
    for number, time in enumerate(times):
        shares = (maps[number] / maps[number].sum()).flatten().numpy()
        for video in range(videos):
            pixel = rng.choice(len(shares), viewers, p=shares / shares.sum())
            lat = 90 - (pixel // (2 * ROWS) + rng.random(viewers)) * 2
            lon = (pixel % (2 * ROWS) + rng.random(viewers)) * 2 - 180
            lon = (lon + turn_deg + 180) % 360 - 180
            rows += [(f"v{video}", f"p{n}", time, lon[n], lat[n]) for n in range(viewers)]
    return sorted(rows, key=lambda row: (row[0], row[1], row[2]))


def write(path, rows, header="video,viewer,t_s,lon_deg,lat_deg"):
    text = "\n".join([header, *(f"{v},{p},{t:g},{lon:.2f},{lat:.2f}" for v, p, t, lon, lat in rows)]) + "\n"
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt") as file:
        file.write(text)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """`seen.csv.gz`, drawn from the true prior, and `turned.csv`, whose front lies behind."""
    folder = tmp_path_factory.mktemp("logs")
    write(folder / "seen.csv.gz", sampled(TRUE, 0, samples=60_000))
    write(folder / "turned.csv", sampled(TRUE, 1, samples=6_000, turn_deg=180))
    return folder


def test_the_fit_finds_what_made_the_looks(made):
    (log,) = read_head_logs([made / "seen.csv.gz"])
    found = fit_front([log])
    assert found.latitude.centre_deg == pytest.approx(-5, abs=0.5)
    assert found.fading_s == pytest.approx(3, rel=0.3)
    assert (found.video_strength, found.photo_strength) == (1, 1)
    seconds = torch.tensor([0.0, 3.0, 30.0], dtype=torch.float64)
    true, fitted = (FrontPrior(config, 45)(seconds) for config in (TRUE, found))
    assert ((fitted / true - 1).abs() < 0.25).all(), "each density within a quarter"
    weights = solid_angle_weights(45)
    divergence = (weights * true * (true / fitted).log()).sum((-2, -1)) / (90 * weights.sum()) / math.log(2)
    assert divergence.max() < 0.01, "bits"
    assert front_gain(found, log.histogram) >= front_gain(TRUE, log.histogram) - 1e-3, "no parameters are likelier"


def test_a_gain_is_what_the_longitudes_say_over_the_latitudes(made):
    seen, turned = read_head_logs([made / "seen.csv.gz", made / "turned.csv"])
    known, early = front_gain(TRUE, seen.histogram), front_gain(TRUE, seen.histogram, 0, 2)
    assert early > known > front_gain(TRUE, seen.histogram, 10) > 0.1
    assert front_gain(TRUE, turned.histogram) < -0.2
    assert front_gain(replace(TRUE, video_strength=0.0), seen.histogram) == pytest.approx(0, abs=1e-9)
    gains = dict(held_out_gains([seen, turned]))
    alone = fit_front([seen])
    expected = [front_gain(alone, turned.histogram, *span) for span in ((0,), (0, 4), (4,))]
    assert gains["turned"] == pytest.approx(expected), "the set itself is held out"


def test_sets_count_alike_and_some_for_their_latitudes_alone(made, tmp_path):
    lower = replace(TRUE, latitude=replace(TRUE.latitude, centre_deg=-15))
    write(tmp_path / "lower.csv", sampled(lower, 2, samples=6_000, turn_deg=180))
    alone = fit_front(read_head_logs([made / "seen.csv.gz"]))
    both = fit_front(read_head_logs([made / "seen.csv.gz"], [tmp_path / "lower.csv"]))
    assert both.latitude.centre_deg == pytest.approx(-10, abs=1.5), "though one has a tenth of the looks"
    assert both.longitude.narrow == pytest.approx(alone.longitude.narrow, abs=0.01)
    assert both.fading_s == pytest.approx(alone.fading_s, rel=0.02)
    with pytest.raises(DataError, match="no head directions"):
        fit_front(read_head_logs([], [tmp_path / "lower.csv"]))


def test_videos_of_a_set_count_alike(tmp_path):
    rows = [("long", "p", 0.5 * n, 90.0, 0.0) for n in range(300)] + [
        ("short", "p", 0.5 * n, 0.0, 0.0) for n in range(3)
    ]
    looks = read_head_log(write(tmp_path / "two.csv", rows)).histogram
    shares = looks.longitude.sum(0)
    assert shares[180 + 90] == pytest.approx(0.5)
    assert shares[180] == pytest.approx(0.5)
    assert looks.longitude[-1].sum() == pytest.approx(0.5 * 260 / 300), "all that is later than 20 s"


def test_avtrack360_is_read_as_released(tmp_path):
    write_avtrack360(tmp_path, items=2, observers=3, stills=True)
    folder = tmp_path / "AVTrack360_dataset" / "Head_rotation"
    pack(folder, tmp_path / "heads.tar.xz")
    packed, plain = read_head_log(tmp_path / "heads.tar.xz"), read_head_log(folder)
    assert (packed.source.name, packed.source.viewers, packed.source.videos) == ("avtrack360", 3, 2)
    assert "GPL" in packed.source.licence
    np.testing.assert_array_equal(packed.histogram.longitude, plain.histogram.longitude)
    assert packed.source.sha256 != plain.source.sha256
    assert len(plain.source.sha256) == 64
    early = packed.histogram.longitude[:3].sum(0)
    assert early[180] == pytest.approx(early.sum()), "all begin at yaw 0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("video,viewer,t_s,lon_deg\na,b,0,1\n", "no column 'lat_deg'"),
        ("video,viewer,t_s,lon_deg,lat_deg\n", "no row"),
        ("video,viewer,t_s,lon_deg,lat_deg\na,b,0,1,2\na,b,1,left,2\n", "line 3: lon_deg"),
        ("video,viewer,t_s,lon_deg,lat_deg\na,b,0,1,2\na,b,1,,2\n", "line 3.*expected a direction"),
        ("video,viewer,t_s,lon_deg,lat_deg\na,b,0,1,2\na,b,1,1,2\na,b,2,1,95\n", "line 4.*expected a direction"),
        ("video,viewer,t_s,lon_deg,lat_deg\na,b,0,1,2\na,b,-1,1,2\n", "line 3.*expected a direction"),
        ("video,viewer,t_s,lon_deg,lat_deg\na,b,5,1,2\na,b,1,1,2\n", "line 3: time goes back"),
    ],
)
def test_bad_tables_are_refused_with_their_line(tmp_path, text, message):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as error:
        read_head_log(path)
    assert "bad.csv" in str(error.value)


def test_what_is_no_log_is_refused(tmp_path, made):
    with pytest.raises(DataError, match="no such file"):
        read_head_log(tmp_path / "gone.csv")
    with pytest.raises(DataError, match="AVTrack360"):
        read_head_log(tmp_path)
    with pytest.raises(ConfigError, match="given 2 times"):
        read_head_logs([made / "turned.csv"], [made / "turned.csv"])
    with pytest.raises(ConfigError, match="did you mean 'turned'"):
        read_head_logs([made / "turned.csv"], licences={"turnd": "MIT"})


def test_the_command_writes_priors_of_both_directions(made, tmp_path):
    out = tmp_path / "prior.json"
    arguments = ["weights", "front", str(made / "seen.csv.gz"), str(made / "turned.csv"), "-o", str(out)]
    found = CliRunner().invoke(main, [*arguments, "--licence", "seen=CC0"], catch_exceptions=False)
    assert found.exit_code == 0
    assert [line.split(":")[0] for line in found.output.splitlines()[1:3]] == ["seen", "turned"]
    priors = read_front_priors(out)
    assert [(s.name, s.licence, s.viewers, s.videos) for s in priors.sources[:1]] == [("seen", "CC0", 937, 2)]
    assert priors.sources[1].licence == "not stated"
    assert priors.head_eye.latitude.centre_deg == pytest.approx(priors.head.latitude.centre_deg - 3)
    for direction, strengths in STRENGTHS.items():
        assert (priors.of(direction).video_strength, priors.of(direction).photo_strength) == strengths
    assert json.loads(out.read_text())["sources"][0]["sha256"] == read_head_log(made / "seen.csv.gz").source.sha256
    again = CliRunner().invoke(main, arguments)
    assert again.exit_code == 1
    assert "--overwrite" in again.output
    wrong = CliRunner().invoke(main, [*arguments, "--overwrite", "--licence", "MIT"])
    assert wrong.exit_code == 1
    assert "NAME=TEXT" in wrong.output
