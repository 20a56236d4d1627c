"""`POST /v1/images` with the real model, in real processes."""

import io
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from serving_tools import serving

from atsal.cli import main
from atsal.serving.photos.settings import PhotoSettings
from atsal.video.synthetic_scene import Scene

pytestmark = pytest.mark.slow  # a process loads PyTorch and compiles the model
JPEG = {"Content-Type": "image/jpeg"}


def jpeg(height=64):
    buffer = io.BytesIO()
    Image.fromarray(Scene(seed=1).render(height, 0.0)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    settings = PhotoSettings(workers=1, most_waiting=6, most_waiting_of_one=4, most_bytes_waiting=16 << 20)
    with serving(tmp_path_factory.mktemp("service"), photos=settings) as (_, client):
        client.timeout = 120  # a process starts, on a busy machine
        yield client


def post(client, content=None, headers=JPEG, **options):
    return client.post("/v1/images", params=options, content=content or jpeg(), headers=headers)


def run(*arguments):
    found = CliRunner().invoke(main, [*map(str, arguments), "--runtime", "openvino", "-q"])
    assert found.exit_code == 0, found.output


@pytest.mark.parametrize(
    ("output", "ending", "options"),
    [
        ("npy", "npy", {}),
        ("npy", "npy", {"stream": "attention", "direction": "head", "front": "30", "still-at": "2"}),
        ("npy", "npy", {"no-front": True}),
        ("png", "png", {}),
        ("png16", "png", {"stream": "experts"}),
        ("overlay", "overlay.png", {"colormap": "inferno", "opacity": "0.5", "legend": True}),
    ],
)
def test_a_photo_has_the_map_of_predict(client, tmp_path, output, ending, options):
    (tmp_path / "a.jpg").write_bytes(jpeg())
    flags = [
        text for key, value in options.items() for text in ([f"--{key}"] if value is True else [f"--{key}", value])
    ]
    run("predict", tmp_path / "a.jpg", "-o", tmp_path, "--format", output, *flags)
    found = post(client, output=output, **options)
    assert found.status_code == 200, found.text
    assert found.content == (tmp_path / f"a.{ending}").read_bytes()


def test_a_photo_has_the_regions_of_the_command(client, tmp_path):
    (tmp_path / "photo").write_bytes(jpeg(128))
    run("regions", tmp_path / "photo", "-o", tmp_path / "a.json", "--max-regions", 3)
    found = post(client, jpeg(128), output="regions", **{"max-regions": 3}).json()
    assert found == json.loads((tmp_path / "a.json").read_text())
    assert 1 <= len(found["frames"][0]["regions"]) <= 3


def test_a_stereo_photo_is_its_left_view(client):
    picture = np.asarray(Image.open(io.BytesIO(jpeg())))
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate([picture, 255 - picture])).save(buffer, "PNG")
    found = post(client, buffer.getvalue(), output="npy")
    assert found.headers["Atsal-Stereo"] == "top-bottom"
    assert post(client, output="npy").headers["Atsal-Stereo"] == "mono"
    assert found.content == post(client, buffer.getvalue(), output="npy", stereo="top-bottom").content


@pytest.mark.parametrize(
    ("options", "status", "detail"),
    [
        ({"stream": "fussed"}, 422, "stream 'fussed'; did you mean 'fused'?"),
        (
            {"output": "regions", "opacity": 1},
            422,
            "opacity would change nothing in output=regions; ask for output=overlay",
        ),
        ({"max-regions": 2, "min-weight": 0}, 422, "max-regions, min-weight would change nothing in output=png"),
        ({"output": "overlay", "colormap": "x"}, 422, "colormap 'x'"),
        ({"front": 2, "no-front": True}, 422, "front and no-front exclude each other; give one of them"),
        ({"still-at": 2, "no-front": True}, 422, "still-at 2: the maps of 'lite' do not depend on the time"),
        ({"stereo": "mone"}, 422, "query.stereo"),
        ({"size": 3}, 422, "query.size: Extra inputs are not permitted"),
        ({"front": "nan"}, 422, "query.front"),
    ],
)
def test_options_that_cannot_be_are_refused(client, options, status, detail):
    found = post(client, **options)
    assert found.status_code == status
    assert detail in found.json()["detail"]
    assert found.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("content", "kind", "detail"),
    [
        (jpeg()[:500], "unusable-photo", "photo: cannot be read as an image"),
        (b"no picture", "unusable-photo", "photo: cannot be read as an image (its first bytes are not"),
        (b"", "unusable-photo", "photo: cannot be read as an image"),
    ],
)
def test_what_is_no_photo_is_refused_with_its_reason(client, content, kind, detail):
    found = client.post("/v1/images", content=content, headers=JPEG)
    assert (found.status_code, found.json()["type"]) == (422, f"/problems/{kind}")
    assert detail in found.json()["detail"]


def test_a_photo_with_too_many_pixels_is_refused_by_its_header(client):
    content = jpeg()
    start = content.index(b"\xff\xc0") + 5
    bomb = content[:start] + (10_000).to_bytes(2, "big") + (20_000).to_bytes(2, "big") + content[start + 4 :]
    assert "at most 134 million are predicted at once" in post(client, bomb).json()["detail"]


def test_a_form_is_no_photo(client):
    found = post(client, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (found.status_code, found.json()["type"]) == (415, "/problems/wrong-type")


def test_bodies_that_do_not_fit_wait_outside(client):
    found = post(client, bytes(17 << 20))
    assert (found.status_code, found.json()["type"]) == (503, "/problems/busy")
    assert int(found.headers["Retry-After"]) >= 1
    assert post(client).status_code == 200


def test_who_sends_too_many_is_told_to_wait_and_who_hangs_up_gives_way(client):
    large = jpeg(2048)  # its overlay takes seconds
    lines = ["POST /v1/images?output=overlay HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(large)}"]
    head = "\r\n".join([*lines, "", ""]).encode()
    sockets = []
    for _ in range(5):
        connection = socket.create_connection((client.base_url.host, client.base_url.port))
        connection.sendall(head + large)
        sockets.append(connection)
    time.sleep(0.3)
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda _: post(client), range(3)))
    refused = [answer for answer in found if answer.status_code != 200]
    assert refused
    assert {answer.json()["type"] for answer in refused} == {"/problems/too-many-requests"}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    for connection in sockets:
        connection.close()
    time.sleep(0.5)
    with ThreadPoolExecutor(4) as threads:  # as many as may wait
        assert {answer.status_code for answer in threads.map(lambda _: post(client), range(4))} == {200}
