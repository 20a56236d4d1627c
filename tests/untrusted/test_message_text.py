"""What others wrote can neither fill memory nor steer a terminal through our messages."""

import pytest

from atsal.untrusted.text import escape_controls, short_repr, shorten_list


def test_a_value_is_quoted_as_python_writes_it() -> None:
    assert short_repr("a b") == "'a b'"
    assert short_repr([1, 2.5, None]) == "[1, 2.5, None]"


def test_a_long_value_is_cut() -> None:
    assert len(short_repr("x" * 10**6)) <= 80
    assert len(short_repr({str(n): "y" * 99 for n in range(99)}, limit=40)) == 40
    assert len(shorten_list(["a", "x" * 10**6, "b"])) <= 90


def test_a_shared_value_is_not_written_out() -> None:
    bomb: object = "boom"
    for _ in range(200):  # written out, 2^200 words
        bomb = (bomb, bomb)
    assert len(short_repr(bomb)) <= 80


def test_a_deep_value_is_no_recursion() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert short_repr(deep) == "[[[[...]]]]"
    while deep:  # taken apart by hand, for Python does so by recursion
        deep = deep.pop()  # type: ignore[assignment]


def test_an_integer_of_thousands_of_digits() -> None:
    assert "5001 digits" in short_repr(10**5000)
    assert short_repr(-12) == "-12"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain é 视频", "plain é 视频"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("one\nline", "one\\nline"),
        ("a\u202eb", "a\\u202eb"),  # right-to-left override
        ("\x9b31m", "\\x9b31m"),  # a one-character CSI
        ("\udcff", "\\udcff"),  # an undecodable byte of a file name
        ("a\u2028b", "a\\u2028b"),
    ],
)
def test_control_characters_are_written_as_escapes(text: str, expected: str) -> None:
    assert escape_controls(text) == expected
