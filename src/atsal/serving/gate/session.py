"""`/v1/session`: a cookie for what a page cannot send a header with: videos, event streams and pages of results."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from atsal.serving.gate.access import Reader
from atsal.serving.gate.entrance import COOKIE, Gate
from atsal.serving.problem_types import NO_TOKEN
from atsal.serving.problems import declared


class Session(BaseModel):
    """Who the caller is."""

    name: str = Field(description='Of the token; "" where no token is needed.', examples=["studio"])
    scope: str = Field(examples=["submit"])
    seconds: int = Field(description="That the cookie is valid; 0 where none is needed.", examples=[43200])


def make_router(gate: Gate) -> APIRouter:
    """Return the route of sessions."""
    router = APIRouter(prefix="/v1", tags=["session"])

    @router.post("/session", responses=declared(NO_TOKEN))
    def open_session(caller: Reader, request: Request, response: Response) -> Session:
        """Give the browser a cookie with which it may read what the token may, for at most twelve hours."""
        if not caller.token:
            return Session(name=caller.name, scope=caller.scope, seconds=0)
        secret, seconds = gate.tokens.open_session(caller)
        response.set_cookie(
            COOKIE,
            secret,
            max_age=int(seconds),
            path="/v1",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return Session(name=caller.name, scope=caller.scope, seconds=int(seconds))

    return router
