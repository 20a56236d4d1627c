"""One real server for all hostile requests, with tokens, a folder of files that may be named, and a URL."""

import hashlib
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from raw_http import exchange
from serving_tools import atsal_serve, begin_upload, send_upload, wait_for

from atsal.serving.clock import Clock
from atsal.serving.gate.tokens import Tokens
from atsal.serving.store.database import open_database, sqlite_url
from atsal.video.image_writer import write_rgb_png
from atsal.video.synthetic_scene import Scene

CANARY = "a-value-of-the-environment"


@dataclass
class Target:
    """The server, what it is asked for, and what no answer may have."""

    process: Any
    client: httpx.Client
    folder: Path
    log: Path
    names: dict[str, str]
    canary: socket.socket

    @property
    def address(self):
        return self.client.base_url.host, self.client.base_url.port

    def fill(self, content):
        """Put what is known now into a request, and correct its length."""
        head, end, body = content.partition(b"\r\n\r\n")
        filled = _replace(body, self.names)
        head = _replace(head, self.names).replace(
            b"Content-Length: %d" % len(body), b"Content-Length: %d" % len(filled)
        )
        return head + end + filled

    def send(self, content):
        """Send a request as bytes and return the answer."""
        return exchange(self.address, self.fill(content))

    def files(self):
        """All that lies in the folders of uploads and jobs."""
        return {
            str(path.relative_to(self.folder))
            for name in ("uploads", "jobs")
            for path in (self.folder / name).rglob("*")
        }

    def secrets(self):
        """What no answer may have."""
        secrets = [
            value for name, value in self.names.items() if name in ("TOKEN", "ADMIN", "SESSION", "OTHER", "READER")
        ]
        return [str(self.folder.parent), CANARY, "Traceback", "site-packages", 'File "', "sqlalchemy", *secrets]


@pytest.fixture(scope="session")
def target(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    data, films = folder / "data", folder / "films"
    data.mkdir()
    names = _make_tokens(data)
    _make_films(films, folder)
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.setblocking(False)
        port = canary.getsockname()[1]
        urls = [
            option for host in ("localhost", "127.0.0.1") for option in ("--allow-url", f"http://{host}:{port}/films/")
        ]
        options = ("--root", f"films={films}", *urls, "--workers", "1", "--file-gb", "0.1")
        with atsal_serve(data, *options, env=os.environ | {"ATSAL_CANARY": CANARY}) as (process, client):
            names |= {"CANARY": f"localhost:{port}", "CANARY_PORT": str(port), "PORT": str(client.base_url.port)}
            names |= _make_jobs(client, names, folder)
            yield Target(process, client, data, next(data.parent.glob("data.*.log")), names, canary)


def _make_tokens(data):
    database = open_database(sqlite_url(data / "service.sqlite"))
    tokens = Tokens(database, Clock())
    scopes = {"TOKEN": "submit", "OTHER": "submit", "READER": "read", "ADMIN": "admin", "REVOKED": "submit"}
    found = {name: tokens.add(name, scope) for name, scope in scopes.items()}
    found["EXPIRED"] = tokens.add("expired", "admin", lasts_s=0.0)
    found["SESSION"], _ = tokens.open_session(tokens.find(found["TOKEN"]))
    found["REVOKED_SESSION"], _ = tokens.open_session(tokens.find(found["REVOKED"]))
    tokens.revoke("REVOKED")
    database.close()
    token = found["TOKEN"]
    more = {
        "TOKEN_ID": token[:14],
        "TOKEN_CUT": token[:-1],
        "TOKEN_UPPER": token.swapcase(),
        "SESSION_CUT": found["SESSION"][:-1],
    }
    return found | more | {"TOKEN_DIGEST": hashlib.sha256(token.encode()).hexdigest()}


def _make_films(films, folder):
    (films / "sub").mkdir(parents=True)
    write_rgb_png(films / "clip.mp4", Scene(seed=2).render(32, 0.0))
    (films / ".hidden.mp4").write_bytes(b"hidden")
    (folder / "secret.mp4").write_bytes(b"secret")
    (films / "link.mp4").symlink_to(folder / "secret.mp4")
    (films / "up").symlink_to(folder)
    os.mkfifo(films / "pipe.mp4")


def _make_jobs(client, names, folder):
    """Upload a photo and have it predicted by two holders of tokens."""
    write_rgb_png(folder / "photo.png", Scene(seed=1).render(64, 0.0))
    found = {}
    for prefix, token in (("OTHER_", names["OTHER"]), ("", names["TOKEN"])):
        client.headers["Authorization"] = f"Bearer {token}"
        source = send_upload(client, (folder / "photo.png").read_bytes(), "photo.png")
        new = {"kind": "predict", "source": source, "options": {"format": ["png"]}}
        job = wait_for(client, client.post("/v1/jobs", json=new).json())
        assert job["state"] == "done", job
        found |= {f"{prefix}UPLOAD": source["upload"], f"{prefix}JOB": job["id"]}
    found["JOB_UPPER"] = found["JOB"].upper()
    found["GROWING"] = begin_upload(client, 100)[-32:]
    return found


def _replace(content, names):
    return re.sub(rb"<([A-Z_]+)>", lambda found: names.get(found[1].decode(), found[0].decode()).encode(), content)
