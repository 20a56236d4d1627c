"""The OpenAPI document: every answer that is an error is declared as a problem."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from atsal.serving.problem_types import INVALID_REQUEST
from atsal.serving.problems import ProblemDocument, declared, problem_answer

_OTHER = "Another problem, as 401, 403, 413, 429 and 503"
_FROM_FASTAPI = ("HTTPValidationError", "ValidationError")  # its own form of errors, which this service does not send
_ABOUT = "Run the commands of atsal as jobs. Errors are application/problem+json (RFC 9457)."


def add_openapi(app: FastAPI) -> None:
    """Let an app describe itself at /openapi.json."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def _describe(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
    schemas = document["components"]["schemas"]
    for name in _FROM_FASTAPI:
        schemas.pop(name, None)
    schemas[ProblemDocument.__name__] = ProblemDocument.model_json_schema()
    for path in document["paths"].values():
        for operation in path.values():
            _declare_problems(operation["responses"])
    return document


def _declare_problems(responses: dict[str, Any]) -> None:
    if "application/json" in responses.get("422", {}).get("content", {}):
        responses["422"] = declared(INVALID_REQUEST)[422]
    responses.setdefault("default", problem_answer(_OTHER))
