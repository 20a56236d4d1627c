"""`/problems/NAME`, the `type` of each problem: a page that says what it means and what to do."""

from html import escape
from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from atsal.serving.problem_types import NOT_FOUND, PROBLEM_TYPES
from atsal.serving.problems import Problem

if TYPE_CHECKING:
    from atsal.serving.service import Service

_PAGE = '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>{body}</html>\n'


def make_router(_service: "Service") -> APIRouter:
    """Return the routes of problems."""
    router = APIRouter(prefix="/problems", include_in_schema=False)

    @router.get("/", response_class=HTMLResponse)
    def list_problems() -> str:
        """List all problems."""
        lines = (f'<li><a href="{kind.name}">{escape(kind.title)}</a>' for kind in PROBLEM_TYPES.values())
        return _PAGE.format(title="Problems", body=f"<ul>{''.join(lines)}</ul>")

    @router.get("/{name}", response_class=HTMLResponse)
    def describe_problem(name: str) -> str:
        """Say what a problem means, and what to do."""
        kind = PROBLEM_TYPES.get(name)
        if kind is None:
            raise Problem(NOT_FOUND, "there is no such problem; /problems/ lists all")
        body = f"<p>Status {kind.status}, <code>/problems/{kind.name}</code></p><p>{escape(kind.remedy)}</p>"
        return _PAGE.format(title=escape(kind.title), body=body)

    return router
