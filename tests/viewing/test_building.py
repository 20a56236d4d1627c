"""Items that are built when the page asks for them: progress, failures, and which comes first."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atsal.errors import MediaError
from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import Source
from atsal.video.image_writer import write_rgb_png
from atsal.viewing import building
from atsal.viewing.building import ItemBuilder
from atsal.viewing.entries.entry import BrokenEntry, Built, Entry


@dataclass(frozen=True)
class StepEntry(Entry):
    """Does a step of four each time that it is allowed to."""

    steps: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    started: list[str] = field(default_factory=list)
    error: Exception | None = None
    doing = "Predicting"

    def build(self, folder, progress):
        self.started.append(self.name)
        for done in range(4):
            progress(done, 4)
            assert self.steps.acquire(timeout=5)
        if self.error is not None:
            raise self.error
        (folder / "scene.json").write_text(self.name)
        return Built({"scene.json": folder / "scene.json"}, problem=None)


def entry(name, **fields):
    return StepEntry(Path(f"{name}.mp4"), name, "video", **fields)


def until(condition):
    deadline_s = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


@pytest.fixture
def build(tmp_path):
    builders, problems = [], []

    def start(*entries):
        builder = ItemBuilder(entries, tmp_path, problems.append)
        running = builder.running()
        running.__enter__()
        builders.append((running, entries))
        builder.ask = lambda number: builder.find_progress(f"items/{number}/scene.json")
        builder.problems = problems
        return builder

    yield start
    for running, entries in builders:
        for one in entries:
            if isinstance(one, StepEntry):
                one.steps.release(100)
        running.__exit__(None, None, None)


def test_an_item_is_built_when_it_is_asked_for_and_tells_its_progress(build):
    one, two = entry("one"), entry("two")
    builder = build(one, two)
    assert "items/1/scene.json" not in builder.site
    builder.ask(1)
    one.steps.release(2)
    until(lambda: builder.ask(1).share == 0.5)
    assert builder.ask(1).text == "Predicting"
    one.steps.release(2)
    until(lambda: "items/1/scene.json" in builder.site)
    assert builder.site["items/1/scene.json"].read_text() == "one"
    assert two.started == []


def test_other_files_are_unknown(build):
    builder = build(entry("one"))
    for name in ("items/2/scene.json", "items/1/media.mp4", "scene.json", "items/1/../1/scene.json"):
        assert builder.find_progress(name) is None


@pytest.mark.parametrize(
    ("error", "message"),
    [(MediaError("one.mp4: is empty"), "one.mp4: is empty"), (ZeroDivisionError("x"), "one.mp4: cannot be used")],
)
def test_a_failure_is_told_once_and_the_others_are_built(build, error, message):
    one, two = entry("one", error=error), entry("two")
    builder = build(one, two)
    one.steps.release(4)
    two.steps.release(4)
    until(lambda: builder.ask(1).failed)
    assert builder.ask(1).text.startswith(message)
    assert [text.startswith(message) for text in builder.problems] == [True]
    until(lambda: builder.ask(2) and "items/2/scene.json" in builder.site)
    assert one.started == ["one"]


def test_what_is_broken_from_the_start_has_its_message_at_once(build):
    builder = build(BrokenEntry(Path("a.jpg"), "a.jpg", "", MediaError("a.jpg: is empty")), entry("two"))
    assert builder.ask(1).failed
    assert builder.ask(1).text == "a.jpg: is empty"


def test_an_item_that_nobody_waits_for_gives_way(build, monkeypatch):
    monkeypatch.setattr(building, "_WAITING_S", 0.2)
    long, short = entry("long"), entry("short")
    builder = build(long, short)
    builder.ask(1)
    until(lambda: long.started)
    assert builder.ask(2).text == "Waiting for long"
    time.sleep(0.25)  # the page has left the first item
    builder.ask(2)
    long.steps.release(1)
    short.steps.release(4)
    until(lambda: builder.ask(2) and "items/2/scene.json" in builder.site)
    assert "items/1/scene.json" not in builder.site
    long.steps.release(8)
    until(lambda: builder.ask(1) and "items/1/scene.json" in builder.site)


def test_the_item_that_was_asked_for_last_comes_first(build):
    first = entry("first")
    second, third = (entry(name, started=first.started) for name in ("second", "third"))
    builder = build(first, second, third)
    builder.ask(1)
    until(lambda: first.started)
    builder.ask(2)
    builder.ask(3)
    for one in (first, second, third):
        one.steps.release(4)
    until(lambda: len(first.started) == 3)
    assert first.started == ["first", "third", "second"]


@dataclass(frozen=True)
class PhotoEntry(StepEntry):
    """Has a source."""

    def find_source(self):
        return Source(self.path, "image"), ReadOptions()


def test_each_item_has_a_small_picture_before_it_is_built(tmp_path):
    write_rgb_png(tmp_path / "red.png", np.full((40, 80, 3), (200, 0, 0), np.uint8))
    entries = [PhotoEntry(tmp_path / f"{name}.png", name, "photo") for name in ("red", "gone")]
    (tmp_path / "page").mkdir()
    builder = ItemBuilder(entries, tmp_path / "page", pytest.fail)
    pictures = [Image.open(builder.draw_picture(f"items/{number}/picture.jpg")) for number in (1, 2)]
    assert [picture.size for picture in pictures] == [(96, 48)] * 2
    assert pictures[0].getpixel((48, 24)) == pytest.approx((200, 0, 0), abs=4)
    assert pictures[1].getpixel((48, 24)) == (128, 128, 128)  # cannot be read
    assert builder.draw_picture("items/3/picture.jpg") is None
    assert not (tmp_path / "page" / "items").exists()
    assert [item.picture for item in building.list_items(entries[:1])] == [""], "one item needs no list"
