"""Who asks, and what they may do."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

ALL_SCOPES = frozenset({"read", "submit", "admin"})


@dataclass(frozen=True)
class Caller:
    """Whoever sent a request: the name of a token; "" without tokens."""

    name: str
    scopes: frozenset[str]

    @property
    def is_admin(self) -> bool:
        """Whether jobs of all owners are theirs to see and to end."""
        return "admin" in self.scopes


def reader(request: Request) -> Caller:  # noqa: ARG001
    """Return who may read."""
    return Caller("", ALL_SCOPES)


def submitter(request: Request) -> Caller:
    """Return who may submit, cancel and remove jobs."""
    return reader(request)


def admin(request: Request) -> Caller:
    """Return who may see all."""
    return reader(request)


Reader = Annotated[Caller, Depends(reader)]
Submitter = Annotated[Caller, Depends(submitter)]
Admin = Annotated[Caller, Depends(admin)]
