"""`live` of both clients, against a real service."""

import asyncio
import io
import threading
import time
from contextlib import contextmanager
from itertools import islice

import pytest
from PIL import Image
from websockets.sync.server import serve

from atsal.client import AsyncClient, Client, ServiceError
from atsal.errors import ConfigError
from atsal.video.synthetic_scene import Scene
from fakes.service_process import atsal_serve

COUNT = 12


def frame(number):
    buffer = io.BytesIO()
    Image.fromarray(Scene(seed=1).render(64, number / 10)).save(buffer, "JPEG")
    return number / 10, buffer.getvalue()


def check(answers):
    """The newest frame wins, the last one has an answer, and none is lost without a word."""
    assert answers[-1]["frame"] == COUNT - 1
    assert answers[-1]["regions"][0].keys() >= {"id", "yaw_deg", "pitch_deg", "weight"}
    assert len(answers) + sum(answer["dropped"] for answer in answers) == COUNT


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with atsal_serve(tmp_path_factory.mktemp("service")) as address, Client(address) as client:
        yield client


@pytest.mark.slow  # a process loads PyTorch
def test_answers_come_while_frames_are_sent(client):
    seen = []

    def camera():
        yield frame(0)
        while not seen:  # hangs unless the answer comes before the next frame
            time.sleep(0.01)
        yield from map(frame, range(1, COUNT))

    for answer in client.live(camera(), max_regions=1):
        seen.append(answer)
    assert seen[0]["frame"] == 0
    assert {len(answer["regions"]) for answer in seen} == {1}
    check(seen)


@pytest.mark.slow
def test_the_asynchronous_client_does_the_same(client):
    async def camera():
        for number in range(COUNT):
            yield frame(number)

    async def use():
        async with AsyncClient(str(client._http.base_url)) as other:
            return [answer async for answer in other.live(camera())]

    check(asyncio.run(use()))


@pytest.mark.slow
def test_an_error_of_the_camera_comes_after_the_answers_before_it(client):
    def camera():
        yield frame(0)
        yield 0.5, b"no picture"
        raise TimeoutError("the camera is gone")

    seen = []
    with pytest.raises(TimeoutError, match="the camera is gone"):
        seen.extend(client.live(camera()))
    assert seen[-1]["frame"] == 1
    assert "cannot be read as an image" in seen[-1]["error"]


@pytest.mark.slow
def test_a_session_that_is_left_leaves_no_thread(client):
    def camera():
        for number in range(100_000):
            yield frame(number)
            time.sleep(0.01)

    session = client.live(camera())
    assert next(session)["regions"]
    assert has_sender()
    session.close()
    for _ in range(100):
        if has_sender():
            time.sleep(0.1)
    assert not has_sender()


def has_sender():
    return "live" in {thread.name for thread in threading.enumerate()}


def test_what_the_service_says_is_an_error(address):
    with Client(address) as client:
        with pytest.raises(ServiceError, match=r"closed: .*stream 'wrong'.* \(code 4400\)") as closed:
            list(client.live(iter([frame(0)]), stream="wrong"))
        assert closed.value.status == 4400
    with Client(address, token="atsal_wrong") as client:
        with pytest.raises(ServiceError, match=r"A valid token is needed: .* \(request [0-9a-f]{32}\)") as refused:
            list(client.live([]))
        assert (refused.value.status, "atsal_wrong" in str(refused.value)) == (401, False)
    with Client("http://127.0.0.1:9") as client, pytest.raises(ServiceError, match=r"does not answer .*; check its"):
        list(client.live([]))


@pytest.mark.parametrize("wrong", [(0.0, "a.jpg"), ("0", b""), (None, b"")])
def test_something_else_than_frames_is_refused(address, wrong):
    with Client(address) as client, pytest.raises(ConfigError, match=r"a frame of .*; encode pixels first"):
        list(client.live([wrong]))


def test_frames_do_not_go_to_a_host_that_the_service_sends_to():
    seen = []
    with websocket_server(lambda socket: seen.extend(islice(socket, 1))) as elsewhere:

        def redirect(socket, _request):
            answer = socket.respond(302, "")
            answer.headers["Location"] = f"ws://{elsewhere}/v1/live"
            return answer

        refused = pytest.raises(ServiceError, match=f"sends live frames on to {elsewhere}; give the address")
        with websocket_server(process_request=redirect) as host, Client(f"http://{host}") as client, refused:
            list(client.live([frame(0)]))
    assert seen == []


@contextmanager
def websocket_server(handler=None, **options):
    with serve(handler, "127.0.0.1", 0, **options) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield "{}:{}".format(*server.socket.getsockname())
        finally:
            server.shutdown()
            thread.join()
