"""The report: every format has the numbers of the estimates, and says what is not there."""

import base64
import csv
import errno
import html
import io
import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from atsal.errors import MissingDependencyError, OutputError, ShapeError
from atsal.evaluation.protocol import read_protocol
from atsal.evaluation.report import print_tables, write_report
from atsal.evaluation.report.latex import escape
from atsal.evaluation.report.statistics import compute_statistics
from atsal.evaluation.report.table import number
from atsal.evaluation.results import DatasetResult, ItemScores, Result, Run, difference, estimate, mean
from evaluation.made_result import HOSTILE, REASON, made_result

RESAMPLES = 200
FILES = ["report.html", "report.md", "tables.tex", "scores.csv", "summary.csv", "result.json"]
GREY = np.full((4, 12, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def result():
    return made_result()


@pytest.fixture(scope="module")
def drawn():
    return []


@pytest.fixture(scope="module")
def folder(result, drawn, tmp_path_factory):
    out = tmp_path_factory.mktemp("report") / "new" / "folder"

    def draw(dataset, predictor, item):
        drawn.append((dataset, predictor, item))
        return None if item == "video_001" else GREY

    paths = write_report(result, out, draw, resamples=RESAMPLES)
    assert [path.name for path in paths] == FILES == [path.name for path in paths if path.is_file()]
    return out


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def printed(result, width=160):
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    print_tables(result, console, resamples=RESAMPLES)
    return console.file.getvalue()


def tiny(scores, metric="cc", **runs):
    """A result of one metric: predictor -> score of each item; `runs` are changes to each run."""
    made = tuple(
        replace(
            Run(
                name,
                "model",
                tuple(
                    ItemScores(f"i{number}", (0,), {metric: (value,)}, 9)
                    for number, value in enumerate(values)
                    if value != "missing"
                ),
            ),
            **runs.get(name, {}),
        )
        for name, values in scores.items()
    )
    protocol = replace(read_protocol("sitzmann"), metrics=(metric,))
    return Result("tiny", (DatasetResult("set", "folder", "A set", protocol, made),), next(iter(scores)))


def bold(result):
    statistics = compute_statistics(result, resamples=RESAMPLES, seed=0)[0]
    return [row.run.predictor for row in statistics.rows if statistics.metrics[0] in row.best]


# numbers


def test_summary_has_the_estimates_and_the_paired_differences(result, folder):
    found = {(row["dataset"], row["predictor"], row["metric"]): row for row in rows_of(folder / "summary.csv")}
    count = 0
    for dataset in result.datasets:
        reference = dataset.run("equator-prior")
        for run in dataset.runs:
            for metric in dataset.protocol.metrics:
                row, count = found[dataset.name, run.predictor, metric], count + 1
                expected = estimate(run, metric, resamples=RESAMPLES)
                values = (row["mean"], row["low"], row["high"], row["items"])
                assert values == tuple("" if v is None else str(v) for v in vars(expected).values())
                values = [row[name] for name in ("difference", "difference_low", "difference_high")]
                if reference is None or run is reference or run.kind == "ceiling":
                    assert values == ["", "", ""]
                    continue
                expected = difference(run, reference, metric, resamples=RESAMPLES)
                wanted = [expected.mean, expected.low, expected.high]
                assert values == ["" if value is None else str(value) for value in wanted]
    assert count == len(found)


def test_what_the_fusion_adds_is_the_paired_difference_to_each_stream(result, folder, page):
    dataset = result.datasets[0]
    names = [run.predictor for run in dataset.runs if run.predictor.endswith(": fused")]
    found = json.loads((folder / "result.json").read_text())["datasets"][0]["contrasts"]
    assert names
    assert {name.split(": fused")[0] + ": fused" for name in found} <= set(names)
    for name, by_metric in found.items():
        fused, stream = name.replace(" †", "").split(" − ")
        alone = dataset.run(fused.replace("fused", stream))
        for metric, values in by_metric.items():
            expected = difference(dataset.run(fused), alone, metric, resamples=200, seed=0)
            assert values["mean"] == expected.mean
            if expected.mean is not None:
                assert number(expected.mean, signed=True) in page
        assert html.escape(name) in page


def test_scores_have_a_line_for_each_item_of_each_predictor(result, folder):
    found = {(row["dataset"], row["predictor"], row["item"]): row for row in rows_of(folder / "scores.csv")}
    assert len(found) == sum(len(run.items) for dataset in result.datasets for run in dataset.runs)
    for dataset in result.datasets:
        for run in dataset.runs:
            for item in run.items:
                row = found[dataset.name, run.predictor, item.item]
                for metric, score in item.scores.items():
                    assert row[metric] == ("" if score is None else str(score))
                assert (row["windows"], row["skipped"]) == (str(len(item.first_frames)), str(item.skipped[REASON]))
                assert row["fixations"] == str(item.fixations)
    assert found["photos", "centre", "0.jpg"]["cc"] == ""  # not a metric of that protocol


def test_json_has_everything_and_no_nan(result, folder):
    def refuse(constant):
        raise AssertionError(constant)

    document = json.loads((folder / "result.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert document["title"] == result.title
    assert document["settings"]["number"] == 3
    assert document["settings"]["nothing"] is None
    assert document["intervals"]["resamples"] == RESAMPLES
    vr, photos, single = document["datasets"]
    assert vr["protocol"]["sigma_deg"] == 9.35
    assert vr["failed"] == {"broken <i>": "15 of 15 items: no maps"}
    assert vr["facts"]["viewers"] == 45
    assert vr["runs"][11]["missing"] == {"video_000": "no file of this item"}
    assert vr["runs"][11]["in_sample"] == ["video_003", "video_004"]
    assert vr["runs"][0]["skipped"] == {REASON: 30}
    assert "by_window" not in vr["runs"][0]["items"][0]
    assert vr["estimates"]["uniform"]["cc"] == {"mean": None, "low": None, "high": None, "count": 0, "best": False}
    expected = difference(result.datasets[0].runs[7], result.datasets[0].runs[2], "kld", resamples=RESAMPLES)
    assert vr["differences"]["lite: fused"]["kld"]["mean"] == expected.mean
    assert not vr["published"][0]["scores"]["cc"]["comparable"]
    assert photos["differences"] == {}
    assert photos["published"] == []
    assert single["estimates"]["lite: fused"]["cc"]["low"] is None


@pytest.mark.parametrize("name", ["report.html", "report.md"])
def test_pages_show_the_estimates(result, folder, name):
    text = (folder / name).read_text(encoding="utf-8")
    for dataset in result.datasets:
        for run in dataset.runs:
            for metric in dataset.protocol.metrics:
                found = estimate(run, metric, resamples=RESAMPLES)
                if found.mean is not None:
                    assert number(found.mean) in text
                if found.low is not None:
                    assert f"[{number(found.low)}, {number(found.high)}]" in text


def test_terminal_shows_the_means(result):
    lines = printed(result).splitlines()
    run = result.datasets[0].run("lite: fused")
    line = next(line for line in lines if line.startswith("lite: fused"))
    shown = [word.rstrip("+−") for word in line.split()[2:]]
    metrics = result.datasets[0].protocol.metrics
    assert shown == [*(number(mean(run.scores(metric).values())) for metric in metrics), "15"]


def test_what_has_no_value_is_a_dash(result, page, folder):
    line = next(line for line in printed(result).splitlines() if line.startswith("uniform"))
    assert line.split()[1] == "–"
    assert re.search(r"^\| uniform \| 15 \| – \| 0\.", (folder / "report.md").read_text(encoding="utf-8"), re.M)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", page.split(">uniform<")[1].split("</tr>")[0], re.S)
    assert cells[1].split("<")[0].strip() == "–"
    for text in (page, printed(result), (folder / "report.md").read_text(), (folder / "summary.csv").read_text()):
        assert not re.search(r"\b(nan|None|inf)\b", re.sub(r"base64,[\w+/=]+", "", text))


def test_rounded_zeros_and_signs():
    assert number(-0.0001) == "0.000"
    assert number(-0.0001, signed=True) == "−0.000"  # an interval that reaches below zero must look so
    assert number(0.25, signed=True) == "+0.250"
    assert number(-1.5) == "−1.500"
    assert number(float("nan")) == number(None) == "–"


# best


def test_best_is_the_highest_or_for_divergences_the_lowest():
    scores = {"a": [0.1, 0.2, 0.3], "b": [0.3, 0.4, 0.5]}
    assert bold(tiny(scores)) == ["b"]
    assert bold(tiny(scores, "kld")) == ["a"]


def test_ceilings_and_what_was_trained_on_the_items_are_never_best():
    scores = {"a": [0.1, 0.2, 0.3], "b": [0.3, 0.4, 0.5], "c": [0.6, 0.6, 0.7]}
    assert bold(tiny(scores, b={"kind": "ceiling"}, c={"seen": {"was trained on": ("i1",)}})) == ["a"]


def test_a_mean_over_fewer_items_is_not_best():
    assert bold(tiny({"a": [0.1, 0.2, 0.3], "b": [0.9, "missing", 0.9]})) == ["a"]
    assert bold(tiny({"a": [0.1, 0.2, 0.3], "b": [0.9, None, 0.9]})) == ["a"]


def test_equal_numbers_are_both_bold_and_nothing_is_where_nothing_has_a_value():
    assert bold(tiny({"a": [0.5, 0.5], "b": [0.50001, 0.5], "c": [0.4, 0.4]})) == ["a", "b"]
    assert bold(tiny({"a": [None, None]})) == []


def test_bold_in_the_formats(tmp_path):
    made = tiny({"low": [0.1, 0.2, 0.3], "high": [0.3, 0.4, 0.5]}, "kld", high={"seen": {"was trained on": ("i0",)}})
    write_report(made, tmp_path, resamples=RESAMPLES)
    assert "<b>0.200</b>" in (tmp_path / "report.html").read_text()
    assert "<b>0.400</b>" not in (tmp_path / "report.html").read_text()
    latex = (tmp_path / "tables.tex").read_text()
    assert "low & 3 & \\textbf{0.200} \\\\" in latex
    assert "high $^\\dagger$ & 3 & 0.400 \\\\" in latex
    text = (tmp_path / "report.md").read_text()
    assert "| low | 3 | **0.200** [" in text
    assert "| high † | 3 | 0.400 [" in text
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    print_tables(made, console, resamples=RESAMPLES)
    bolds = re.findall(r"\x1b\[1m *(0\.\d+)", console.file.getvalue())
    assert bolds == ["0.200"]


# differences


@pytest.mark.parametrize(("metric", "verdict", "share"), [("cc", 1, 1.0), ("kld", -1, 0.0)])
def test_the_verdict_knows_which_side_is_better(metric, verdict, share):
    made = tiny({"reference": [0.1, 0.2, 0.3, 0.4], "other": [0.3, 0.35, 0.5, 0.55]}, metric)
    first, other = compute_statistics(made, resamples=RESAMPLES, seed=0)[0].rows
    assert first.differences == {}
    found = other.differences[metric]
    assert found.estimate.mean == pytest.approx(0.175)
    assert (found.verdict, found.better) == (verdict, share)


def test_no_verdict_without_an_interval_or_across_zero():
    for others in ([0.2, 0.3], [0.2, 0.1, 0.4, 0.3]):
        made = tiny({"reference": [0.1, 0.2, 0.3, 0.4][: len(others)], "other": others})
        assert compute_statistics(made, resamples=RESAMPLES, seed=0)[0].rows[1].differences["cc"].verdict == 0


def test_differences_use_the_items_that_both_have():
    made = tiny({"reference": [0.1, 0.2, None, 0.4], "other": [0.3, None, 0.5, 0.3]})
    found = compute_statistics(made, resamples=RESAMPLES, seed=0)[0].rows[1].differences["cc"]
    assert (found.estimate.count, found.better) == (2, 0.5)
    assert found.estimate.mean == pytest.approx(0.05)


# the page


class Loads(HTMLParser):
    """What a page names to load, and its elements."""

    def __init__(self):
        super().__init__()
        self.loads, self.elements = [], set()

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href", "srcset", "data")]


def test_page_loads_nothing_and_runs_nothing(page):
    parser = Loads()
    parser.feed(page)
    assert parser.loads
    assert all(load.startswith(("data:image/", "#")) for load in parser.loads)
    assert not parser.elements & {"script", "link", "iframe", "object", "i"}
    assert "url(" not in page
    assert "@import" not in page


def test_plots_are_whole_svgs(page):
    plots = [base64.b64decode(found).decode() for found in re.findall(r"svg\+xml;base64,([\w+/=]+)", page)]
    assert len(plots) == 3 + 1 + 3 - 1  # sphere: all three; photos: items; one item: items, latitudes
    for plot in plots:
        assert plot.rstrip().endswith("</svg>")
        assert "<script" not in plot
        assert not re.search(r"""href=["']http""", plot)


def test_names_are_escaped(page, folder):
    assert "<b>bold" not in page
    assert html.escape(HOSTILE, quote=False).split(" &amp;")[0] in page
    assert "<i>" not in page
    assert "<title>Saliency &lt;360°&gt; &amp; more</title>" in page
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    assert not re.search(r"(?<!\\)<", markdown)
    lines = [line for line in markdown.splitlines() if line.startswith(r"| \<b\>bold")]
    cells = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
    assert cells == {12, 11, 7}, "scores, differences and published figures, no cell more"


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "a|b", "[x](http://y)", "&lt;b&gt;", "# **1**"])
def test_names_of_files_are_shown_as_they_are(tmp_path, name):
    """Of the data set, a predictor, an item, a failure and a setting."""
    made = tiny({name: [0.1, 0.2, 0.4], "other": [0.2, 0.1, 0.3]})
    runs = tuple(
        replace(run, items=tuple(replace(item, item=f"{name}{item.item}") for item in run.items), notes=(name,))
        for run in made.datasets[0].runs
    )
    dataset = replace(made.datasets[0], title=name, runs=runs, failed={f"{name}!": name}, facts={name: name})
    made = replace(made, title=name, datasets=(dataset,), settings={name: name})
    write_report(made, tmp_path, lambda *_: GREY, resamples=RESAMPLES)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    parser = Loads()
    parser.feed(page)
    assert "script" not in parser.elements
    assert html.escape(name) in page
    assert name in html.unescape(re.sub(r"<[^>]*>", "", page))
    lines = (tmp_path / "report.md").read_text(encoding="utf-8").splitlines()
    escaped = re.sub(r"([<>|\[\]&#*])", r"\\\1", name)
    assert lines[0] == f"# {escaped}"
    tables = [line for line in lines if line.startswith(f"| {escaped} |")]
    assert len(tables) == 1
    assert len(re.findall(r"(?<!\\)\|", tables[0])) == 4
    assert not re.search(r"(?<!\\)<", "\n".join(lines))


def test_pictures_are_those_of_the_best_and_worst_items_of_the_best_predictor(result, page, drawn):
    run = result.datasets[0].run("atsal-published-vr-eyetracking-setting-ii: fused")
    ranked = sorted(run.scores("cc"), key=run.scores("cc").__getitem__)
    sphere = [entry for entry in drawn if entry[0] == "vr"]
    assert sphere == [("vr", run.predictor, item) for item in [*ranked[:-4:-1], *ranked[:3]]]
    photos = result.datasets[1].run("centre")
    ranked = sorted(photos.scores("kld"), key=photos.scores("kld").__getitem__)
    assert [item for name, _, item in drawn if name == "photos"] == [*ranked[:3], ranked[4], ranked[3]]
    assert [entry for entry in drawn if entry[0] == "salient"] == [("salient", "lite: fused", "only")]
    picture = re.search(r"image/jpeg;base64,([\w+/=]+)", page)
    assert Image.open(io.BytesIO(base64.b64decode(picture[1]))).size == (12, 4)


def test_a_picture_of_another_shape_is_refused_before_anything_is_written(tmp_path):
    made = tiny({"a": [0.1, 0.2]})
    with pytest.raises(ShapeError, match=r"i1: found float64 \(4, 12\)"):
        write_report(made, tmp_path / "out", lambda *_: np.zeros((4, 12)), resamples=RESAMPLES)
    assert not (tmp_path / "out").exists()


def test_page_says_what_was_measured(page):
    for words in ("σ = 9.35°", "every valid sample", "solid angle", "640 × 320", "part “test” of split “published”"):
        assert words in page
    for words in ("1,234,567", "atsal benchmark run.yaml -o out", "200 bootstrap resamples", "not comparable"):
        assert words in page


# what is not there


def test_everything_left_out_is_told_in_each_format(result, page, folder):
    told = [
        "broken <i>: 15 of 15 items: no maps",
        "1 item not scored, video_000: no file of this item",
        "trained on 2 of the 14 scored items: video_003, video_004",
        "30 windows not scored: no fixation in the window",
        "uniform: CC, NSS: no value in 60 of 60 windows",
        "spectral-residual: one map serves all windows",
        "equator-prior has no scores here",
    ]
    terminal = printed(result, width=300)
    markdown = re.sub(r"\\(.)", r"\1", (folder / "report.md").read_text(encoding="utf-8"))
    for text in told:
        assert text in terminal
        assert text in markdown
        assert html.escape(text, quote=False) in page


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_names_survive_a_narrow_terminal(result, width):
    lines = printed(result, width).splitlines()
    assert max(map(len, lines)) <= width
    start = next(n for n, line in enumerate(lines) if line.startswith("lite: fused"))
    numbers = r"(\s+(–|−?\d+(\.\d+[+−]?)?))*\s*$"
    names = "".join(re.sub(numbers, "", line) for line in lines[start + 1 :]).replace(" ", "")
    assert "atsal-published-vr-eyetracking-setting-ii:attention" in names
    for metric in ("CC ↑", "KLD ↓", "AUC-Borji ↑", "KLD-sym ↓"):
        assert any(metric in line for line in lines)


def test_an_empty_data_set_and_a_result_without_reference(tmp_path):
    made = tiny({"a": [0.1, 0.2, 0.3]})
    empty = replace(made.datasets[0], runs=(), failed={"a": "no maps"})
    alone = replace(made, datasets=(empty, made.datasets[0]), reference=None)
    write_report(alone, tmp_path, resamples=RESAMPLES)
    assert "No predictor has scores here." in (tmp_path / "report.html").read_text()
    assert "failed: a: no maps" in printed(alone)
    assert all(row["difference"] == "" for row in rows_of(tmp_path / "summary.csv"))


# writing


@pytest.mark.parametrize("module", ["matplotlib.figure", "jinja2"])
def test_a_missing_package_is_named_with_its_extra(module, result, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match=r'pip install "atsal\[evaluation\]"'):
        write_report(result, tmp_path / "out", resamples=RESAMPLES)
    assert not (tmp_path / "out").exists()


def test_the_latex_tables_are_whole(result, folder):
    text = (folder / "tables.tex").read_text(encoding="utf-8")
    for name in ("table*", "tabular"):
        assert text.count(f"\\begin{{{name}}}") == text.count(f"\\end{{{name}}}") > 1
    assert re.sub(r"\\[{}]", "", text).count("{") == re.sub(r"\\[{}]", "", text).count("}")
    assert text.count("\\toprule") == text.count("\\bottomrule") == text.count("\\label")
    for table in re.findall(r"\\begin\{tabular\}\{(l(?:r+))\}(.*?)\\end\{tabular\}", text, re.S):
        rows = [line for line in table[1].splitlines() if line.endswith("\\\\") and "multicolumn" not in line]
        assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {len(table[0]) - 1}
    dataset = result.datasets[0]
    run = dataset.run("equator-prior")
    expected = estimate(run, "cc", resamples=RESAMPLES)
    row = text.index("equator-prior & ")
    assert f"{expected.mean:.3f}" in text[row : row + 80]
    assert f"{{[}}{expected.low:.3f}, {expected.high:.3f}{{]}}" in text[row : row + 400]
    assert re.search(r"\\textit\{viewers\} & \\textit\{\d+\}", text), "ceilings are set apart"


def test_latex_typesets_any_text_as_it_is():
    assert escape("50 % of_a & b^2 # $x$ {y} ~ \\ <1>") == (
        r"50 \% of\_a \& b\textasciicircum{}2 \# \$x\$ \{y\} \textasciitilde{} \textbackslash{} $<$1$>$"
    )
    assert escape("− ↑\n† [1]") == r"$-$ $\uparrow$ $^\dagger$ {[}1{]}"


def test_nothing_half_written_stays(tmp_path):
    made = tiny({"a": [0.1, 0.2]})
    (tmp_path / "report.md").mkdir()
    with pytest.raises(OutputError, match="a folder has this name"):
        write_report(made, tmp_path, resamples=RESAMPLES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.md"]
    assert (tmp_path / "report.html").read_text().endswith("</html>\n")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        write_report(made, tmp_path / "file", resamples=RESAMPLES)


def test_a_full_disk_leaves_the_earlier_report(tmp_path, monkeypatch):
    made = tiny({"a": [0.1, 0.2]})
    write_report(made, tmp_path, resamples=RESAMPLES)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(path, text, **_):
        path.write_bytes(text.encode()[:10])
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OutputError, match="the disk is full"):
        write_report(replace(made, title="another"), tmp_path, resamples=RESAMPLES)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_same_result_gives_the_same_files(tmp_path):
    made = tiny({"a: fused": [0.1, 0.2, 0.4], "a: experts": [0.1, 0.3, 0.2]})
    for folder in ("one", "two"):
        write_report(made, tmp_path / folder, resamples=RESAMPLES)
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_names_that_the_font_and_the_codec_lack(tmp_path):
    made = tiny({"模型 $\\frac$": [0.1, 0.2, 0.4], "a\udcff" + "long-" * 40: [0.2, 0.3, 0.2], "": [0.1, 0.1, 0.1]})
    write_report(made, tmp_path, resamples=RESAMPLES)
    assert "模型 $\\frac$" in (tmp_path / "report.html").read_text(encoding="utf-8")
