"""What the tests of the service share."""

import base64
import os
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import uvicorn

from atsal.serving.app import make_app
from atsal.serving.dispatcher import Dispatcher
from atsal.serving.gate.adding import server_options
from atsal.serving.job import new_id
from atsal.serving.server import listen
from atsal.serving.service import open_service
from atsal.serving.settings import Settings
from atsal.serving.sources.upload_store import new_upload
from fakes.small_kinds import COUNT, no_torch


@contextmanager
def serving(folder, kinds=COUNT, **settings):
    """Serve from a thread of this process; give the service and a client."""
    service = open_service(Settings(folder, **{"least_free_bytes": 0} | settings), kinds)
    parts = (service.jobs, service.data, kinds, service.settings, service.clock, service.metrics)
    service = replace(service, dispatcher=Dispatcher(*parts, prepare=no_torch))
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(make_app(service), log_config=None, **server_options(service.settings.gate)))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    host, port = listener.getsockname()
    for _ in range(500):
        if not service.dispatcher.is_running:
            time.sleep(0.01)
    try:
        with httpx.Client(base_url=f"http://{host}:{port}", timeout=30) as client:
            yield service, client
    finally:
        service.stop_soon()
        server.should_exit = True
        thread.join()


def upload(service, name="a.txt", text="text"):
    """Put a complete upload of the caller without a token into the store, and return it as a source."""
    new = new_upload("", name, len(text), service.clock.now_s(), 1000.0)
    service.uploads.add(new, most_bytes=1 << 30, most=1000)
    with service.uploads.growing(new) as descriptor:
        os.write(descriptor, text.encode())
    return {"upload": new.id}


TUS = {"Tus-Resumable": "1.0.0"}
PART = TUS | {"Content-Type": "application/offset+octet-stream"}


def begin_upload(client, size, name="a.txt"):
    """Begin an upload over HTTP and return its address."""
    metadata = f"filename {base64.b64encode(name.encode()).decode()}"
    answer = client.post("/v1/uploads", headers=TUS | {"Upload-Length": str(size), "Upload-Metadata": metadata})
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def send_upload(client, content, name="a.txt"):
    """Upload a file over HTTP, and return it as a source."""
    address = begin_upload(client, len(content), name)
    answer = client.patch(address, headers=PART | {"Upload-Offset": "0"}, content=content)
    assert answer.status_code == 204, answer.text
    return {"upload": address.rpartition("/")[2]}


def wait_for(client, job, states=("done", "failed", "cancelled")):
    """Return a job when it is in one of these states."""
    for _ in range(600):
        found = client.get(f"/v1/jobs/{job['id']}").json()
        if found["state"] in states:
            return found
        time.sleep(0.05)
    raise TimeoutError(found)


@contextmanager
def server_process(folder, *command, **popen):
    """Run a command that serves, with its log beside the folder; give the process and a client."""
    log = Path(folder).with_suffix(f".{new_id()}.log")
    with log.open("w") as file, subprocess.Popen([sys.executable, "-m", *command], stderr=file, **popen) as process:
        try:
            while not (found := re.search(r"listens at (http://\S+?)/?\s", log.read_text())):
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
            with httpx.Client(base_url=found[1], timeout=60) as client:
                yield process, client
        finally:
            process.terminate()


def atsal_serve(folder, *options, **popen):
    """Run `atsal serve`; see `server_process`."""
    return server_process(folder, "atsal", "serve", "--data", str(folder), "--port", "0", *options, **popen)
