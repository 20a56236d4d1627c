"""Forged, expired and misplaced tokens, and pages that have no business here."""

from raw_http import JSON, TOKEN, TUS, Case, post_job, request

_CLOSED = (401, 429)
_AUTHORIZATIONS = {
    "empty": "",
    "scheme-only": "Bearer",
    "no-scheme": "<TOKEN>",
    "basic": "Basic YXRzYWw6YXRzYWw=",
    "digest": 'Digest username="a"',
    "id-only": "Bearer <TOKEN_ID>",
    "no-secret": "Bearer <TOKEN_ID>_",
    "other-secret": "Bearer <TOKEN_ID>_" + "A" * 43,
    "cut": "Bearer <TOKEN_CUT>",
    "longer": "Bearer <TOKEN>A",
    "twice": "Bearer <TOKEN><TOKEN>",
    "with-comma": "Bearer <TOKEN>, Bearer <TOKEN>",
    "other-case": "Bearer <TOKEN_UPPER>",
    "null": "Bearer atsal_00000000_" + "A" * 42 + "=",
    "percent": "Bearer %61tsal_00000000_" + "A" * 43,
    "forged": "Bearer atsal_00000000_" + "A" * 43,
    "sql": "Bearer ' OR 1=1 --",
    "sql-id": "Bearer atsal_' OR 1=_" + "A" * 43,
    "jwt": "Bearer eyJhbGciOiJub25lIn0.eyJzY29wZSI6ImFkbWluIn0.",
    "long": "Bearer " + "A" * 8000,
    "digits": "Bearer atsal_\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2_" + "A" * 43,
    "digest-of-it": "Bearer <TOKEN_DIGEST>",
    "expired": "Bearer <EXPIRED>",
    "revoked": "Bearer <REVOKED>",
    "session": "Bearer <SESSION>",
}
_COOKIES = {
    "token": "atsal_session=<TOKEN>",
    "forged": "atsal_session=atsal_00000000_" + "A" * 43,
    "empty": "atsal_session=",
    "cut": "atsal_session=<SESSION_CUT>",
    "of-revoked": "atsal_session=<REVOKED_SESSION>",
    "other-name": "session=<SESSION>",
    "sql": "atsal_session=' OR 1=1 --",
}
_FOREIGN = {
    "origin": ("Origin: http://evil.example",),
    "origin-null": ("Origin: null",),
    "origin-other-port": ("Origin: http://localhost:1",),
    "origin-as-path": ("Origin: http://localhost/",),
    "origin-twice": ("Origin: http://localhost", "Origin: http://evil.example"),
    "fetch-cross": ("Sec-Fetch-Site: cross-site",),
    "fetch-same-site": ("Sec-Fetch-Site: same-site",),
    "form": ("Content-Type: application/x-www-form-urlencoded",),
    "multipart": ("Content-Type: multipart/form-data; boundary=x",),
    "plain": ("Content-Type: text/plain",),
    "plain-as-json": ("Content-Type: TEXT/plain; charset=application/json",),
}
_OTHERS = {  # what belongs to somebody else does not exist
    "job": ("GET", "/v1/jobs/<OTHER_JOB>"),
    "events": ("GET", "/v1/jobs/<OTHER_JOB>/events"),
    "result": ("GET", "/v1/jobs/<OTHER_JOB>/results/photo.png"),
    "regions": ("GET", "/v1/jobs/<OTHER_JOB>/regions"),
    "page": ("GET", "/v1/jobs/<OTHER_JOB>/view/"),
    "make-page": ("POST", "/v1/jobs/<OTHER_JOB>/view"),
    "cancel": ("POST", "/v1/jobs/<OTHER_JOB>/cancel"),
    "remove": ("DELETE", "/v1/jobs/<OTHER_JOB>"),
    "upload": ("HEAD", "/v1/uploads/<OTHER_UPLOAD>"),
    "remove-upload": ("DELETE", "/v1/uploads/<OTHER_UPLOAD>"),
}


_ELSEWHERE = (
    "X-Forwarded-For: 127.0.0.1",
    "X-Real-IP: 127.0.0.1",
    "Forwarded: for=127.0.0.1",
    "X-Original-URL: /healthz",
)
_NEARLY_PUBLIC = (
    "/healthz/../v1/jobs",
    "//v1/jobs",
    "/healthz%2f..%2fv1%2fjobs",
    "/static/../v1/jobs",
    "/;/v1/jobs",
    "/V1/jobs",
)
_SESSION, _READER = "Cookie: atsal_session=<SESSION>", "Authorization: Bearer <READER>"


def cases():
    """All of them."""
    yield from _of_secrets()
    yield from _of_pages()
    yield from _of_others()


def _of_secrets():
    for name, value in _AUTHORIZATIONS.items():
        yield Case(f"token-{name}", request("GET", "/v1/jobs", f"Authorization: {value}"), _CLOSED)
    for name, value in _COOKIES.items():
        yield Case(f"cookie-{name}", request("GET", "/v1/jobs", f"Cookie: {value}"), _CLOSED)
    for query in ("token=<TOKEN>", "access_token=<TOKEN>", "authorization=Bearer%20<TOKEN>"):
        yield Case(f"token-in-query-{query[:6]}", request("GET", f"/v1/jobs?{query}"), _CLOSED)
    for header in _ELSEWHERE:
        yield Case(f"token-none-{header[:11]}", request("GET", "/v1/jobs", header), _CLOSED)
    for path in _NEARLY_PUBLIC:
        yield Case(f"public-{path}", request("GET", path), (401, 404, 429))
    yield Case("token-and-token", request("GET", "/v1/jobs", TOKEN, "Authorization: Bearer <ADMIN>"), (400,))


def _of_pages():
    for name, headers in _FOREIGN.items():
        yield Case(f"page-{name}", request("POST", "/v1/session", TOKEN, *headers, body=b"{}"), (400, 403, 415))
    yield Case("cookie-cancels", request("POST", "/v1/jobs/<JOB>/cancel", _SESSION), (401,))
    yield Case("cookie-removes", request("DELETE", "/v1/jobs/<JOB>", _SESSION), (401,))
    for method in ("DELETE", "PATCH"):
        override = f"X-HTTP-Method-Override: {method}"
        content = request("HEAD", "/v1/uploads/<UPLOAD>", _SESSION, TUS, override)
        yield Case(f"cookie-override-{method}", content, (400,))


def _of_others():
    for name, (method, path) in _OTHERS.items():
        yield Case(f"others-{name}", request(method, path, TOKEN, TUS), (404,))
    for name in ("upload", "job"):
        job = {"kind": "predict", "source": {name: f"<OTHER_{name.upper()}>"}}
        yield Case(f"others-source-{name}", post_job(job), (404, 422))
    job = b'{"kind": "predict", "source": {"upload": "a"}}'
    yield Case("scope-submit", request("POST", "/v1/jobs", _READER, JSON, body=job), (403,))
    yield Case("scope-upload", request("POST", "/v1/uploads", _READER, TUS, "Upload-Length: 5"), (403,))
    yield Case("scope-remove", request("DELETE", "/v1/jobs/<JOB>", _READER), (403,))
