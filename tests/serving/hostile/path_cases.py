"""Paths to what is not served, in many spellings."""

from raw_http import TOKEN, TUS, Case, get, request

_MISSING = (400, 404, 405)
_UP = [
    "..",
    ".",
    "../photo.png",
    "%2e%2e/photo.png",
    "%2e%2e%2fphoto.png",
    "..%2fphoto.png",
    "..%5cphoto.png",
    "..\\photo.png",
    "....//photo.png",
    "..;/photo.png",
    "%252e%252e%252fphoto.png",
    "%c0%ae%c0%ae%c0%afphoto.png",
    "%e0%80%ae%e0%80%ae/photo.png",
    "%ef%bc%8e%ef%bc%8e/photo.png",
    "../../../service.sqlite",
    "../" * 12 + "etc/passwd",
    "%2e%2e/" * 12 + "etc/passwd",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "//etc/passwd",
    "file:///etc/passwd",
    "photo.png%00",
    "photo.png%00.jpg",
    "photo.png/",
    "photo.png/.",
    "./photo.png",
    "x/../photo.png",
    "SOURCE.PNG",
    "photo.png%20",
    "photo.png.",
    "photo.png::$DATA",
    ".atsal-job-lock",
    "../.atsal-job-lock",
    "%2e",
    "a" * 5000,
    "%ff%fe",
    "%u002e%u002e/photo.png",
    "*",
    "photo.*",
    "~root",
    "CON",
]
_IDS = [
    "..",
    "%2e%2e",
    ".",
    "*",
    "0" * 31,
    "0" * 33,
    "<JOB>%00",
    "<JOB>.",
    "<JOB>%20",
    "<JOB_UPPER>",
    "0" * 32,
    "-1",
    "' OR 1=1 --".replace(" ", "%20"),
    "%ef%bc%90" * 32,
    "a" * 3000,
]


def cases():
    """All of them."""
    for name in _UP:
        yield Case(f"result-{name[:30]}", get(f"/v1/jobs/<JOB>/results/{name}"), _MISSING)
    for name in _UP[:20]:
        yield Case(f"page-{name[:30]}", get(f"/v1/jobs/<JOB>/view/{name}"), _MISSING)
    for number, name in enumerate(_IDS):
        yield Case(f"job-id-{number}", get(f"/v1/jobs/{name}/regions"), _MISSING)
        yield Case(
            f"upload-id-{number}",
            request("DELETE", f"/v1/uploads/{name.replace('JOB', 'UPLOAD')}", TOKEN, TUS),
            _MISSING,
        )
    for path in (
        "/.env",
        "/.git/config",
        "/service.sqlite",
        "/uploads/",
        "/jobs/",
        "/static/../../etc/passwd",
        "/static/%2e%2e/service.sqlite",
        "/cgi-bin/sh",
        "/v1/",
        "/v1/jobs/",
        "/problems/../v1",
    ):
        yield Case(f"path-{path}", get(path), (307, *_MISSING))
    for value in ("bytes=9999999999-", "bytes=" + ",".join(f"{i}-{i}" for i in range(1500)), "bytes=5-1", "bytes=-0"):
        yield Case(f"range-{value[:20]}", get("/v1/jobs/<JOB>/results/photo.png", f"Range: {value}"), (200, 400, 416))
