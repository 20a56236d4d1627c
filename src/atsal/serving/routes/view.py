"""`/v1/jobs/{id}/view`: the page that shows a result on the sphere, made by a job of kind `view`."""

import json
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse

from atsal.serving.gate.access import Reader, Submitter
from atsal.serving.gate.caller import Caller
from atsal.serving.job import JobRecord
from atsal.serving.kinds import VIEW
from atsal.serving.own_jobs import find_job
from atsal.serving.problem_types import CONFLICT, NOT_FOUND, STORE_UNAVAILABLE
from atsal.serving.problems import Problem, declared, request_id
from atsal.serving.routes.job_models import Job, describe_job
from atsal.serving.routes.results import find_done_job, result_path
from atsal.serving.sources.source_ref import SourceRef
from atsal.serving.submission import Submission, submit
from atsal.viewing.server import content_type, page_headers
from atsal.viewing.site import PAGE

if TYPE_CHECKING:
    from atsal.serving.service import Service

_INDEX = "index.html"
_MAY_HAVE = declared(NOT_FOUND, CONFLICT, STORE_UNAVAILABLE)


def make_router(service: "Service") -> APIRouter:
    """Return the routes of pages."""
    router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["view"])

    @router.post("/view", status_code=202, responses={200: {"model": Job}, **_MAY_HAVE})
    def make_page(job_id: str, caller: Submitter, request: Request, response: Response) -> Job:
        """Have the page of a job made, and return the job that makes it; 200 if it is done."""
        job = find_done_job(service, caller, job_id)
        found = _page_job(service, job)
        if found is None or found.state in ("failed", "cancelled"):
            key = f"{VIEW} of {job.id} after {found.id if found else 'none'}"  # two requests at once make one page
            wanted = Submission(VIEW, {}, SourceRef(job=job.id), key, request_id(request))
            found = submit(service, caller, wanted).job
        response.status_code = 200 if found.state == "done" else 202
        response.headers["Location"] = f"/v1/jobs/{job.id}/view/"
        return describe_job(found)

    @router.get("/view", include_in_schema=False)
    def add_slash(job_id: str, caller: Reader) -> RedirectResponse:
        return RedirectResponse(f"/v1/jobs/{find_job(service, caller, job_id).id}/view/")

    @router.head("/view/{name:path}", include_in_schema=False)
    @router.get("/view/{name:path}", response_class=FileResponse, responses=_MAY_HAVE)
    def get_page(job_id: str, name: str, caller: Reader) -> Response:
        """Return a file of the page, which begins at its empty name."""
        page, name = _ready_page(service, caller, job_id), name or _INDEX
        path, headers = result_path(service, page, name), page_headers(name)
        if name == PAGE.record:
            return JSONResponse(_with_own_name(json.loads(path.read_bytes()), page), headers=headers)
        return FileResponse(path, media_type=content_type(path.name), headers=headers)

    return router


def _with_own_name(catalogue: dict[str, Any], page: JobRecord) -> dict[str, Any]:
    """Return the list of a page's items, of which there is one, under the name that its owner gave the source."""
    items = [item | {"name": page.name or item["name"]} for item in catalogue["items"]]
    return catalogue | {"items": items, "home": "/"}


def _page_job(service: "Service", job: JobRecord) -> JobRecord | None:
    """Return the newest job that makes the page of a job: itself, if it is of that kind."""
    if job.kind == VIEW:
        return job
    found = (child.id for child in service.jobs.children(job.id) if child.kind == VIEW)
    newest = next(found, None)
    return None if newest is None else service.jobs.get(newest)


def _ready_page(service: "Service", caller: Caller, job_id: str) -> JobRecord:
    page = _page_job(service, find_job(service, caller, job_id))
    if page is None:
        raise Problem(NOT_FOUND, "the job has no page yet; POST to /v1/jobs/ID/view has it made")
    if page.state != "done":
        raise Problem(CONFLICT, f"the page is not there: the job {page.id} that makes it is {page.state}")
    return page
