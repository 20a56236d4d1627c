"""Heads of requests: damaged, huge, split, and such that two servers could read differently."""

from raw_http import JSON, TOKEN, Case, get, request

BAD = (400,)
_SMUGGLED = b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n"


def _line(line):
    return line + b"\r\nHost: localhost\r\n\r\n"


_DAMAGED = {
    "no-version": _line(b"GET /"),
    "no-target": _line(b"GET HTTP/1.1"),
    "two-spaces": _line(b"GET  / HTTP/1.1"),
    "tab": _line(b"GET\t/\tHTTP/1.1"),
    "null-in-target": _line(b"GET /\0 HTTP/1.1"),
    "null-in-method": _line(b"G\0T / HTTP/1.1"),
    "space-in-target": _line(b"GET /a b HTTP/1.1"),
    "latin-target": _line(b"GET /\xff HTTP/1.1"),
    "utf8-target": _line("GET /ä HTTP/1.1".encode()),
    "control-in-target": _line(b"GET /\x7f HTTP/1.1"),
    "bracket-method": _line(b"GET() / HTTP/1.1"),
    "version-1.x": _line(b"GET / HTTP/1.x"),
    "version-text": _line(b"GET / HTTPS/1.1"),
    "line-ends-in-front": b"\r\n" * 500 + _line(b"GET / HTTP/9.9"),
    "lf-only": b"GET /v1/jobs HTTP/1.1\nHost: evil.example\n\n",
    "cr-only": b"GET / HTTP/1.1\rHost: localhost\r\r" + b"x" * 20000,
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)) + b"\r\n\r\n",
    "ssh": b"SSH-2.0-OpenSSH_9.0\r\n\r\n",
    "smb": b"\x00\x00\x00\x90\xfeSMB@\x00\r\n\r\n",
    "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "binary": bytes(range(256)) * 8 + b"\r\n\r\n",
}
_HEADERS = {
    "no-colon": "Nonsense",
    "space-before-colon": "X-A : b",
    "space-in-name": "X A: b",
    "empty-name": ": b",
    "null-in-value": "X-A: a\0b",
    "cr-in-value": "X-A: a\rb",
    "bracket-in-name": "X[A]: b",
    "utf8-name": "X-Ä: b",
    "negative-length": "Content-Length: -1",
    "plus-length": "Content-Length: +5",
    "hex-length": "Content-Length: 0x5",
    "list-length": "Content-Length: 5, 6",
    "text-length": "Content-Length: five",
    "empty-length": "Content-Length: ",
    "decimal-length": "Content-Length: 5.0",
    "unicode-length": "Content-Length: \xb2",
    "enormous-length": f"Content-Length: {'9' * 6000}",
    "two-hosts": "Host: evil.example",
}
_FRAMES = {
    "length-and-chunks": ("Content-Length: 5", "Transfer-Encoding: chunked"),
    "chunks-and-length": ("Transfer-Encoding: chunked", "Content-Length: 0"),
    "two-lengths": ("Content-Length: 5", "Content-Length: 50"),
    "same-length-twice": ("Content-Length: 5", "Content-Length: 5", "Transfer-Encoding: chunked"),
    "two-encodings": ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "encoding-list": ("Transfer-Encoding: chunked, chunked",),
    "gzip-chunked": ("Transfer-Encoding: gzip, chunked",),
    "identity": ("Transfer-Encoding: identity",),
    "x-chunked": ("Transfer-Encoding: xchunked",),
    "quoted-chunked": ('Transfer-Encoding: "chunked"',),
    "vertical-tab": ("Transfer-Encoding: \x0bchunked",),
    "null-chunked": ("Transfer-Encoding: chunked\0",),
    "space-before": ("Transfer-Encoding : chunked",),
    "folded": ("X-A: b\r\n Transfer-Encoding: chunked", "Content-Length: 5", "Transfer-Encoding: chunked"),
}
_CHUNKS = {
    "negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "not-hex": b"zz\r\nhello\r\n0\r\n\r\n",
    "too-long-size": b"f" * 40 + b"\r\nhello\r\n0\r\n\r\n",
    "prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "wrong-end": b"5\r\nhelloXX0\r\n\r\n",
    "enormous": b"7fffffffffffffff\r\n" + b"{" * 70000,
    "null": b"5\0\r\nhello\r\n0\r\n\r\n",
}
_METHODS = ["TRACE", "CONNECT", "PUT", "PROPFIND", "get", "DEBUG", "A" * 300, "PATCH"]
_HOSTS = [
    "evil.example",
    "localhost.evil.example",
    "localhost@evil.example",
    "127.0.0.1.nip.io",
    "localhost:80:80",
    "localhost:port",
    "localhost/evil.example",
    "[::1",
    "0.0.0.0",
    "127.1",
    "2130706433",
    "localhost\\evil",
    "",
    None,
]


def cases():
    """All of them."""
    for name, content in _DAMAGED.items():
        yield Case(f"head-{name}", content, (400, 403, 404, 408, 431, 505))
    for name, header in _HEADERS.items():
        yield Case(f"header-{name}", get("/v1/jobs", header), BAD)
    for name, headers in _FRAMES.items():
        content = request("POST", "/v1/jobs", TOKEN, JSON, *headers, body=b"0\r\n\r\n" + _SMUGGLED)
        yield Case(f"smuggling-{name}", content, (400, 411, 422, 501))
    for name, body in _CHUNKS.items():
        content = request("POST", "/v1/jobs", TOKEN, JSON, "Transfer-Encoding: chunked", body=body)
        yield Case(f"chunk-{name}", content, (400, 413))
    for method in _METHODS:
        yield Case(f"method-{method[:8]}", request(method, "/v1/jobs", TOKEN), (400, 405, 431))
    for host in _HOSTS:
        yield Case(f"host-{host}", request("GET", "/v1/jobs", TOKEN, host=host), (400, 403))
    yield Case("target-elsewhere", request("GET", "http://evil.example/v1/jobs", TOKEN), (400, 403, 404))
    yield Case("target-authority", request("GET", "evil.example:80", TOKEN), (400, 403, 404))
    yield Case("target-star", request("GET", "*", TOKEN), (400, 404))
    yield Case("target-long", get("/" + "a" * 15000), (404, 414, 431))
    yield Case("target-too-long", get("/" + "a" * 40000), (414, 431))
    yield Case("header-too-long", get("/v1/jobs", f"X-A: {'a' * 40000}"), (431,))
    yield Case("headers-too-many", get("/v1/jobs", *(f"X-{i}: {i}" for i in range(5000))), (431,))
    yield Case("query-too-long", get(f"/v1/jobs?kind={'a' * 9000}"), (422,))
    yield Case("cookies-too-long", request("GET", "/v1/jobs", f"Cookie: {'a=b; ' * 2000}"), (401, 431))
    yield Case("expect-other", request("POST", "/v1/jobs", TOKEN, JSON, "Expect: 200-ok", body=b"{"), (400, 417, 422))
    yield Case(
        "upgrade-h2c", request("POST", "/v1/jobs", TOKEN, "Upgrade: h2c", "Connection: Upgrade"), (400, 415, 422)
    )
