"""Photos that are none, and frames of nobody."""

import gzip
import struct
import zlib

from raw_http import TOKEN, Case, request

from fakes.hostile import SIDE, ZEROS, png

_PNG = "Content-Type: image/png"
_TEXT = b"tEXt" + b"a" * 100
_BODIES = {
    "empty": b"",
    "text": b"no photo " * 100,
    "signature": b"\x89PNG\r\n\x1a\n",
    "cut": png(64, 32, bytes(65 * 32))[:40],
    "million-pixels-wide": png(SIDE, 2, ZEROS),
    "pixel-bomb": png(SIDE, SIDE, ZEROS),
    "no-pixels": png(0, 0, b""),
    "one-pixel": png(1, 1, b"\0\0"),
    "promises-more": png(4096, 2048, b"\0" * 10),
    "negative": png(0xFFFFFFFF, 0xFFFFFFFF, b""),
    "wrong-checksum": png(64, 32, bytes(65 * 32))[:-20] + bytes(20),
    "zip-bomb": gzip.compress(ZEROS * 20),
    "zip": b"PK\3\4" + bytes(500),
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "pdf": b"%PDF-1.7\n" + bytes(500),
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) (r) file\n",
    "html": b"<script>alert(1)</script>",
    "pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
    "mp4": b"\0\0\0\x18ftypmp42" + bytes(500),
    "gif-of-65535": b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(6) + b",\0\0\0\0\xff\xff\xff\xff\0\2\2L\1\0;",
    "tiff-loop": b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
    "text-bomb": b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 100) + _TEXT + struct.pack(">I", zlib.crc32(_TEXT)),
}
_QUERIES = ["output=exe", "output=../../x", "model=/etc/passwd", "model=../lite", "output=png&output=npy", "nonsense=1"]
_SOCKET = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)


def cases():
    """All of them."""
    for name, body in _BODIES.items():
        yield Case(f"photo-{name}", request("POST", "/v1/images", TOKEN, _PNG, body=body), (400, 413, 415, 422))
    for kind in ("text/plain", "multipart/form-data; boundary=a", "application/json", "text/html"):
        content = request("POST", "/v1/images", TOKEN, f"Content-Type: {kind}", body=b"x")
        yield Case(f"photo-type-{kind[:9]}", content, (415,))
    for number, query in enumerate(_QUERIES):
        content = request("POST", f"/v1/images?{query}", TOKEN, _PNG, body=_BODIES["cut"])
        yield Case(f"photo-query-{number}", content, (422,))
    large = request("POST", "/v1/images", TOKEN, _PNG, "Content-Length: 9999999999", body=b"\x89PNG")
    yield Case("photo-too-large", large, (413,))
    yield Case(
        "photo-of-reader", request("POST", "/v1/images", "Authorization: Bearer <READER>", _PNG, body=b"x"), (403,)
    )
    for name, headers in {
        "no-token": _SOCKET,
        "forged": ("Authorization: Bearer atsal_00000000_" + "A" * 43, *_SOCKET),
        "of-reader": ("Authorization: Bearer <READER>", *_SOCKET),
        "cookie-elsewhere": ("Cookie: atsal_session=<SESSION>", "Origin: http://evil.example", *_SOCKET),
        "elsewhere": (TOKEN, "Origin: http://evil.example", *_SOCKET),
        "no-path": (TOKEN, *_SOCKET),
    }.items():
        path = "/v1/jobs" if name == "no-path" else "/v1/live"
        yield Case(f"socket-{name}", request("GET", path, *headers), (400, 401, 403, 404, 429))
    yield Case("socket-other-host", request("GET", "/v1/live", TOKEN, *_SOCKET, host="evil.example"), (403,))
    yield Case(
        "socket-old", request("GET", "/v1/live", TOKEN, *_SOCKET[:3], "Sec-WebSocket-Version: 7"), (400, 404, 426)
    )
    yield Case("socket-post", request("POST", "/v1/live", TOKEN, "Content-Type: image/png", body=b"x"), (400, 404, 405))
