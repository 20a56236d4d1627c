"""Dependencies of routes: which scope a route demands of its caller."""

from typing import Annotated

from fastapi import Depends
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from atsal.serving.gate.caller import READ, SUBMIT, Caller
from atsal.serving.problem_types import NOT_ALLOWED
from atsal.serving.problems import Problem


class Scope(SecurityBase):
    """A dependency that returns the caller, who has this scope: `caller: Reader`."""

    def __init__(self, scope: str) -> None:
        self.scheme_name = "token"
        self.model = HTTPBearer(description="A token of `atsal token add`. None is needed where none was made.")
        self._scope = scope

    async def __call__(self, connection: HTTPConnection) -> Caller:
        """Return the caller whom the gate let in. Raises `Problem`."""
        caller: Caller = connection.state.caller
        if not caller.may(self._scope):
            raise Problem(NOT_ALLOWED, f"this needs a token with the scope {self._scope}; this one has {caller.scope}")
        return caller


reader, submitter = Scope(READ), Scope(SUBMIT)
Reader = Annotated[Caller, Depends(reader)]
Submitter = Annotated[Caller, Depends(submitter)]
