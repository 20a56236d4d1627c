"""The simulation of many workers (`benchmarks/scale`): small cases are as measured, or as worked out by hand."""

import json
import math

import pytest


@pytest.fixture
def scale(pytestconfig, monkeypatch):
    folder = pytestconfig.rootpath / "benchmarks" / "scale"
    monkeypatch.syspath_prepend(str(folder))
    import cluster
    import costs
    import simulate

    class Scale:
        measured = json.loads((folder / "measured.json").read_text(encoding="utf-8"))
        Cluster, Film, Run, Costs = cluster.Cluster, cluster.Film, cluster.Run, costs.Costs
        run, small_cases, costs_of = simulate.simulate, simulate.small_cases, costs.costs_of
        quiet_cases = simulate.quiet_cases

    return Scale


@pytest.fixture
def costs(scale):
    """A second of the source takes a second of a core; nothing else costs anything."""
    free = dict.fromkeys(scale.Costs.__dataclass_fields__, 0.0)
    return scale.Costs(**free | {"own_s": 1.0, "warm_s": 1.0, "chunk_s": 10.0})


def test_one_and_two_workers_take_what_was_measured(scale):
    one, two = scale.small_cases(scale.measured)
    for case in (one, two):
        assert case.simulated_core_s == pytest.approx(case.measured_core_s, rel=0.15)
    assert one.simulated_s / two.simulated_s == pytest.approx(one.measured_s / two.measured_s, rel=0.25)


def test_two_workers_on_a_quiet_machine_took_the_simulated_time(scale):
    for case in scale.quiet_cases(scale.measured):
        assert case.simulated_s == pytest.approx(case.measured_s, rel=0.15)


def test_chunks_cost_what_theory_says(scale):
    for row in scale.measured["chunks"]["lengths"]:
        assert row["overhead"] == pytest.approx(row["theory"], abs=0.05)


def test_chunks_of_one_film_run_side_by_side(scale, costs):
    found = scale.Run(costs, scale.Cluster(2), [scale.Film(40.0, 4, 4)]).result()
    assert found.seconds == pytest.approx(20)
    assert found.share_of_ideal == pytest.approx(1)


def test_warm_ups_and_loading_cost_time(scale, costs):
    dear = scale.Costs(**vars(costs) | {"warm_up_s": 2.0, "load_s": 3.0})
    found = scale.Run(dear, scale.Cluster(2), [scale.Film(40.0, 4, 4)]).result()
    assert found.seconds == pytest.approx(3 + 3 + 12 + 12), (
        "the coordinator loads, then the workers; one has no warm-up"
    )


def test_the_storage_bounds_many_workers(scale, costs):
    reading = scale.Costs(**vars(costs) | {"read_bytes": 100.0})
    films = [scale.Film(10.0, 1, 1) for _ in range(200)]
    found = scale.Run(reading, scale.Cluster(100, storage_bytes_per_s=1000.0), films).result()
    assert found.seconds == pytest.approx(2 * 200 * 10 * 100 / 1000, rel=0.01), "each clip is read twice"
    assert found.busy_share("storage") == pytest.approx(1, abs=0.01)


def test_a_worker_that_fails_does_its_chunk_again(scale, costs):
    films = [scale.Film(10.0, 1, 1) for _ in range(2000)]
    found = scale.Run(costs, scale.Cluster(10, hours_between_failures=100 / 3600), films).result()
    assert found.retries / 2000 == pytest.approx(math.expm1(10 / 100), rel=0.2), "failures while a chunk takes 10 s"
    assert found.chunks == 2000


def test_a_long_run_is_a_short_one_scaled_up(scale, costs):
    one, ten = (scale.run(costs, scale.Cluster(10), hours) for hours in (1e3, 1e4))
    assert ten.seconds == pytest.approx(10 * one.seconds, rel=0.01)
    assert one.share_of_ideal == pytest.approx(1, rel=0.01)
