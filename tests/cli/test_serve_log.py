"""The log of `atsal serve`."""

import json
import logging

import pytest

from atsal.cli.serve_log import set_up_log


@pytest.fixture
def log():
    loggers = [logging.getLogger(name) for name in ("atsal", "uvicorn")]
    before = [(logger.level, list(logger.handlers)) for logger in loggers]
    yield set_up_log
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers[:] = handlers


def test_json_lines_have_the_request_and_the_trace_of_a_fault(log, capsys):
    log(as_json=True)
    logging.getLogger("atsal.serving").info("GET %s", "/v1/jobs\n", extra={"request_id": "r1"})
    try:
        raise ValueError("odd")
    except ValueError:
        logging.getLogger("atsal.serving").exception("a fault")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["level"], first["message"], first["request_id"]) == ("INFO", "GET /v1/jobs\n", "r1")
    assert second["trace"].endswith("ValueError: odd")


def test_plain_lines_stay_one_line_and_have_no_tokens(log, capsys):
    log(as_json=False)
    secret = "atsal_0a1b2c3d_" + "x" * 43
    logging.getLogger("atsal.serving").info("from\x1b[1m\nINFO %s", secret, extra={"request_id": "r1"})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("[r1]")
    assert "\x1b" not in line
    assert "x" * 43 not in line
