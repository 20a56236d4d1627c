"""The page in the package is the build of its sources. No Node is needed to see that."""

import gzip
import hashlib
import json
import re

import pytest

from atsal.viewing.site import STATIC
from atsal.viewing.typescript import typescript_types

RUNTIME = "onnxruntime.gzip"
SERVICE = STATIC.parents[1] / "serving" / "static"
TOP = [
    *("index.html", "serve.html", "package-lock.json", "package.json", "tsconfig.json"),
    *("vite.config.js", "vite.report.config.js", "vite.serve.config.js"),
]


@pytest.fixture
def viewer(pytestconfig):
    return pytestconfig.rootpath / "viewer"


def test_the_bundle_is_the_build_of_the_sources(viewer):
    inside = [path.relative_to(viewer).as_posix() for path in (viewer / "src").rglob("*") if path.is_file()]
    lines = (
        f"{hashlib.sha256((viewer / name).read_bytes()).hexdigest()}  {name}\n" for name in sorted([*TOP, *inside])
    )
    expected = hashlib.sha256("".join(lines).encode()).hexdigest()
    built = json.loads((STATIC / "build.json").read_text())
    script = hashlib.sha256((STATIC.parent / "report_sphere.js").read_bytes()).hexdigest()
    service = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(SERVICE.iterdir()))).hexdigest()
    found = built["sources_sha256"], built["report_sphere_sha256"], built["service_sha256"]
    assert found == (expected, script, service), "the pages are not the build of viewer/: run `make viewer`"


def test_the_types_are_those_of_the_dataclasses(viewer):
    found = (viewer / "src" / "scene.gen.ts").read_text(encoding="utf-8")
    assert found == typescript_types(), "viewer/src/scene.gen.ts is not up to date: run `make viewer`"


def test_the_bundle_is_small_and_asks_nobody():
    files = {path.name: path.read_bytes() for path in STATIC.rglob("*") if path.is_file()}
    assert sum(len(gzip.compress(content)) for name, content in files.items() if name != RUNTIME) < 1_000_000
    assert b"onnx" not in files["viewer.js"].lower()
    page = files["index.html"].decode()
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page)
    assert "default-src 'self'" in page
    assert "three 0." in files["licences.txt"].decode()
    assert "onnxruntime-web 1." in files["licences.txt"].decode()


def test_the_page_of_the_service_is_small_and_asks_nobody():
    files = {path.name: path.read_bytes() for path in SERVICE.iterdir()}
    assert sum(len(gzip.compress(content)) for content in files.values()) < 40_000
    assert not re.findall(rb"""https?:(?!//www\.w3\.org)""", files["serve.html"] + files["serve.css"])
    assert b"<script>" not in files["serve.html"]  # its policy allows none
    assert b"style=" not in files["serve.html"]
    assert b"tus-js-client 4." in files["licences.txt"]


def test_the_webassembly_is_that_of_the_build():
    content = gzip.decompress((STATIC / "live" / RUNTIME).read_bytes())
    expected = json.loads((STATIC / "build.json").read_text())["wasm_sha256"]
    assert hashlib.sha256(content).hexdigest() == expected


def test_the_lock_file_names_no_registry(viewer):
    """Any registry can serve the packages; their checksums are in the file."""
    text = (viewer / "package-lock.json").read_text()
    assert '"resolved"' not in text
    assert '"integrity"' in text


def test_the_script_of_a_report_is_small_and_can_stand_in_a_page():
    script = (STATIC.parent / "report_sphere.js").read_text(encoding="utf-8")
    assert len(script) < 20_000
    assert "</script" not in script
    assert "<!--" not in script
