"""The OpenAPI document, and requests made from it."""

from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from serving_tools import serving

from atsal.serving.gate.settings import GateSettings


def test_the_document_declares_problems_and_has_examples(client):
    document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    assert schemas["NewJob"]["examples"]
    submit = document["paths"]["/v1/jobs"]["post"]["responses"]
    assert {"201", "422", "503", "507", "default"} <= submit.keys()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                if status == "default" or int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], (path, method, status)


@pytest.mark.slow
def test_no_request_is_answered_with_a_fault(tmp_path):
    """Requests that schemathesis makes from the document, good ones and bad ones."""
    with serving(tmp_path, gate=GateSettings(requests_per_minute=1_000_000)) as (service, client):
        headers = {"Authorization": f"Bearer {service.gate.tokens.add('anna', 'admin')}"}
        document = client.get("/openapi.json", headers=headers).json()
        schema = schemathesis.openapi.from_dict(document)
        schema.config.update(base_url=str(client.base_url))
        statuses = Counter()
        for operation in schema.get_all_operations():
            _call_often(operation.ok(), headers, statuses)
    assert {200, 404, 422} <= statuses.keys(), statuses


def _call_often(operation, headers, statuses):
    @given(case=operation.as_strategy())
    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def call(case):
        response = case.call(timeout=30, headers=headers)
        statuses[response.status_code] += 1
        assert response.status_code not in (500, 502, 504), response.text
        if response.status_code >= 400:
            assert response.headers["content-type"] == ["application/problem+json"], response.text

    call()
