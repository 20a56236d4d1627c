"""Secrets of tokens and sessions: made, told apart, and kept out of the logs.

A secret is `atsal_`, eight hexadecimal digits that name it, and 256 random bits. The store keeps its SHA-256: nobody
can try all texts of so many random bits, so a slow hash, as passwords need it, would add nothing.
"""

import hashlib
import hmac
import logging
import re
import secrets

_SHAPE = re.compile(r"atsal_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_IN_TEXT = re.compile(r"(atsal_[0-9a-f]{8}_)[A-Za-z0-9_-]+|(?i:(bearer\s+))[^\s'\",;]+")


def new_secret() -> tuple[str, str]:
    """Return an id and the secret that it is part of."""
    name = secrets.token_hex(4)
    return name, f"atsal_{name}_{secrets.token_urlsafe(32)}"


def secret_id(secret: str) -> str | None:
    """Return the id in a secret; None for a text of another shape."""
    found = _SHAPE.fullmatch(secret)
    return found and found[1]


def digest(secret: str) -> str:
    """Return what the store keeps of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_secret(secret: str, kept: str) -> bool:
    """Whether this is the secret whose digest was kept; the time tells nothing about how much of it is right."""
    return hmac.compare_digest(digest(secret), kept)


def without_secrets(text: str) -> str:
    """Return a text in which secrets end after their ids."""
    return _IN_TEXT.sub(lambda found: (found[1] or found[2]) + "…", text)


class SecretFilter(logging.Filter):
    """Lets no secret into a log: not from a message, its values, an exception or a stack."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Remove secrets from a record, and let it pass."""
        record.msg, record.args = without_secrets(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.exc_text = record.exc_text and without_secrets(record.exc_text)
        record.stack_info = record.stack_info and without_secrets(record.stack_info)
        return True
