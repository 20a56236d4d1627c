"""The commands as kinds of jobs: which options a job may have, and what is wrong with others."""

import pickle
import re

import pytest

from atsal.cli.served_kinds import command_kinds
from atsal.encoding import CODECS
from atsal.errors import ConfigError
from atsal.serving.kinds import OptionError

KINDS = command_kinds()


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_no_option_names_a_file_or_belongs_to_the_service(kind):
    names = set(kind.schema()["properties"])
    assert not names & {
        "output",
        "overwrite",
        "isolate",
        "device",
        "workers",
        "summary",
        "view",
        "quiet",
        "log",
        "maps",
    }
    assert {"model", "direction"} <= names
    assert pickle.loads(pickle.dumps(kind)).name == kind.name


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_example_is_accepted(kind):
    kind.check(kind.example)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("predict", {"fps": 2, "stride": 3}, "--fps and --stride exclude each other"),
        ("compare", {"start": 3, "end": 2}, "--end 2: is not after --start 3"),
        ("regions", {"front": 3, "no-front": True}, "--front and --no-front exclude each other"),
        ("direct", {"resolution": 101}, "--resolution 101: expected an even number"),
        ("encode", {}, "give either --bitrate, in kbit/s, or --crf"),
        ("predict", {"format": ["png", "png16"]}, "write files of the same name"),
        ("predict", {"format": ["npy"], "legend": True}, "add --format overlay"),
        ("encode", {"codec": "av1", "crf": 20}, "codec: codec 'av1'"),
        ("encode", {"stream": "fused", "crf": 20}, "encode has no option 'stream'"),
        ("direct", {"fov": 150}, "fov: 150.0 is not in the range"),
        ("tiles", {"segment": 0.01}, "segment: 0.01 is not in the range"),
        ("view", {"face-size": 8}, "face-size: 8 is not in the range"),
        ("tiles", {"least-rate": 5}, "--least-rate is for --rates"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_the_job_begins(kind, options, message):
    with pytest.raises(ConfigError, match=message):
        KINDS[kind].check(options)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_descriptions_speak_only_of_what_a_job_has(kind):
    for name, option in kind.schema()["properties"].items():
        text = option["description"]
        assert text, name
        assert not re.search(r"--|several times|weight folder|OUTPUT", text), text
    assert KINDS["predict"].schema()["properties"]["end"]["description"].endswith("; excludes duration.")


def test_the_codec_is_a_choice():
    options = KINDS["encode"].schema()["properties"]
    assert options["codec"]["enum"] == list(CODECS)
    assert "kbit/s" in options["bitrate"]["description"]


def test_the_schema_says_what_the_command_takes():
    options = KINDS["predict"].schema()["properties"]
    assert options["fps"] == {"type": "number", "exclusiveMinimum": 0} | {"description": options["fps"]["description"]}
    assert options["format"]["items"]["enum"] == ["npy", "png", "png16", "video", "overlay"]
    assert (options["legend"]["type"], options["stride"]["default"]) == ("boolean", 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fps": 0}, "fps: 0.0 is not in the range x>0."),
        ({"fps": True}, "fps: True is not a text or a number"),
        ({"fps": [1]}, r"fps: \[1\] is not a text or a number"),
        ({"stride": 1.5}, "stride: '1.5' is not a valid integer."),
        ({"legend": "yes"}, "legend: 'yes' is neither true nor false"),
        ({"format": ["npy", "gif"]}, "format: 'gif' is not one of"),
        ({"model": "/etc/passwd"}, "model: '/etc/passwd' is not one of"),
        ({"size": "100x100"}, "size: expected WIDTHxHEIGHT"),
        ({"output": "x"}, "predict has no option 'output'; those of a job are stream"),
        ({"start": float("inf")}, "start: inf is not a finite number."),
    ],
)
def test_a_wrong_option_is_named(options, message):
    with pytest.raises(OptionError, match=message) as found:
        KINDS["predict"].check(options)
    assert found.value.option == next(iter(options))


def test_good_options_are_accepted():
    KINDS["predict"].check({"fps": 2, "format": ["npy", "png"], "stream": "all", "front": -5, "size": "640x320"})
