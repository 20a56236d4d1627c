"""The HTTP interface of the service, as an ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from atsal.serving.gate.adding import add_gate
from atsal.serving.live import routes as live
from atsal.serving.openapi import add_openapi
from atsal.serving.photos import routes as photos
from atsal.serving.problems import add_problem_handlers
from atsal.serving.request_log import RequestLog
from atsal.serving.routes import jobs, operation, page, problems, results, view
from atsal.serving.service import Service
from atsal.serving.sources import uploads
from atsal.version import __version__

_PARTS = (page, jobs, results, view, uploads, operation, problems, photos, live)


def make_app(service: Service) -> FastAPI:
    """Return the application. While it runs, so do the jobs of the service."""

    @asynccontextmanager
    async def run(_app: FastAPI) -> AsyncIterator[None]:
        with service.running():
            yield

    app = FastAPI(title="atsal", version=__version__, lifespan=run, docs_url=None, redoc_url=None)
    add_problem_handlers(app)
    add_openapi(app)
    for part in _PARTS:
        app.include_router(part.make_router(service))
    add_gate(app, service.gate, service.settings.sources.file_bytes)
    app.add_middleware(RequestLog, metrics=service.metrics)
    return app
