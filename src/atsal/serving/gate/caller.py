"""Who asks, and for what they may ask."""

from dataclasses import dataclass

READ, SUBMIT, ADMIN = SCOPES = ("read", "submit", "admin")  # each includes those before it


@dataclass(frozen=True)
class Caller:
    """The holder of a token. Where no tokens are demanded, everybody is the same caller, who may do everything."""

    name: str = ""  # of the token
    scope: str = ADMIN
    token: str = ""  # its id
    expires_s: float | None = None  # when its token does
    by_cookie: bool = False  # known by the page's cookie, which a browser sends by itself

    @property
    def is_admin(self) -> bool:
        """Whether what belongs to others exists for this caller."""
        return self.may(ADMIN)

    def may(self, scope: str) -> bool:
        """Whether this scope is among the caller's."""
        return SCOPES.index(scope) <= SCOPES.index(self.scope)

    def sees(self, owner: str) -> bool:
        """Whether what belongs to `owner` exists for this caller."""
        return self.is_admin or owner == self.name


OPEN = Caller()
