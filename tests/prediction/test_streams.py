import json
import subprocess
import sys

import numpy as np
import pytest

from atsal.errors import ConfigError
from atsal.prediction.job import predict_source
from atsal.prediction.options import Options
from atsal.prediction.sources import Source
from atsal.prediction.streams import STREAMS, choose_streams, file_stem, needed_parts


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["all"], ("fused", "attention", "experts")),
        (["experts", "fused"], ("fused", "experts")),
        (["attention", "attention"], ("attention",)),
        (["experts", "all"], ("fused", "attention", "experts")),
    ],
)
def test_streams_are_chosen_by_name(names, expected):
    assert choose_streams(names) == Options(streams=names).streams == expected


def test_unknown_streams_and_no_stream_are_refused():
    with pytest.raises(ConfigError, match="did you mean 'experts'"):
        choose_streams(["fused", "expert"])
    with pytest.raises(ConfigError, match=r"no stream: expected .*fused"):
        Options(streams=())


def test_a_stream_needs_its_parts():
    assert needed_parts(["fused"]) == needed_parts(["experts", "attention"]) == ("attention", "experts")
    assert needed_parts(["experts"]) == ("experts",)


def test_the_fused_map_and_a_single_stream_keep_the_stem():
    assert [file_stem("x", "fused", 2), file_stem("x", "experts", 1), file_stem("x", "experts", 2)] == [
        "x",
        "x",
        "x.experts",
    ]


def test_several_streams_are_written_as_with_all(predictor, clip, tmp_path):
    two = Options(streams=("experts", "fused"), formats=("npy", "video"))
    predict_source(predictor, Source(clip, "video"), tmp_path / "two", two)
    predict_source(predictor, Source(clip, "video"), tmp_path / "all", Options(streams=("all",), formats=("npy",)))
    names = sorted(path.name for path in (tmp_path / "two").iterdir())
    assert names == ["walk", "walk.experts", "walk.experts.mp4", "walk.json", "walk.mp4"]
    for name in ("walk/000005.npy", "walk.experts/000005.npy"):
        np.testing.assert_array_equal(np.load(tmp_path / "two" / name), np.load(tmp_path / "all" / name))
    manifest = json.loads((tmp_path / "two" / "walk.json").read_text())
    assert manifest["settings"]["options"]["streams"] == ["fused", "experts"]
    assert list(manifest["frames"][0]["peaks"]) == ["fused", "experts"]
    assert predict_source(predictor, Source(clip, "video"), tmp_path / "two", two).skipped


def test_streams_formats_and_runtimes_are_known_without_torch():
    code = (
        "import sys; from atsal.prediction import formats, options, runtimes, streams; "
        "sys.exit(bool({'torch', 'numpy', 'av', 'PIL'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_stream_has_a_help():
    assert all(stream.name == name and stream.shows for name, stream in STREAMS.items())
