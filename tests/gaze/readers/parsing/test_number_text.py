import math

import pytest

from atsal.errors import DataError
from atsal.gaze.readers.parsing.number_text import parse_number, parse_numbers
from atsal.gaze.readers.parsing.text_table import read_table


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("-1.5", -1.5), ("+.5", 0.5), ("2.", 2), ("1.2e3", 1200), ("1E-2", 0.01), (" 7\t", 7), ("007", 7)],
)
def test_numbers(text, value):
    assert parse_number(text) == value
    assert parse_numbers([text, text]).tolist() == [value, value]


@pytest.mark.parametrize("text", ["", " ", "nan", "NaN", "-nan", "NA", "None", "null", "inf", "-Infinity", "-nan(ind)"])
def test_missing_values(text):
    assert math.isnan(parse_number(text))
    assert parse_numbers(["1", text]) is None


@pytest.mark.parametrize(
    "text",
    ["1_000", "0x10", "٣", "１", "1e999", "-1e400", "1,5", "1 000", "1e", ".", "-", "--1", "1.2.3", "1e5_0", "1j"],
)
def test_what_is_no_number(text):
    assert parse_number(text) is None
    assert parse_numbers([text]) is None


@pytest.mark.parametrize("text", ["1,5", "1.234,5", "1 234", "1'234'567"])
def test_commas_are_told(text, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"a;b\n1;{text}\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"line 2: b is .*expected a number: a decimal comma, or a separator of thousands"
    ):
        read_table(path, separator=";").numbers("b")
