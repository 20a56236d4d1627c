"""Who comes in: names of hosts, pages elsewhere, rates, tokens and sessions. Each request passes here before any route.

So a route that forgets to ask for a scope is still closed to those without a token.
"""

from http.cookies import CookieError, SimpleCookie

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from atsal.errors import ConfigError, StoreError
from atsal.serving.gate.caller import OPEN, Caller
from atsal.serving.gate.origins import SAFE_METHODS, answered_names, is_answered, is_foreign, is_loopback, is_of_a_form
from atsal.serving.gate.rates import Rates
from atsal.serving.gate.refusals import send_problem
from atsal.serving.gate.settings import GateSettings
from atsal.serving.gate.tokens import Tokens
from atsal.serving.problem_types import HEAD_TOO_LARGE, MALFORMED, NO_TOKEN, NOT_ALLOWED, TOO_MANY, WRONG_TYPE
from atsal.serving.problems import Problem, store_problem

COOKIE = "atsal_session"
HEALTH = frozenset({"/healthz", "/readyz"})  # asked by whatever watches the process, which knows its address only
PUBLIC = HEALTH | {"/"}
PUBLIC_FOLDERS = ("/static/", "/problems/")
_ONCE = (  # what two servers could understand differently if it came twice
    "authorization",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "origin",
    "transfer-encoding",
    "tus-resumable",
    "upload-length",
    "upload-metadata",
    "upload-offset",
)
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="atsal"'}
_NO_BEARER = "the request shows none; send the header Authorization: Bearer atsal_…"


class Gate:
    """What a server knows of who may come in."""

    def __init__(self, settings: GateSettings, tokens: Tokens, host: str) -> None:
        self.settings = settings
        self.tokens = tokens
        self.rates = Rates(settings)
        self.names = answered_names(host, settings.host_names)
        self._demands_tokens = not is_loopback(host)

    def check(self) -> None:
        """Raise `ConfigError` where a token is demanded and there is none."""
        if self._demands_tokens and not self.tokens.exist():
            raise ConfigError(
                "--host: other machines can reach this address, so each request has to show a token, and there is "
                "none; make one with atsal token add NAME --data FOLDER, or listen at 127.0.0.1."
            )

    def demands_tokens(self) -> bool:
        """Whether a token is needed. Once it is, it stays so until the end of the process."""
        self._demands_tokens = self._demands_tokens or self.tokens.exist()
        return self._demands_tokens


class Entrance:
    """Middleware for `app` that lets in whom the gate knows, as `request.state.caller`."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            scope["state"]["caller"] = await self._admit(scope)
        except Problem as problem:
            await send_problem(problem, scope, receive, send)
            return
        except StoreError as error:
            await send_problem(store_problem(error), scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope) -> Caller | None:
        headers = Headers(scope=scope)
        is_change = scope["type"] == "http" and scope["method"] not in SAFE_METHODS
        self._check_form(scope, headers)
        if (is_change or scope["type"] == "websocket") and is_foreign(headers, self._gate.settings.origins):
            raise Problem(NOT_ALLOWED, "pages of other servers may not call this one")
        if is_change and is_of_a_form(headers):
            raise Problem(
                WRONG_TYPE,
                "content of this type is not taken; send the header Content-Type with application/json, or with the "
                "type of the file",
            )
        address = scope["client"][0] if scope.get("client") else ""
        _wait(self._gate.rates.of_address(address), "too many requests of this address")
        if scope["path"] in PUBLIC or scope["path"].startswith(PUBLIC_FOLDERS):
            return None
        caller = await self._identify(headers, address)
        if caller.by_cookie and is_change:
            raise Problem(
                NO_TOKEN,
                "the session of a page only reads; send the token in the header Authorization",
                headers=_CHALLENGE,
            )
        if caller.token:
            _wait(self._gate.rates.of_token(caller.token), "too many requests with this token")
        return caller

    def _check_form(self, scope: Scope, headers: Headers) -> None:
        """Refuse heads that are large or not clear, and names that are not this server's."""
        if len(scope["raw_path"]) + len(scope["query_string"]) + _size(headers) > self._gate.settings.head_bytes:
            raise Problem(HEAD_TOO_LARGE, f"the head is larger than {self._gate.settings.head_bytes} bytes")
        if any(len(headers.getlist(name)) > 1 for name in _ONCE):
            raise Problem(MALFORMED, "a header that may be there once is there several times")
        if "transfer-encoding" in headers and "content-length" in headers:
            raise Problem(MALFORMED, "Content-Length and Transfer-Encoding exclude each other; send one of them")
        if not is_answered(headers.get("host", ""), None if scope["path"] in HEALTH else self._gate.names):
            raise Problem(NOT_ALLOWED, "the service is not asked by this name of a host; --host-name adds one")

    async def _identify(self, headers: Headers, address: str) -> Caller:
        stated, session = headers.get("authorization"), _session(headers)
        if stated is None and session is None:
            if await to_thread.run_sync(self._gate.demands_tokens):
                raise Problem(NO_TOKEN, _NO_BEARER, headers=_CHALLENGE)
            return OPEN
        tokens = self._gate.tokens
        if stated is not None:
            scheme, _, secret = stated.partition(" ")
            find, secret = tokens.find, secret.strip() if scheme.lower() == "bearer" else ""
        else:
            find, secret = tokens.find_session, session or ""
        caller = await to_thread.run_sync(find, secret)
        if caller is None:
            _wait(self._gate.rates.of_failure(address), "too many wrong tokens of this address")
            detail = "the token is unknown, revoked or expired" if secret else _NO_BEARER
            raise Problem(NO_TOKEN, detail, headers=_CHALLENGE)
        return caller


def _session(headers: Headers) -> str | None:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return found.value if found is not None else None


def _size(headers: Headers) -> int:
    return sum(len(name) + len(value) + len(": \r\n") for name, value in headers.raw)


def _wait(seconds: int, reason: str) -> None:
    if seconds:
        raise Problem(TOO_MANY, f"{reason}; wait {seconds} s", headers={"Retry-After": str(seconds)})
