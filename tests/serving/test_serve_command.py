"""`atsal serve` as a process of its own, with the commands as its kinds of jobs."""

import pytest
from serving_tools import atsal_serve, send_upload, wait_for

from atsal.video.image_writer import write_rgb_png
from atsal.video.synthetic_scene import Scene, render_video

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with atsal_serve(tmp_path_factory.mktemp("commands")) as (_, client):
        yield client


@pytest.fixture(scope="module")
def sources(client, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    write_rgb_png(folder / "photo.png", Scene(seed=1).render(64, 0.0))
    render_video(folder / "scene.mp4", seconds=0.6, frame_rate=10, erp_height=128, seed=1)
    return {path.name: send_upload(client, path.read_bytes(), path.name) for path in folder.iterdir()}


def run(client, kind, source, **options):
    answer = client.post("/v1/jobs", json={"kind": kind, "options": options, "source": source})
    assert answer.status_code == 201, answer.text
    return wait_for(client, answer.json())


@pytest.mark.parametrize(
    ("kind", "file", "options", "results"),
    [
        ("predict", "photo.png", {"format": ["npy", "png"]}, ["photo.json", "photo.npy", "photo.png"]),
        ("compare", "photo.png", {}, ["comparison.png"]),
        ("compare", "scene.mp4", {"max-frames": 2}, ["comparison.mp4"]),
        ("regions", "scene.mp4", {"max-frames": 2}, ["regions.json"]),
        ("direct", "scene.mp4", {"resolution": 64}, ["film.mp4", "film.plan.json", "film.storyboard.png"]),
        ("encode", "scene.mp4", {"bitrate": 200, "compare": True}, ["encoded.mp4", "encoded.plain.mp4"]),
        ("tiles", "scene.mp4", {"grid": "4x2"}, ["tiles.json"]),
    ],
)
def test_each_command_is_a_kind_of_job(client, sources, kind, file, options, results):
    job = run(client, kind, sources[file], **options)
    assert (job["state"], job["reason"]) == ("done", ""), job
    assert [result["name"] for result in job["results"]] == results
    for name in results:
        content = client.get(f"/v1/jobs/{job['id']}/results/{name}").content
        assert content
        assert b"/work/" not in content
        assert b"/home/" not in content


def test_regions_are_json(client, sources):
    job = run(client, "regions", sources["photo.png"])
    assert client.get(f"/v1/jobs/{job['id']}/regions").json()["frames"]


@pytest.mark.parametrize("kind", ["predict", "direct", "regions"])
def test_each_result_has_a_page(client, sources, kind):
    options = {"predict": {"format": ["npy"]}, "direct": {"resolution": 64}, "regions": {"max-frames": 2}}
    job = run(client, kind, sources["scene.mp4"], **options[kind])
    assert client.get(f"/v1/jobs/{job['id']}/view/").status_code == 404
    making = client.post(f"/v1/jobs/{job['id']}/view")
    assert making.status_code == 202
    made = wait_for(client, making.json())
    assert made["state"] == "done", made
    assert client.post(f"/v1/jobs/{job['id']}/view").status_code == 200
    page = client.get(f"/v1/jobs/{job['id']}/view/")
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    assert "<script" in page.text
    catalogue = client.get(f"/v1/jobs/{job['id']}/view/catalogue.json").json()
    (item,) = catalogue["items"]
    assert (item["name"], catalogue["home"]) == ("scene.mp4", "/")
    parents = {found["id"]: found["parent"] for found in client.get("/v1/jobs").json()["jobs"]}
    assert (parents[job["id"]], parents[made["id"]]) == (None, job["id"])
    scene = client.get(f"/v1/jobs/{job['id']}/view/{item['folder']}scene.json").json()
    assert (scene["film"]["plan"] is not None) == (kind == "direct")
    media = f"/v1/jobs/{job['id']}/view/{item['folder']}{scene['media']['file']}"
    part = client.get(media, headers={"Range": "bytes=0-9"})
    assert (part.status_code, len(part.content), part.headers["content-type"]) == (206, 10, "video/mp4")
    assert client.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert client.get(f"/v1/jobs/{made['id']}").status_code == 404


def test_a_failed_command_gives_its_message_without_folders(client, sources):
    found = run(client, "direct", sources["photo.png"])
    assert (found["state"], found["reason"]) == ("failed", "photo.png: is an image; expected a 360° video")
    found = run(client, "predict", sources["photo.png"], model="paper")
    assert found["state"] == "failed"
    assert "paper" in found["reason"]
    assert "…/" in found["reason"]


def test_the_process_ends_without_an_error(tmp_path):
    with atsal_serve(tmp_path / "data") as (process, client):
        assert client.get("/v1/jobs").json() == {"jobs": [], "next": None}
    assert process.returncode == 0
