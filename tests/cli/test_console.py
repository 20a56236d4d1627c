"""What others wrote is shown and never obeyed: names of files in the terminal, in tables, pages and spreadsheets."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from rich.console import Console

from atsal.cli import main
from atsal.cli.console import print_line, rich_text
from atsal.evaluation.report import print_tables, write_report
from evaluation.made_result import made_result

ESCAPE, TURNED = "\x1b[31mred", "gpj.\u202eexe"  # a colour; text from right to left
NAMES = [b"\xff.png", b"[red]x[.png", b"a\x1b[31mred.png", b"=cmd|x.png", b"$x$.png", b"two\nlines.png", b"-o.png"]
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
@pytest.mark.parametrize("name", NAMES)
def test_a_picture_of_any_name_is_predicted_and_its_name_shown_on_one_line(name, tmp_path):
    path = tmp_path / os.fsdecode(name)
    with path.open("wb") as file:
        Image.fromarray(np.full((32, 64, 3), 99, np.uint8)).save(file, "PNG")
    arguments = ["predict", str(path), "-o", str(tmp_path / "out"), "--format", "npy"]
    found = CliRunner().invoke(main, arguments)
    assert found.exit_code == 0, found.output
    assert not CONTROLS.search(found.output)
    assert len(found.output.splitlines()) == 1
    stem = os.fsdecode(name).removesuffix(".png")
    assert (tmp_path / "out" / f"{stem}.npy").is_file()
    assert json.loads((tmp_path / "out" / f"{stem}.json").read_text())


@pytest.mark.parametrize("arguments", [["predict", f"no{ESCAPE}\nsuch.png", "-o", "out"], ["predict", f"--{ESCAPE}"]])
def test_errors_show_names_without_their_codes(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(main, arguments)
    assert found.exit_code
    assert r"\x1b[31mred" in found.output
    assert not CONTROLS.search(found.output)


def test_a_log_has_no_secret_of_a_url_in_an_option(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["atsal", "batch", "--output=s3://key:word@bucket/maps", "https://a:word@host/b"])
    CliRunner().invoke(main, ["predict", "missing.mp4", "-o", "out", "--log", "run.log"])
    assert "start: atsal batch --output=s3://bucket/maps https://host/b" in (tmp_path / "run.log").read_text()


def test_lines_for_rich_are_no_markup():
    console = Console(file=io.StringIO(), force_terminal=True, width=200)
    with console.status(rich_text("begin")) as status:
        status.update(rich_text(f"[/x] [red]{ESCAPE}"))
    console.print(rich_text(f"[/x] [red]{ESCAPE}"))
    assert r"[/x] [red]\x1b[31mred" in console.file.getvalue()


def test_a_line_stays_one_line(capsys):
    print_line("one\ntwo\r", TURNED)
    assert capsys.readouterr().out == "one\\ntwo\\r\ngpj.\\u202eexe\n"


@pytest.fixture
def hostile():
    """A result whose predictors have such names."""
    result = made_result()
    names = ["=cmd|' /C calc'!A0", "+1+1", "-1", "@SUM(A1)", f"\t=1{ESCAPE}", TURNED, "\udcff", "`|x|`"]
    first = result.datasets[0]
    runs = tuple(replace(run, predictor=name) for run, name in zip(first.runs * 8, names, strict=False))
    named = replace(result, reference=names[0], datasets=(replace(first, runs=runs), *result.datasets[1:]))
    return named, names


def test_reports_show_names_and_do_not_obey_them(hostile, tmp_path):
    result, names = hostile
    console = Console(file=io.StringIO(), width=200)
    print_tables(result, console, resamples=10)
    assert not CONTROLS.search(console.file.getvalue())
    for path in write_report(result, tmp_path, resamples=10):
        text = path.read_text(encoding="utf-8")
        assert path.suffix == ".json" or not CONTROLS.search(text), path
    rows = list(csv.DictReader(io.StringIO((tmp_path / "summary.csv").read_text(encoding="utf-8"))))
    shown = {row["predictor"] for row in rows}
    assert {"'=cmd|' /C calc'!A0", "'+1+1", "'-1", "'@SUM(A1)"} <= shown
    assert not [name for name in shown if name.startswith(("=", "+", "-", "@", "\t", "\r"))]
    differences = [float(row["difference"]) for row in rows if row["difference"]]
    assert min(differences) < 0, "numbers stay numbers"
    document = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert [run["predictor"] for run in document["datasets"][0]["runs"]] == names[: len(result.datasets[0].runs)]


WITH_STATUS = """
import click
from atsal.cli.console import output_options, print_error, print_line, status_line

@click.command()
@output_options
def run():
    with status_line("reading") as show_status:
        show_status("step [/x] 1")
        print_line("a result")
        print_error("a warning")

run()
"""


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
@pytest.mark.parametrize("quiet", [False, True])
def test_lines_do_not_run_into_the_status_line(quiet):
    terminal, end = os.openpty()
    arguments = [sys.executable, "-c", WITH_STATUS, *(["-q"] if quiet else [])]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=end, text=True, check=True)
    os.close(end)
    shown = os.read(terminal, 10_000).decode()
    os.close(terminal)
    assert done.stdout == ("" if quiet else "a result\n")
    assert ("step [/x] 1" in shown) != quiet
    assert re.search(r"(^|\x1b\[2K)atsal: a warning\r\n", shown), "the line is cleared first"
