"""The summary of a batch, made from names that somebody chose to do harm."""

import csv
import os

from atsal.batch.ledger import Row
from atsal.batch.summary import CSV, PAGE, write_summary

ROWS = [
    Row("=1+1", "=cmd|x.mp4", "failed", 1, os.fsdecode(b"/out/\xff.json: exists")),
    Row("<img src=x>", "@b.mp4", "failed", 1, "<script>\0\u202e"),
    Row("walk", "in/walk.mp4", "done"),
]


def test_no_cell_is_a_formula(tmp_path):
    write_summary(tmp_path, ROWS)
    with (tmp_path / CSV).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == ["'=1+1", "<img src=x>", "walk"]
    assert [row["path"] for row in rows] == ["'=cmd|x.mp4", "'@b.mp4", "in/walk.mp4"]


def test_the_page_shows_any_name_as_text(tmp_path):
    write_summary(tmp_path, ROWS)
    page = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert "<img" not in page
    assert "<script" not in page
    assert page.count("/out/\\udcff.json: exists") == 2  # as a cause and in its row
    assert all(text not in page for text in "\0\u202e")
