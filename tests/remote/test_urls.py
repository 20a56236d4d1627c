import pytest

from atsal.remote.urls import file_name, shown_url, without_secrets


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/a.mp4", "https://host/a.mp4"),
        ("https://user:word@host:8080/a.mp4#t=5", "https://host:8080/a.mp4"),
        ("https://host/a.mp4?X-Amz-Signature=abc&id=7", "https://host/a.mp4?X-Amz-Signature=…&id=…"),
        ("https://host/a.mp4?token", "https://host/a.mp4?…"),
        ("https://[host/word@a.mp4", "https://…"),
        ("https://user:wo#rd@host/a.mp4", "https://…"),
        ("https://user:wo/rd@host/a.mp4", "https://…"),
        ("https://user:wo?rd@host/a.mp4", "https://…"),
        ("https://host/a.mp4?c2VjcmV0IQ==", "https://host/a.mp4?…"),
        ("s3://bucket/what?/a#1@2.mp4", "s3://bucket/what?/a#1@2.mp4"),
        ("s3://key:word@bucket/a.mp4", "s3://bucket/a.mp4"),
        ("ftp://user:word@host/a.mp4?sig=abc", "ftp://host/a.mp4?sig=…"),
        ("zip://a.mp4::https://user:word@host/b.zip", "zip://…"),
        ("s3://bucket/a.mp4::https://user:word@host/b.zip", "s3://bucket/a.mp4::…"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url, shown):
    assert shown_url(url) == shown


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("--output=s3://key:word@bucket/maps", "--output=s3://bucket/maps"),
        ("-os3://key:word@bucket/maps", "-os3://bucket/maps"),
        (' "https://user:word@host/a.mp4?sig=abc', ' "https://host/a.mp4?sig=…'),
        ("maps/a:b", "maps/a:b"),
    ],
)
def test_a_url_inside_an_argument_is_shown_without_its_secrets(argument, shown):
    assert without_secrets(argument) == shown


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://host/clips/a%20b.mp4?sig=x/y.jpg", "a b.mp4"),
        ("https://host/..%2F..%2Fetc", ".._.._etc"),
        ("https://host", "host"),
        ("https://host/a%00%0A%1B%5B31m%E2%80%AE%5Cb.mp4", "a___[31m__b.mp4"),
        ("s3://bucket/clips/a\n\x1b..\\b.mp4", "a__.._b.mp4"),
        ("s3://bucket/clips/what?.mp4", "what?.mp4"),
        ("s3://bucket/clips/", "clips"),
    ],
)
def test_results_are_named_after_the_last_part_of_the_path(url, name):
    assert file_name(url) == name
