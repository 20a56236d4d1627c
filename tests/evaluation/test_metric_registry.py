"""Metrics by name: the built-in ones, their documentation, and those of other installed packages."""

import re

import numpy as np
import pytest

from atsal.config import from_mapping
from atsal.errors import ConfigError
from atsal.evaluation import metric_registry
from atsal.evaluation.benchmark import Benchmark
from atsal.evaluation.benchmark_config import BenchmarkConfig
from atsal.evaluation.metric import Metric, metric
from atsal.evaluation.metric_registry import BUILT_IN_NAMES, metric_named, metric_names
from atsal.evaluation.metrics import METRICS
from atsal.evaluation.report import write_report

PACKAGE = '''
from atsal.evaluation.metric import metric


@metric(
    label="TV|<b>",
    meaning="total variation of <script>both</script> densities",
    unit="probability",
    higher_is_better=False,
    inputs=("target", "prediction"),
)
def total_variation(inputs):
    """Half the sum of absolute differences."""
    return (inputs.probability("target") - inputs.probability("prediction")).abs().sum(1) / 2


cc = total_variation
not_a_metric = 3
'''


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package of metrics, as pip does: a module, and its entry points in a `.dist-info` folder."""
    site = tmp_path / "site"

    def write(*entry_points):
        info = site / "more_metrics-1.0.dist-info"
        info.mkdir(parents=True)
        (site / "more_metrics.py").write_text(PACKAGE)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: more-metrics\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("\n".join(["[atsal.metrics]", *entry_points]) + "\n")
        monkeypatch.syspath_prepend(str(site))
        forget()

    def forget():
        metric_registry._plugins.cache_clear()
        metric_named.cache_clear()

    yield write
    monkeypatch.undo()
    forget()


def test_the_documentation_has_every_metric_with_its_direction_and_unit(pytestconfig):
    text = (pytestconfig.rootpath / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if re.match(r"\| `\w+` \|.*\| (higher|lower) \|", line)]
    assert tuple(row[0].strip("| `") for row in rows) == BUILT_IN_NAMES
    for row, own in zip(rows, METRICS, strict=True):
        assert row[3] == ("higher" if own.higher_is_better else "lower"), own.name
        assert own.unit.partition(" ")[0] in row[1], own.name


def test_a_metric_says_all_that_reports_need():
    kld = metric_named("kld")
    assert (kld.sign, kld.heading) == (-1, "KLD ↓")
    assert kld.description.endswith(", in nats")
    assert (metric_named("cc").sign, metric_named("cc").heading) == (1, "CC ↑")
    options = list(metric_named("auc_borji").__signature__.parameters)
    assert options == ["prediction", "fixations", "weights", "splits", "seed"]


def test_a_missing_or_unknown_argument_is_refused():
    cc = metric_named("cc")
    with pytest.raises(TypeError, match="missing a required argument: 'prediction'"):
        cc(np.ones((2, 4)))
    with pytest.raises(TypeError, match="unexpected keyword argument 'epsilon'"):
        cc(np.ones((2, 4)), np.ones((2, 4)), epsilon=1)


def test_an_unknown_metric_is_refused():
    with pytest.raises(ConfigError, match="unknown metric 'auc'; expected one of cc"):
        metric_named("auc")
    with pytest.raises(ConfigError, match="did you mean 'auc_judd'"):
        metric_named("auc_jud")
    with pytest.raises(ConfigError, match=r"inputs .*expected some of target, prediction"):
        Metric("x", "X", "x", ("saliency",), lambda inputs: inputs["prediction"])


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"meaning": "m", "inputs": ("target",)}, "a metric with no label; expected label, meaning, inputs, unit"),
        ({"label": "L"}, "a metric with no meaning and no inputs"),
        ({"label": "L", "meaning": "m", "inputs": ("target",), "units": "nats"}, "an unknown units"),
        ({"label": "", "meaning": "m", "inputs": ("target",)}, "metric 'half': label is ''; expected a text"),
        ({"label": "L", "meaning": None, "inputs": ("target",)}, "meaning is None"),
        ({"label": "L", "meaning": "m", "inputs": "target"}, "inputs target; expected some of"),
        ({"label": "L", "meaning": "m", "inputs": ("target",), "unit": None}, "expected unit as text"),
        ({"label": "L", "meaning": "m", "inputs": ("target",), "higher_is_better": "no"}, "higher_is_better as bool"),
    ],
)
def test_a_metric_that_is_not_declared_fully_fails_where_it_is_defined(facts, message):
    with pytest.raises(ConfigError, match=message):

        @metric(**facts)
        def half(inputs):
            return inputs["target"]


def test_a_metric_that_scoring_cannot_call_fails_where_it_is_defined():
    with pytest.raises(ConfigError, match=r"missing a required argument: 'sigma'.*each option with a default"):

        @metric(label="L", meaning="m", inputs=("target",))
        def blurred(inputs, *, sigma):
            return inputs["target"] * sigma


def test_a_metric_of_another_package_is_scored_and_reported(install, tmp_path, folder_set, maps):
    install("total_variation = more_metrics:total_variation")
    assert metric_names() == (*BUILT_IN_NAMES, "total_variation")
    (tmp_path / "own.yaml").write_text(
        "title: own\ndatasets: [folder]\ndirection: head_eye\nevents: fixations\nwindow: 200ms\n"
        "weighting: solid_angle\nerp_height: 32\nsigma_deg: 8\nmetrics: [sim, total_variation]\n"
    )
    entry = {"prepared": str(folder_set.folder), "protocol": "own.yaml", "name": "fake"}
    predictors = [{"maps": "maps"}, {"baseline": "uniform"}]
    config = from_mapping(BenchmarkConfig, {"title": "t", "datasets": [entry], "predictors": predictors}, "test")
    result = Benchmark(config, tmp_path, tmp_path / "out").run()
    scores = result.datasets[0].run("maps")
    for item, sim in scores.scores("sim").items():
        assert scores.scores("total_variation")[item] == pytest.approx(1 - sim)
    write_report(result, tmp_path / "out", resamples=100)
    assert "total_variation" in (tmp_path / "out" / "scores.csv").read_text().splitlines()[0].split(",")
    page, markdown = ((tmp_path / "out" / name).read_text() for name in ("report.html", "report.md"))
    assert "TV|&lt;b&gt; ↓" in page
    assert "&lt;script&gt;both&lt;/script&gt; densities, in probability" in page
    assert "<script>" not in page + markdown
    assert r"TV\|\<b\> ↓" in markdown


@pytest.mark.parametrize(
    ("entry_point", "name", "message"),
    [
        ("gone = more_metrics:gone", "gone", "metric 'gone' of package 'more-metrics': cannot be imported"),
        ("lost = no_such_module:lost", "lost", "cannot be imported .*no_such_module.*update or uninstall"),
        ("not_a_metric = more_metrics:not_a_metric", "not_a_metric", "found 3, expected an atsal.*Metric"),
        ("tv = more_metrics:total_variation", "tv", "expected an atsal.*Metric named 'tv'"),
        ("cc = more_metrics:cc", "cc", "metric 'cc': is one of atsal's own; uninstall 'more-metrics'"),
    ],
)
def test_a_package_whose_metric_cannot_be_used_is_named(install, entry_point, name, message):
    install(entry_point)
    with pytest.raises(ConfigError, match=message):
        metric_named(name)
    assert metric_named("sim").name == "sim", "the others stay usable"
