"""Jobs that are no jobs: JSON of every kind, options that reach for files, sources that reach for other machines."""

import json

from raw_http import JSON, TOKEN, Case, post_job, request

_NO = (400, 404, 413, 422)
_SOURCE = {"upload": "<UPLOAD>"}
_BODIES = {
    "empty": "",
    "null": "null",
    "list": "[]",
    "number": "1",
    "text": '"predict"',
    "open": '{"kind": "predict"',
    "comment": '{"kind": "predict" /* */}',
    "nan": '{"kind": "predict", "source": {"upload": "a"}, "options": {"fps": NaN}}',
    "infinity": '{"kind": "predict", "source": {"upload": "<UPLOAD>"}, "options": {"fps": 1e999}}',
    "deep": "[" * 30000,
    "deep-object": '{"a":' * 10000 + "1" + "}" * 10000,
    "deep-options": '{"kind": "predict", "source": {"upload": "a"}, "options": {"fps": ' + "[" * 900 + "]" * 900 + "}}",
    "digits": '{"kind": "predict", "source": {"upload": "a"}, "options": {"fps": ' + "9" * 5000 + "}}",
    "control": '{"kind": "pre\x01dict"}',
    "surrogate": '{"kind": "\\ud800", "source": {"upload": "a"}}',
    "null-character": '{"kind": "predict\\u0000", "source": {"upload": "a"}}',
    "not-utf8": b'{"kind": "\xff\xfe"}',
    "utf16": '{"kind": "predict"}'.encode("utf-16"),
    "too-large": '{"kind": "' + "a" * 70000 + '"}',
    "gzip": b"\x1f\x8b\x08\0" + b"\0" * 60,
    "pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
    "yaml": "kind: !!python/object/apply:os.system ['true']",
    "xml": '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
}
_JOBS = {
    "no-kind": {"source": _SOURCE},
    "no-source": {"kind": "predict"},
    "kind-unknown": {"kind": "__import__", "source": _SOURCE},
    "kind-list": {"kind": ["predict"], "source": _SOURCE},
    "kind-path": {"kind": "../predict", "source": _SOURCE},
    "kind-train": {"kind": "train", "source": _SOURCE},
    "kind-long": {"kind": "a" * 100, "source": _SOURCE},
    "more": {"kind": "predict", "source": _SOURCE, "owner": "boss"},
    "prototype": {"kind": "predict", "source": _SOURCE, "__proto__": {"a": 1}},
    "options-list": {"kind": "predict", "source": _SOURCE, "options": ["-o", "/tmp"]},
    "options-many": {"kind": "predict", "source": _SOURCE, "options": {f"o{i}": i for i in range(500)}},
    "source-text": {"kind": "predict", "source": "<UPLOAD>"},
    "source-null": {"kind": "predict", "source": {"upload": None}},
    "source-two": {"kind": "predict", "source": {"upload": "<UPLOAD>", "file": "films:a.mp4"}},
    "source-number": {"kind": "predict", "source": {"upload": 1}},
    "source-long": {"kind": "predict", "source": {"upload": "0" * 5000}},
    "source-path": {"kind": "predict", "source": {"path": "/etc/passwd"}},
    "upload-up": {"kind": "predict", "source": {"upload": "../<UPLOAD>"}},
    "upload-file": {"kind": "predict", "source": {"upload": "<UPLOAD>/file"}},
    "upload-null": {"kind": "predict", "source": {"upload": "<UPLOAD>\0"}},
    "upload-unknown": {"kind": "predict", "source": {"upload": "0" * 32}},
    "job-unknown": {"kind": "predict", "source": {"job": "0" * 32}},
}
_OPTIONS = [
    ("output", "/etc/passwd"),
    ("output", "../../x"),
    ("summary", "/tmp/summary.json"),
    ("log", "/tmp/log"),
    ("workers", 1000),
    ("device", "cuda:99"),
    ("overwrite", True),
    ("model", "/etc/passwd"),
    ("model", "../lite"),
    ("model", "lite\0"),
    ("model", "https://evil.example/weights"),
    ("help", True),
    ("h", True),
    ("fps", -1),
    ("fps", "1; rm -rf /"),
    ("fps", {"a": 1}),
    ("fps", [1, 2]),
    ("fps", None),
    ("start", "nan"),
    ("start", -5),
    ("format", ["npy", "../../x"]),
    ("format", ["--output=/tmp/x"]),
    ("max-frames", 1e300),
    ("max_frames", 10**30),
    ("-o", "x"),
    ("", "x"),
    ("fps=1 --output", "x"),
    ("viewer", "x"),
    ("\n", 1),
]
_FILES = [
    "/etc/passwd",
    "films:/etc/passwd",
    "films:../secret.mp4",
    "films:sub/../../secret.mp4",
    "films:%2e%2e/secret.mp4",
    "films:..\\secret.mp4",
    "films:\uff0e\uff0e/secret.mp4",
    "films:..\u2215secret.mp4",
    "films:link.mp4",
    "films:up/secret.mp4",
    "films:.hidden.mp4",
    "films:pipe.mp4",
    "films:sub",
    "films:",
    "films:clip.mp4\0.png",
    "films:clip.mp4/",
    "films://clip.mp4",
    "films:./clip.mp4",
    "films:CLIP.MP4",
    "FILMS:clip.mp4",
    "other:clip.mp4",
    ":clip.mp4",
    "~/clip.mp4",
    "$HOME/clip.mp4",
    "films:*.mp4",
    "films:clip.mp4\n",
    "films:/proc/self/environ",
    "films:/dev/stdin",
    "|id",
    "concat:a|b",
    "pipe:0",
    "http://<CANARY>/",
]
_URLS = [
    "http://<CANARY>/films/a.mp4",
    "http://127.0.0.1:<CANARY_PORT>/films/a.mp4",
    "http://localhost:<CANARY_PORT>/films/a.mp4",
    "http://LOCALHOST:<CANARY_PORT>/films/a.mp4",
    "http://localhost.:<CANARY_PORT>/films/a.mp4",
    "http://[::1]:<CANARY_PORT>/films/a.mp4",
    "http://[::ffff:127.0.0.1]:<CANARY_PORT>/films/a.mp4",
    "http://[0:0:0:0:0:ffff:7f00:1]:<CANARY_PORT>/films/a.mp4",
    "http://[64:ff9b::7f00:1]:<CANARY_PORT>/films/a.mp4",
    "http://[2002:7f00:1::]:<CANARY_PORT>/films/a.mp4",
    "http://0.0.0.0:<CANARY_PORT>/films/a.mp4",
    "http://0:<CANARY_PORT>/films/a.mp4",
    "http://127.1:<CANARY_PORT>/films/a.mp4",
    "http://2130706433:<CANARY_PORT>/films/a.mp4",
    "http://0x7f000001:<CANARY_PORT>/films/a.mp4",
    "http://0177.0.0.1:<CANARY_PORT>/films/a.mp4",
    "http://127.0.0.1.nip.io:<CANARY_PORT>/films/a.mp4",
    "http://user@localhost:<CANARY_PORT>/films/a.mp4",
    "http://media.example@localhost:<CANARY_PORT>/films/a.mp4",
    "http://localhost:<CANARY_PORT>\\@media.example/films/a.mp4",
    "http://localhost:<CANARY_PORT>/films/../a.mp4",
    "http://localhost:<CANARY_PORT>/films/%2e%2e/a.mp4",
    "http://localhost:<CANARY_PORT>/films/a.mp4#x",
    "http://localhost:<CANARY_PORT>/films/a.mp4\r\nX-A: b",
    "http://localhost:<CANARY_PORT>/ films/a.mp4",
    "http://169.254.169.254/latest/meta-data/",
    "http://metadata.google.internal/",
    "http://[fd00:ec2::254]/latest/",
    "http://10.0.0.1/",
    "http://192.168.0.1/",
    "https://localhost:<PORT>/v1/jobs",
    "http://localhost:<PORT>/v1/jobs",
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "gopher://localhost:<CANARY_PORT>/_GET",
    "ftp://localhost:<CANARY_PORT>/a.mp4",
    "dict://localhost:<CANARY_PORT>/a",
    "s3://bucket/a.mp4",
    "memory://a.mp4",
    "data:video/mp4;base64,AAAA",
    "rtsp://localhost:<CANARY_PORT>/a",
    "concat:http://localhost:<CANARY_PORT>/a",
    "subfile,,start,0,end,0,,:http://localhost:<CANARY_PORT>/a",
    "//localhost:<CANARY_PORT>/a",
    "http:/localhost:<CANARY_PORT>/a",
    "http:///a",
    "http://",
    "",
    "javascript:alert(1)",
    "http://" + "a" * 1900 + "/",
    "http://localhost:<CANARY_PORT>/films/" + "../" * 50 + "a",
]


_TYPES = ("application/xml", "application/x-yaml", "application/octet-stream", "application/jsonx", "image/png")
_QUERIES = {
    "limit": "limit=0",
    "limit-big": "limit=1000000",
    "limit-text": "limit=a",
    "state": "state=x",
    "before": "before=-1",
    "before-big": f"before={'9' * 30}",
    "null": "kind=%00",
    "sql": "state='--",
}


def cases():
    """All of them."""
    for name, body in _BODIES.items():
        yield Case(f"json-{name}", post_job(body), _NO)
    for name, job in _JOBS.items():
        yield Case(f"job-{name}", post_job(job), _NO)
    for number, (name, value) in enumerate(_OPTIONS):
        job = {"kind": "predict", "source": _SOURCE, "options": {name: value}}
        yield Case(f"option-{number}-{name.strip()}", post_job(job), (422,))
    for number, path in enumerate(_FILES):
        yield Case(f"file-{number}", post_job({"kind": "predict", "source": {"file": path}}), (422,))
    for number, url in enumerate(_URLS):
        yield Case(f"url-{number}", post_job({"kind": "predict", "source": {"url": url}}), (422,))
    yield from _of_headers()


def _of_headers():
    job = json.dumps({"kind": "predict", "source": _SOURCE}).encode()
    for kind in _TYPES:
        content = request("POST", "/v1/jobs", TOKEN, f"Content-Type: {kind}", body=job)
        yield Case(f"type-{kind}", content, (400, 415, 422))
    yield Case("type-none", request("POST", "/v1/jobs", TOKEN, body=job), (400, 415, 422))
    for name, query in _QUERIES.items():
        yield Case(f"query-{name}", request("GET", f"/v1/jobs?{query}", TOKEN), (200, 422))
    yield Case("key-long", post_job(job, f"Idempotency-Key: {'a' * 300}"), (422,))
    zipped = request("POST", "/v1/jobs", TOKEN, JSON, "Content-Encoding: gzip", body=b"\x1f\x8b\x08\0" + b"a" * 50)
    yield Case("json-encoded", zipped, _NO)
