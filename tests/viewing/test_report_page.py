"""The sphere of a report in a real Chromium, opened from disk. The checks are in `page/report.test.mjs`."""

from pathlib import Path

import pytest

from atsal.prediction.sources import Source
from atsal.viewing.report import make_report
from atsal.viewing.saved_result import SavedResult
from fakes.disc_video import COUNT, maps

pytestmark = pytest.mark.web
STREAMS = ("fused", "attention", "experts")


class DiscResult(SavedResult):
    def frames(self):
        return maps(COUNT)


def test_a_report_of_a_video(check, video, tmp_path):
    settings = dict.fromkeys(("source", "model", "options"), "test")
    result = DiscResult(
        Path("disc.json"), Source(video, "video"), "auto", STREAMS, "head_eye", COUNT, "test", settings, None
    )
    path = tmp_path / "report.html"
    path.write_text(make_report(result), encoding="utf-8")
    check.at("report", path.as_uri())
