"""The page at `/`. Its files are built from `viewer/`; it holds nothing that a token protects."""

from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi.responses import FileResponse

from atsal.serving.problem_types import NOT_FOUND
from atsal.serving.problems import Problem, declared

if TYPE_CHECKING:
    from atsal.serving.service import Service

_STATIC = Path(__file__).parents[1] / "static"
_PAGE = "serve.html"
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".txt": "text/plain"}  # not the system's
_FILES = {path.name: path for path in _STATIC.iterdir() if path.suffix in _TYPES}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def make_router(_service: "Service") -> APIRouter:
    """Return the routes of the page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/", response_class=FileResponse)
    def get_page() -> FileResponse:
        """Return the page."""
        return _answer(_PAGE)

    @router.get("/static/{name}", response_class=FileResponse, responses=declared(NOT_FOUND))
    def get_file(name: str) -> FileResponse:
        """Return a file of the page, by its name."""
        if name not in _FILES:
            raise Problem(NOT_FOUND, "the page has no such file")
        return _answer(name)

    return router


def _answer(name: str) -> FileResponse:
    path = _FILES[name]
    return FileResponse(path, media_type=_TYPES[path.suffix], headers={"Content-Security-Policy": _POLICY})
