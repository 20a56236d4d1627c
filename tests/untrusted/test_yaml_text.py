import pytest

from atsal.errors import ConfigError
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.yaml_text import parse_yaml

BLAME = ErrorFactory(ConfigError, "a.yaml", "mend it")


def test_plain_data_comes_back():
    text = "a: 1\nb: [1, 2.5, 1e-4, .5, x, true, off, ~, null, '1', -3, +4]\nc:\nd: {e: 'é', \"f\": \"\\x41\"}\n"
    expected = [1, 2.5, 1e-4, 0.5, "x", True, False, None, None, "1", -3, 4]
    assert parse_yaml(text, BLAME) == {"a": 1, "b": expected, "c": None, "d": {"e": "é", "f": "A"}}


def test_numbers_in_other_ways_are_texts():
    """To YAML 1.1, `010` is 8 and `1:30` is 90."""
    assert parse_yaml("[010, 1:30, 0x10, 2020-01-01]", BLAME) == ["010", "1:30", "0x10", "2020-01-01"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [1]\nb: *x", "anchors"),
        ("a: &a [l]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]", "anchors"),
        ("a: 1\nb:\n  c: 1\n  c: 2", r"\(line 4\): duplicate key 'c'"),
        ("1: 2", "a key is not text"),
        ("? [a]\n: 1", "a key is not text"),
        ("a: .inf", "finite"),
        ("a: -.INF", "finite"),
        ("a: .nan", "finite"),
        ("a: 1e999", "finite"),
        ("a: " + "9" * 5000, "an integer of 5000 digits"),
        ("[" * 100_000, "nested deeper than 32"),
        ("- " * 1000, "nested deeper than 32"),
        ("a: " + "{a: " * 50 + "1" + "}" * 50, "nested deeper than 32"),
        ("a: !!python/object:os.system x", "tags"),
        ("a: !!int abc", "tags"),
        ("a: !mine x", "tags"),
        ('a: "x\\0y"', "null byte"),
        ('a: "\\ud800"', "lone surrogate"),
        ("a: \0", "special characters"),
        ("a: 1\n---\nb: 2", "another document"),
        ("a: [", r"\(line 1\): "),
        ("a: \x1b[31m*", "special characters"),
        ("x" * 600_000, "longer than"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(ConfigError, match=rf"^a\.yaml: .*{message}.*; mend it$") as raised:
        parse_yaml(text, BLAME)
    assert len(str(raised.value)) < 400
