"""The commands as kinds of jobs: which options a job may have, and what is wrong with others."""

import pickle

import pytest

from atsal.cli.served_kinds import command_kinds
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
        ("encode", {"codec": "h264", "crf": 20}, "h264"),
        ("tiles", {"least-rate": 5}, "--least-rate is for --rates"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_the_job_begins(kind, options, message):
    with pytest.raises(ConfigError, match=message):
        KINDS[kind].check(options)


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
