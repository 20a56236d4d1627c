import pytest

from atsal.errors import ConfigError
from atsal.gaze.readers.table_columns import TableColumns, parse_columns, read_columns_file
from atsal.gaze.readers.table_fields import FIELDS, MEANINGS

PLACE = {"observer": "who", "lon_deg": "x", "lat_deg": "y"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"observer": "o", "lon": "x", "lat_deg": "y"}, "unknown field 'lon'; did you mean 'lon_deg'"),
        ({"observer": "o", "lat_deg": "y"}, "no horizontal position; declare one of lon_deg, "),
        ({"observer": "o", "lon_deg": "x"}, "no vertical position; declare one of lat_deg, "),
        ({"lon_deg": "x", "lat_deg": "y"}, "neither observer nor item"),
        (PLACE | {"u": "x"}, "lon_deg and u both give the horizontal position"),
        (PLACE | {"clock_s": "t", "timestamp_s": "t"}, "timestamp_s and clock_s both give the time"),
        (PLACE | {"valid": "a", "lost": "b"}, "both give the validity"),
        (PLACE | {"frame_index": "n", "duration_ms": "d"}, "declare no frame"),
        (PLACE | {"width_px": "3840"}, "width_px is for x_px; leave it out"),
        (PLACE | {"height_px": "tall"}, "height_px is 'tall'; expected a number of pixels"),
    ],
)
def test_declarations_that_contradict_themselves(fields, message):
    with pytest.raises(ConfigError, match=message):
        TableColumns(fields)


@pytest.mark.parametrize(
    ("fields", "fixations"),
    [
        ({}, True),
        ({"timestamp_ms": "t"}, False),
        ({"frame_number": "n"}, False),
        ({"onset_s": "t"}, True),
        ({"timestamp_ms": "t", "duration_ms": "d"}, True),
        ({"clock_iso": "t", "duration_s": "d"}, True),
    ],
)
def test_what_a_row_is(fields, fixations):
    assert TableColumns(PLACE | fields).holds_fixations == fixations


def test_texts_of_the_command_line():
    assert parse_columns(["observer=who, yaw_deg = Head Yaw", "lat_deg"]) == {
        "observer": "who",
        "yaw_deg": "Head Yaw",
        "lat_deg": "lat_deg",
    }
    for text in ("observer=", "=who", "a,,b"):
        with pytest.raises(ConfigError, match="expected FIELD=COLUMN"):
            parse_columns([text])
    with pytest.raises(ConfigError, match="given twice"):
        parse_columns(["observer=a", "observer=b"])


def test_a_file_of_columns(tmp_path):
    path = tmp_path / "columns.yaml"
    path.write_text("observer: who\nx_px: x\ny_px: 7\nwidth_px: 3840\n")
    assert read_columns_file(path) == {"observer": "who", "x_px": "x", "y_px": "7", "width_px": "3840"}
    path.write_text("- observer\n")
    with pytest.raises(ConfigError, match=r"columns\.yaml: expected one field a line"):
        read_columns_file(path)


def test_people_can_read_about_every_field():
    told = set()
    for names in MEANINGS:
        first, *rest = names.split(", ")
        told |= {first, *(name if name[0] != "_" else first.rpartition("_")[0] + name for name in rest)}
    assert told == set(FIELDS)
