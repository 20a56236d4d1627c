"""What the tests of the service share."""

import socket
import threading
import time
from contextlib import contextmanager

import httpx
import uvicorn

from atsal.serving.app import make_app
from atsal.serving.service import open_service
from atsal.serving.settings import Settings
from fakes.small_kinds import COUNT


@contextmanager
def serving(folder, kinds=COUNT, **settings):
    """Serve from a thread of this process; give the service and a client."""
    service = open_service(Settings(folder, least_free_bytes=0, **settings), kinds)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(make_app(service), log_config=None, server_header=False))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    host, port = listener.getsockname()
    try:
        with httpx.Client(base_url=f"http://{host}:{port}", timeout=30) as client:
            yield service, client
    finally:
        service.stop_soon()
        server.should_exit = True
        thread.join()


def upload(service, name="a.txt", text="text"):
    """Put a source where jobs can name it."""
    service.data.uploads.joinpath(name).write_text(text)
    return {"file": name}


def wait_for(client, job, states=("done", "failed", "cancelled")):
    """Return a job when it is in one of these states."""
    for _ in range(600):
        found = client.get(f"/v1/jobs/{job['id']}").json()
        if found["state"] in states:
            return found
        time.sleep(0.05)
    raise TimeoutError(found)
