"""`WS /v1/live` with the real model, in a process for each session."""

import io
import json
import os
import signal
import struct
import time
from itertools import pairwise
from multiprocessing import active_children

import pytest
from click.testing import CliRunner
from PIL import Image
from serving_tools import serving
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from atsal.cli import main
from atsal.serving.live.settings import LiveSettings
from atsal.video.synthetic_scene import Scene

pytestmark = pytest.mark.slow  # a process loads PyTorch and compiles the model
RATE = 10  # frames a second


def jpeg(time_s, height=64):
    buffer = io.BytesIO()
    Image.fromarray(Scene(seed=1).render(height, time_s)).save(buffer, "JPEG")
    return buffer.getvalue()


def message(seconds, content):
    return struct.pack(">d", seconds) + content


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    settings = LiveSettings(sessions=2, frame_bytes=1 << 18)
    with serving(tmp_path_factory.mktemp("service"), live=settings) as (_, client):
        yield f"ws://{client.base_url.host}:{client.base_url.port}/v1/live"


def closed_with(socket):
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=60)
    return closed.value.rcvd.code, closed.value.rcvd.reason


def test_frames_have_the_regions_of_the_command(address, tmp_path):
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in range(8):
        (frames / f"{number}.jpg").write_bytes(jpeg(number / RATE))
    arguments = ["regions", frames, "-o", tmp_path / "a.json", "--as-frames", "--fps", RATE, "--max-regions", 3, "-q"]
    found = CliRunner().invoke(main, [*map(str, arguments), "--runtime", "openvino"])
    assert found.exit_code == 0, found.output
    expected = json.loads((tmp_path / "a.json").read_text())["frames"]
    assert sum(len(frame["regions"]) for frame in expected) > 8
    with connect(f"{address}?max-regions=3") as socket:
        for frame in expected:
            content = (frames / f"{frame['frame_index']}.jpg").read_bytes()
            socket.send(message(frame["timestamp_s"], content))
            answer = json.loads(socket.recv(timeout=60))
            assert answer == {
                "frame": frame["frame_index"],
                "seconds": frame["timestamp_s"],
                "regions": frame["regions"],
                "dropped": 0,
            }


def test_the_newest_frame_is_worked_on(address):
    with connect(address) as socket:
        for number in range(20):  # while the model is loaded
            socket.send(message(number / RATE, jpeg(number / RATE)))
        answers = [json.loads(socket.recv(timeout=60))]
        while answers[-1]["frame"] < 19:
            answers.append(json.loads(socket.recv(timeout=60)))
        assert len(answers) < 10
        gaps = [after["frame"] - before["frame"] - 1 for before, after in pairwise([{"frame": -1}, *answers])]
        assert [answer["dropped"] for answer in answers] == gaps


def test_a_frame_that_cannot_be_used_is_said_and_the_session_goes_on(address):
    with connect(address) as socket:

        def ask(content):
            socket.send(content)
            return json.loads(socket.recv(timeout=60))

        assert ask(message(0.0, jpeg(0.0)))["regions"]
        assert "the frame: cannot be read as an image" in ask(message(0.1, b"no picture"))["error"]
        assert "a message of 3 bytes: expected 8 bytes of time" in ask(b"abc")["error"]
        assert "a frame at nan s" in ask(message(float("nan"), jpeg(0.0)))["error"]
        assert "expected frames in the order of time" in ask(message(0.0, jpeg(0.0)))["error"]
        assert ask(message(0.2, jpeg(0.2))) | {"regions": []} == {
            "frame": 5,
            "seconds": 0.2,
            "regions": [],
            "dropped": 0,
        }


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("stream=fussed", "stream 'fussed'"),
        ("max-regions=0", "max-regions: Input should be greater than or equal to 1"),
        ("output=png", "output: Extra inputs are not permitted"),
        ("front=2&no-front=1", "front and no-front exclude each other"),
    ],
)
def test_a_session_with_options_that_cannot_be_is_closed(address, query, reason):
    with connect(f"{address}?{query}") as socket:
        code, found = closed_with(socket)
    assert code == 4400
    assert reason in found


def test_a_session_ends_with_a_code_and_a_reason(address):
    with connect(address) as socket:
        socket.send("text")
        assert closed_with(socket) == (1003, "expected binary messages: 8 bytes of time, then a picture")
    with connect(address) as socket:
        socket.send(message(0.0, bytes(1 << 19)))
        assert closed_with(socket) == (1009, "a frame has at most 262144 bytes")


def test_a_session_without_frames_ends(tmp_path):
    with serving(tmp_path, live=LiveSettings(sessions=1, idle_s=0.2)) as (_, client):
        for _ in range(2):
            with connect(f"ws://{client.base_url.host}:{client.base_url.port}/v1/live") as socket:
                assert closed_with(socket) == (4408, "no frame came for 0.2 s")


def test_there_are_so_many_sessions_and_each_ends_with_its_process(address):
    others = {process.pid for process in active_children()}
    with connect(address) as one, connect(address) as two:
        with connect(address) as three:
            assert closed_with(three) == (4429, "there are 2 sessions already; try again later")
        for socket in (one, two):
            socket.send(message(0.0, jpeg(0.0)))
        assert json.loads(one.recv(timeout=60))["regions"] == json.loads(two.recv(timeout=60))["regions"]
        own = {process.pid for process in active_children()} - others
        assert len(own) == 2
        os.kill(min(own), signal.SIGSEGV)
        for socket in (one, two):
            socket.send(message(0.1, jpeg(0.1)))
        (ended,) = [socket for socket in (one, two) if not has_answer(socket)]
        assert closed_with(ended) == (1011, "the process of the session was ended by SIGSEGV")
    for _ in range(100):
        if not {process.pid for process in active_children()} - others:
            break
        time.sleep(0.1)
    assert not {process.pid for process in active_children()} - others


def has_answer(socket):
    try:
        return bool(socket.recv(timeout=60))
    except ConnectionClosed:
        return False


def test_a_session_needs_a_token_that_may_submit(tmp_path):
    with serving(tmp_path) as (service, client):
        address = f"ws://{client.base_url.host}:{client.base_url.port}/v1/live?stream=none"
        reads, submits = (
            {"Authorization": f"Bearer {service.gate.tokens.add(scope, scope)}"} for scope in ("read", "submit")
        )
        for headers, status in (({}, 401), (reads, 403), (submits | {"Origin": "http://elsewhere"}, 403)):
            with pytest.raises(InvalidStatus) as refused:
                connect(address, additional_headers=headers)
            assert refused.value.response.status_code == status
            assert refused.value.response.headers["Content-Type"] == "application/problem+json"
        cookies = client.post("/v1/session", headers=submits).cookies
        cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        for headers in (submits, cookie):
            with connect(address, additional_headers=headers) as socket:
                assert closed_with(socket)[0] == 4400


def test_one_token_does_not_take_all_sessions(tmp_path):
    with serving(tmp_path, live=LiveSettings(sessions=3)) as (service, client):
        address = f"ws://{client.base_url.host}:{client.base_url.port}/v1/live"
        anna, ben = ({"Authorization": f"Bearer {service.gate.tokens.add(name, 'submit')}"} for name in ("anna", "ben"))
        with connect(address, additional_headers=anna), connect(address, additional_headers=anna):
            with connect(address, additional_headers=anna) as third:
                assert closed_with(third) == (4429, "this token has 2 sessions already; end one first")
            with connect(address, additional_headers=ben) as other:
                other.send(message(0.0, jpeg(0.0)))
                assert json.loads(other.recv(timeout=60))["regions"]
