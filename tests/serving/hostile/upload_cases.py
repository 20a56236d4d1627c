"""Uploads that lie about their length, their parts, their names and themselves."""

import base64

from raw_http import PART, TOKEN, TUS, Case, request

_NEW = {
    "no-length": (),
    "zero": ("Upload-Length: 0",),
    "negative": ("Upload-Length: -5",),
    "plus": ("Upload-Length: +5",),
    "float": ("Upload-Length: 5.0",),
    "exponent": ("Upload-Length: 1e3",),
    "hex": ("Upload-Length: 0x10",),
    "underscore": ("Upload-Length: 1_000",),
    "leading-zero": ("Upload-Length: 05",),
    "text": ("Upload-Length: all",),
    "enormous": ("Upload-Length: 9999999999999999",),
    "digits": (f"Upload-Length: {'9' * 4000}",),
    "list": ("Upload-Length: 5, 6",),
    "unicode": ("Upload-Length: \xb2",),
    "defer": ("Upload-Defer-Length: 1",),
    "partial": ("Upload-Length: 5", "Upload-Concat: partial"),
    "final": ("Upload-Concat: final;/v1/uploads/<UPLOAD> /v1/uploads/<OTHER_UPLOAD>",),
    "final-path": ("Upload-Concat: final;../../service.sqlite",),
    "override": ("Upload-Length: 5", "X-HTTP-Method-Override: DELETE"),
    "metadata-not-base64": ("Upload-Length: 5", "Upload-Metadata: filename ../../x"),
    "metadata-not-utf8": ("Upload-Length: 5", "Upload-Metadata: filename //79"),
    "metadata-long": ("Upload-Length: 5", f"Upload-Metadata: filename {base64.b64encode(b'a' * 6000).decode()}"),
    "metadata-twice": ("Upload-Length: 5", "Upload-Metadata: filename YQ==,filename Yg=="),
    "metadata-padding": ("Upload-Length: 5", "Upload-Metadata: filename YQ"),
}
_PARTS = {
    "no-offset": ((PART,), b"x", (400,)),
    "negative-offset": ((PART, "Upload-Offset: -1"), b"x", (400,)),
    "enormous-offset": ((PART, f"Upload-Offset: {'9' * 100}"), b"x", (400,)),
    "late-offset": ((PART, "Upload-Offset: 99"), b"x", (409,)),
    "text-offset": ((PART, "Upload-Offset: end"), b"x", (400,)),
    "two-offsets": ((PART, "Upload-Offset: 0", "Upload-Offset: 5"), b"x", (400,)),
    "no-type": (("Upload-Offset: 0",), b"x", (415,)),
    "other-type": (("Content-Type: video/mp4", "Upload-Offset: 0"), b"x", (415,)),
    "form-type": (("Content-Type: multipart/form-data; boundary=x", "Upload-Offset: 0"), b"x", (415,)),
    "too-long": ((PART, "Upload-Offset: 0"), b"x" * 101, (413,)),
    "much-too-long": ((PART, "Upload-Offset: 0", "Content-Length: 99999999999999"), b"x", (413,)),
    "chunked-too-long": (
        (PART, "Upload-Offset: 0", "Transfer-Encoding: chunked"),
        b"65\r\n" + b"x" * 101 + b"\r\n0\r\n\r\n",
        (413,),
    ),
    "changed-length": ((PART, "Upload-Offset: 0", "Upload-Length: 5", "X-HTTP-Method-Override: POST"), b"x", (400,)),
    "checksum-wrong-version": (("Tus-Resumable: 2.0.0", PART, "Upload-Offset: 0"), b"x", (400, 412)),
}


def cases():
    """All of them; `<GROWING>` is an upload of 100 bytes of which none has come."""
    for name, headers in _NEW.items():
        yield Case(f"new-upload-{name}", request("POST", "/v1/uploads", TOKEN, TUS, *headers), (400, 413))
    for name, value in {"none": None, "old": "0.2.2", "two": "1.0.0, 0.2.2", "text": "latest"}.items():
        headers = () if value is None else (f"Tus-Resumable: {value}",)
        yield Case(f"tus-version-{name}", request("POST", "/v1/uploads", TOKEN, *headers, "Upload-Length: 5"), (412,))
    yield Case(
        "new-upload-with-body",
        request("POST", "/v1/uploads", TOKEN, TUS, PART, "Upload-Length: 5", body=b"12345"),
        (400,),
    )
    yield Case(
        "new-upload-with-large-body",
        request("POST", "/v1/uploads", TOKEN, TUS, PART, "Upload-Length: 5", body=b"x" * 100_000),
        (413,),
    )
    for name, (headers, body, statuses) in _PARTS.items():
        yield Case(f"part-{name}", request("PATCH", "/v1/uploads/<GROWING>", TOKEN, TUS, *headers, body=body), statuses)
    for offset in (0, 5, 10**9):
        complete = request(
            "PATCH", "/v1/uploads/<UPLOAD>", TOKEN, TUS, PART, f"Upload-Offset: {offset}", body=b"replayed"
        )
        yield Case(f"replay-{offset}", complete, (409,))
    for method in ("GET", "PUT", "POST"):
        yield Case(f"upload-{method}", request(method, "/v1/uploads/<UPLOAD>", TOKEN, TUS), (405,))
    unknown = request("PATCH", f"/v1/uploads/{'0' * 32}", TOKEN, TUS, PART, "Upload-Offset: 0", body=b"x" * 1000)
    yield Case("part-of-nothing", unknown, (404,))
