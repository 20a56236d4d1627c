import pytest

from atsal.untrusted.paths import is_inside, is_name


@pytest.mark.parametrize("name", ["a.png", "a/b.png", "frames/000001.jpg", "a..b", "...", "é x", "-"])
def test_paths_that_stay_inside(name):
    assert is_inside(name)
    assert is_name(name) == ("/" not in name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../a",
        "a/../../b",
        "a/..",
        "..",
        "C:\\a",
        "C:a",
        "\\a",
        "a\\..\\b",
        "//host/a",
        "a\0b",
        3,
        None,
    ],
)
def test_paths_that_lead_elsewhere(name):
    assert not is_inside(name)
    assert not is_name(name)


def test_the_folder_itself_is_no_name():
    assert not is_name(".")
