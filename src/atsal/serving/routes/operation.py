"""`/healthz`, `/readyz` and `/metrics`: for whoever runs the service."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from atsal.errors import StoreError
from atsal.serving.gate.access import Reader
from atsal.serving.metrics import CONTENT_TYPE
from atsal.serving.problem_types import NOT_READY
from atsal.serving.problems import Problem, declared

if TYPE_CHECKING:
    from atsal.serving.service import Service


class Health(BaseModel):
    """What `/healthz` and `/readyz` answer when all is well."""

    status: str = Field(examples=["ok"])


def make_router(service: "Service") -> APIRouter:
    """Return the routes of operation."""
    router = APIRouter(tags=["operation"])

    @router.get("/healthz")
    async def is_alive() -> Health:
        """Say that the process answers."""
        return Health(status="ok")

    @router.get("/readyz", responses=declared(NOT_READY))
    def is_ready() -> Health:
        """Say whether jobs can be accepted and run here; which part cannot is in the log."""
        faults = _faults(service)
        if faults:
            raise Problem(NOT_READY, "; ".join(faults))
        return Health(status="ok")

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    def get_metrics(_caller: Reader) -> Response:
        """Return figures for Prometheus."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE)

    return router


def _faults(service: "Service") -> list[str]:
    found = []
    if service.is_stopping.is_set():
        found.append("the service stops")
    elif not service.dispatcher.is_running:
        found.append("no job can run")
    try:
        service.jobs.check_writable()
    except StoreError:
        found.append("the store of jobs cannot be written")
    if service.data.free_bytes() < service.settings.least_free_bytes:
        found.append("the disk is full")
    return found
