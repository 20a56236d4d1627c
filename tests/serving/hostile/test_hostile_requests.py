"""Hundreds of requests of somebody who means harm: each is refused clearly, and nothing comes of it."""

import access_cases
import content_cases
import head_cases
import path_cases
import photo_cases
import pytest
import upload_cases

_MODULES = (head_cases, access_cases, path_cases, content_cases, upload_cases, photo_cases)
CASES = [case for module in _MODULES for case in module.cases()]
_NO_PROBLEM = (200, 307)  # where a harmless answer is as good as a refusal

pytestmark = pytest.mark.slow


def test_there_are_many():
    assert len({case.name for case in CASES}) == len(CASES) > 300


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_hostile_request_is_refused(target, case):
    before = target.files()
    answer = target.send(case.content)
    assert answer is not None, "the connection ended without an answer"
    assert answer.status in case.statuses, answer
    if answer.status not in _NO_PROBLEM and not case.content.startswith(b"HEAD"):
        answer.problem()
    text = answer.body.decode("utf-8", "replace") + str(answer.headers)
    assert [secret for secret in target.secrets() if secret in text] == []
    assert "server" not in answer.headers
    assert target.files() == before
    assert target.process.poll() is None


def test_after_all_of_them_the_server_answers_and_has_asked_nobody(target):
    assert target.client.get("/healthz").status_code == 200
    assert target.client.get("/readyz").status_code == 200
    with pytest.raises(BlockingIOError):
        target.canary.accept()
    log = target.log.read_text()
    assert "Traceback" not in log
    assert not [secret for secret in target.secrets()[-5:] if secret in log]
