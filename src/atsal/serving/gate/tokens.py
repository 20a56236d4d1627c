"""Tokens in the store: several, each with a name, a scope and perhaps an end."""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.exc import IntegrityError

from atsal.errors import ConfigError
from atsal.serving.clock import Clock
from atsal.serving.gate.caller import Caller
from atsal.serving.gate.secrets import digest, is_secret, new_secret, secret_id
from atsal.serving.store.database import Database
from atsal.serving.store.tables import SESSIONS, TOKENS
from atsal.untrusted.text import short_repr

SESSION_S = 12 * 3600.0  # the longest time that the page's cookie is worth something
_MOST_SESSIONS = 50  # of a token; a new one ends the oldest
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Token:
    """What is known of a token. Times are seconds since 1970."""

    name: str
    id: str
    scope: str
    created_s: float
    expires_s: float | None
    has_expired: bool


class Tokens:
    """The tokens and sessions of a store. Each method raises `StoreError` where the store does."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(self, name: str, scope: str, lasts_s: float | None = None) -> str:
        """Make a token and return its secret, which is kept nowhere.

        Raises `ConfigError` for a name that is taken or none.
        """
        if _NAME.fullmatch(name) is None:
            raise ConfigError(
                f"{short_repr(name)}: is no name of a token; expected at most 64 letters, digits, dots, hyphens and "
                "underscores, the first a letter or digit."
            )
        (key, secret), now_s = new_secret(), self._clock.now_s()
        row = {"id": key, "name": name, "digest": digest(secret), "scope": scope, "created_s": now_s}
        row["expires_s"] = None if lasts_s is None else now_s + lasts_s
        try:
            with self._database.writing() as connection:
                connection.execute(insert(TOKENS).values(row))
        except IntegrityError:
            raise ConfigError(
                f"{name}: there is a token of this name; revoke it first, or choose another name."
            ) from None
        return secret

    def all(self) -> list[Token]:
        """Return the tokens, sorted by name, with those that have expired."""
        with self._database.reading() as connection:
            rows = connection.execute(select(TOKENS).order_by(TOKENS.c.name)).all()
        return [
            Token(row.name, row.id, row.scope, row.created_s, row.expires_s, self._has_expired(row)) for row in rows
        ]

    def exist(self) -> bool:
        """Whether there is a token, expired or not."""
        with self._database.reading() as connection:
            return connection.execute(select(TOKENS.c.id).limit(1)).first() is not None

    def revoke(self, name: str) -> None:
        """Remove a token and its sessions; raises `ConfigError` if there is none of this name."""
        with self._database.writing() as connection:
            token = select(TOKENS.c.id).where(TOKENS.c.name == name).scalar_subquery()
            connection.execute(delete(SESSIONS).where(SESSIONS.c.token == token))
            removed = connection.execute(delete(TOKENS).where(TOKENS.c.name == name)).rowcount
        if not removed:
            raise ConfigError(f"{short_repr(name)}: there is no token of this name; `atsal token list` shows all.")

    def find(self, secret: str) -> Caller | None:
        """Return whose token this is; None for a forged, revoked or expired one."""
        key = secret_id(secret)
        if key is None:
            return None
        with self._database.reading() as connection:
            row = connection.execute(select(TOKENS).where(TOKENS.c.id == key)).first()
        return self._caller(row) if row is not None and is_secret(secret, row.digest) else None

    def open_session(self, caller: Caller) -> tuple[str, float]:
        """Return the secret of a new session for the holder of a token, and the seconds that it lasts."""
        (key, secret), now_s = new_secret(), self._clock.now_s()
        ends_s = min(now_s + SESSION_S, caller.expires_s or now_s + SESSION_S)
        own = SESSIONS.c.token == caller.token
        kept = select(SESSIONS.c.id).where(own).order_by(SESSIONS.c.expires_s.desc()).limit(_MOST_SESSIONS - 1)
        row = {"id": key, "digest": digest(secret), "token": caller.token, "expires_s": ends_s}
        with self._database.writing() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.expires_s <= now_s))
            connection.execute(delete(SESSIONS).where(own, SESSIONS.c.id.not_in(kept)))
            connection.execute(insert(SESSIONS).values(row))
        return secret, ends_s - now_s

    def find_session(self, secret: str) -> Caller | None:
        """Return whose session this is; None for a forged or ended one, and where its token is revoked or expired."""
        key = secret_id(secret)
        if key is None:
            return None
        joined = select(TOKENS, SESSIONS.c.digest.label("of_session")).join(SESSIONS, SESSIONS.c.token == TOKENS.c.id)
        with self._database.reading() as connection:
            row = connection.execute(
                joined.where(SESSIONS.c.id == key, SESSIONS.c.expires_s > self._clock.now_s())
            ).first()
        if row is None or not is_secret(secret, row.of_session):
            return None
        return self._caller(row, by_cookie=True)

    def _caller(self, row: "Row[Any]", *, by_cookie: bool = False) -> Caller | None:
        return None if self._has_expired(row) else Caller(row.name, row.scope, row.id, row.expires_s, by_cookie)

    def _has_expired(self, row: "Row[Any]") -> bool:
        return row.expires_s is not None and row.expires_s <= self._clock.now_s()
