import os

import pytest

from atsal.errors import DataError
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import parse_json, read_json, read_object

BLAME = ErrorFactory(DataError, "facts.json", "copy it again")


def test_what_json_can_hold_comes_back(tmp_path):
    path = tmp_path / "facts.json"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path.write_text('{"a": [1, -2.5e3, true, null, "é\\n\\\\u0000"], "b": {"a": 9007199254740993}}', encoding)
        assert read_json(path, BLAME) == {"a": [1, -2500.0, True, None, "é\n\\u0000"], "b": {"a": 2**53 + 1}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expecting value"),
        ('{"a": NaN}', "NaN is not a number"),
        ("[-Infinity]", "-Infinity is not a number"),
        ("[1e999]", "'1e999' is too large"),
        ("[" + "9" * 400 + "]", "an integer of 400 digits"),
        ('{"a": 1, "a": 2}', "duplicate key 'a'"),
        ("[" * 65 + "]" * 65, "nested deeper than 64"),
        ("[" * 100_000, "nested too deep"),
        ('["\\ud800"]', "surrogates not allowed"),
        ('["\\u0000"]', "null byte"),
        ('{"a": 1} x', "Extra data"),
        ('{"a": 1', "Expecting"),
        (b"\xff\xfe\xfa", "no text in UTF-8"),
        (b'{"a": "\xe9"}', "no text in UTF-8"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(DataError, match=rf"(?s)^facts\.json: .*{message}.*; copy it again$") as raised:
        parse_json(text, BLAME)
    assert len(str(raised.value)) < 300


def test_numbers_that_are_none_are_left_to_readers_that_count_them():
    assert parse_json("[Infinity, 1e999]", BLAME, finite=False) == [float("inf")] * 2


def test_many_keys_of_one_name_take_no_time():
    text = "{" + ", ".join(f'"k{n}": 0' for n in range(100_000)) + ', "k99999": 1}'
    with pytest.raises(DataError, match="duplicate key 'k99999'"):
        parse_json(text, BLAME)


def test_files_that_are_none(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        read_json(tmp_path / "none.json", BLAME)
    with pytest.raises(DataError, match="is not a file"):
        read_json(tmp_path, BLAME)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="is not a file"):
        read_json(tmp_path / "pipe", BLAME)
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(DataError, match="holds a list, expected an object"):
        read_object(tmp_path / "list.json", BLAME)
