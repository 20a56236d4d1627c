"""The log of `atsal serve`, on standard error: plain lines, or JSON lines for programs."""

import json
import logging
from datetime import UTC, datetime

from atsal.serving.gate.secrets import SecretFilter
from atsal.untrusted.text import escape_controls


def set_up_log(*, as_json: bool) -> None:
    """Send what the service and its server say to standard error. Only the command does so, never the library."""
    handler = logging.StreamHandler()
    handler.addFilter(SecretFilter())
    handler.setFormatter(_JsonLine() if as_json else _PlainLine())
    for name, level in (("atsal", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.addHandler(handler)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class _PlainLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        request = getattr(record, "request_id", "")
        end = f" [{request}]" if request else ""
        trace = f"\n{record.exc_text}" if record.exc_text else ""
        return f"{_time(record)} {record.levelname:<7} {escape_controls(record.getMessage())}{end}{trace}"


class _JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"time": _time(record), "level": record.levelname, "message": record.getMessage()}
        if getattr(record, "request_id", ""):
            line["request_id"] = record.request_id  # type: ignore[attr-defined]
        if record.exc_text:  # which the filter made of an exception
            line["trace"] = record.exc_text
        return json.dumps(line, ensure_ascii=False)
