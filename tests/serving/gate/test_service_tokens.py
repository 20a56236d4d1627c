"""Tokens and sessions in the store, and logs without them."""

import logging

import pytest

from atsal.errors import ConfigError
from atsal.serving.clock import Clock
from atsal.serving.gate.secrets import SecretFilter, new_secret
from atsal.serving.gate.tokens import Tokens
from atsal.serving.store.database import open_database, sqlite_url


class _Time:
    now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def time_s():
    return _Time()


@pytest.fixture
def tokens(tmp_path, time_s):
    database = open_database(sqlite_url(tmp_path / "store.sqlite"))
    yield Tokens(database, Clock(monotonic_s=time_s))
    database.close()


def test_a_secret_tells_its_holder_and_is_not_in_the_store(tokens, tmp_path):
    secret = tokens.add("anna", "submit")
    found = tokens.find(secret)
    assert (found.name, found.may("read"), found.may("submit"), found.may("admin")) == ("anna", True, True, False)
    assert secret[15:].encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_forged_revoked_and_expired_secrets_tell_nobody(tokens, time_s):
    secret, short = tokens.add("anna", "read"), tokens.add("ben", "read", lasts_s=60)
    assert tokens.find(secret[:-1] + ("A" if secret[-1] != "A" else "B")) is None  # the same id
    assert all(tokens.find(other) is None for other in ("", "atsal_", secret[6:], secret + "A", new_secret()[1]))
    time_s.now_s += 61
    assert tokens.find(short) is None
    assert tokens.find(secret) is not None
    tokens.revoke("anna")
    assert tokens.find(secret) is None


def test_a_session_ends_with_its_token_and_is_no_token(tokens, time_s):
    caller = tokens.find(tokens.add("anna", "submit", lasts_s=600))
    session, lasts_s = tokens.open_session(caller)
    assert lasts_s == pytest.approx(600)
    assert tokens.find_session(session).name == "anna"
    assert tokens.find(session) is None
    time_s.now_s += 601
    assert tokens.find_session(session) is None


def test_a_session_ends_after_twelve_hours_and_when_its_token_is_revoked(tokens, time_s):
    caller = tokens.find(tokens.add("anna", "submit"))
    first, second = tokens.open_session(caller)[0], tokens.open_session(caller)[0]
    tokens.revoke("anna")
    assert tokens.find_session(first) is None
    tokens.add("anna", "submit")
    assert tokens.find_session(second) is None  # a new token of the same name has no old sessions
    third, _ = tokens.open_session(tokens.find(tokens.add("ben", "read")))
    time_s.now_s += 12 * 3600 + 1
    assert tokens.find_session(third) is None


def test_the_oldest_of_too_many_sessions_ends(tokens, time_s):
    caller = tokens.find(tokens.add("anna", "submit"))
    first, _ = tokens.open_session(caller)
    for _ in range(50):
        time_s.now_s += 1
        last, _ = tokens.open_session(caller)
    assert tokens.find_session(first) is None
    assert tokens.find_session(last) is not None


@pytest.mark.parametrize("name", ["", "a b", "../a", "ä", "a" * 65, "-a"])
def test_a_name_of_a_token_is_plain(tokens, name):
    with pytest.raises(ConfigError, match="is no name of a token"):
        tokens.add(name, "read")


def test_a_name_has_one_token(tokens):
    tokens.add("anna", "read")
    with pytest.raises(ConfigError, match="there is a token of this name"):
        tokens.add("anna", "read")
    with pytest.raises(ConfigError, match="no token of this name"):
        tokens.revoke("ben")


def test_no_secret_gets_into_a_log(tmp_path):
    _, secret = new_secret()
    handler = logging.FileHandler(tmp_path / "log")
    handler.addFilter(SecretFilter())
    log = logging.Logger("of this test")
    log.addHandler(handler)
    log.warning("%s and %s", secret, {"authorization": f"Bearer {secret}", "other": "bearer abc.def"})
    try:
        raise ValueError(f"cookie atsal_session={secret}")
    except ValueError:
        log.exception("failed", stack_info=True)
    handler.close()
    text = (tmp_path / "log").read_text()
    assert secret[:15] in text  # which token it was, can be seen
    assert secret[15:] not in text
    assert "abc.def" not in text
