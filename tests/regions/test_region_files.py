import json

import pytest

from atsal.errors import ConfigError, DataError
from atsal.regions import FrameRegions, Regions, read_regions, write_regions
from fakes.blob_maps import tracked_scene


@pytest.fixture(scope="module")
def regions():
    paths = [lambda t: (170 + 20 * t, 3, 1, 6), lambda t: (-150 - 20 * t, -3, 0.8, 6)]
    frames = [frame for _, frame in tracked_scene(paths, 45)]
    return Regions((*frames, FrameRegions(50, 2.0, ())), "VIDEO.mp4", {"model": "lite"})


def almost(frames):
    return [
        (f.frame_index, pytest.approx(f.timestamp_s, abs=1e-6), [region_values(r) for r in f.regions]) for f in frames
    ]


def region_values(region):
    numbers = (region.yaw_deg, region.pitch_deg, region.width_deg, region.height_deg, region.weight, region.peak)
    return pytest.approx([*numbers, region.peak_yaw_deg, region.peak_pitch_deg], abs=1e-6), region.id, region.merged_ids


@pytest.mark.parametrize("suffix", ["json", "csv", "parquet"])
def test_what_is_written_is_read_again(regions, tmp_path, suffix):
    path = tmp_path / f"regions.{suffix}"
    write_regions(path, regions)
    found = read_regions(path)
    expected = (
        regions.frames if suffix == "json" else regions.frames[:-1]
    )  # a table has no row for a frame without regions
    assert any(r.merged_ids for frame in expected for r in frame.regions)
    assert [
        (f.frame_index, f.timestamp_s, [([*vars(r).values()][:8], r.id, r.merged_ids) for r in f.regions])
        for f in found.frames
    ] == almost(expected)
    write_regions(tmp_path / f"again.{suffix}", found)
    assert read_regions(tmp_path / f"again.{suffix}") == found
    if suffix == "json":
        assert (found.source, found.settings) == ("VIDEO.mp4", {"model": "lite"})


def test_a_track_is_found_by_its_identity(regions):
    assert [frame.frame_index for frame, region in regions.track(1)][:3] == [0, 1, 2]
    assert {region.id for _, region in regions.track(2)} == {2}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "x"}, r"format 'x', version 1; expected format 'atsal-regions', version 1"),
        ({"version": 2}, "version 2"),
        ({"frames": {}}, "a list `frames`"),
        ({"frames": [{"frame_index": 0, "timestamp_s": 0}]}, "a list `regions`"),
        (
            {"frames": [{"frame_index": -1, "timestamp_s": 0, "regions": []}]},
            "frame -1: frame_index -1; expected a whole",
        ),
        ({"frames": [{"frame_index": 1, "timestamp_s": t, "regions": []} for t in (0, 1)]}, "each frame once"),
    ],
)
def test_documents_of_another_form_are_refused(regions, tmp_path, change, message):
    path = tmp_path / "r.json"
    write_regions(path, regions)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match=message):
        read_regions(path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("yaw_deg", 200, "frame 0: yaw_deg 200; expected a number from -180 to 180"),
        ("weight", None, "weight None"),
        ("id", 1.5, "id 1.5; expected a whole number"),
        ("merged_ids", 3, "merged_ids 3; expected a list"),
        ("pitch", 3, "unknown column 'pitch'.*pitch_deg"),
        ("peak", True, "peak True"),
        ("peak", "nan", "peak 'nan'"),
    ],
)
def test_a_wrong_value_is_named(regions, tmp_path, name, value, message):
    path = tmp_path / "r.json"
    write_regions(path, regions)
    document = json.loads(path.read_text())
    document["frames"][0]["regions"][0][name] = value
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match=message):
        read_regions(path)


def test_a_wrong_cell_of_a_table_is_named(regions, tmp_path):
    path = tmp_path / "r.csv"
    write_regions(path, regions)
    lines = path.read_text().splitlines()
    cells = lines[3].split(",")
    path.write_text("\n".join([*lines[:3], ",".join([*cells[:2], "east", *cells[3:]])]))
    with pytest.raises(DataError, match="row 3: yaw_deg 'east'"):
        read_regions(path)


def test_another_suffix_is_refused(regions, tmp_path):
    with pytest.raises(ConfigError, match=r"r.xml: regions are kept in .json, .csv, .parquet"):
        write_regions(tmp_path / "r.xml", regions)
    assert not list(tmp_path.iterdir())


def test_a_table_with_too_many_rows_or_a_line_without_end_is_refused(regions, tmp_path, monkeypatch):
    path = tmp_path / "regions.csv"
    write_regions(path, regions)
    monkeypatch.setattr("atsal.regions.files._MAX_ROWS", 5)
    with pytest.raises(DataError, match="more than 5 rows"):
        read_regions(path)
    path.write_text("frame_index," + "x" * 20_000)
    with pytest.raises(DataError):
        read_regions(path)
