"""Plans as files: what a person may edit, and what is refused."""

import json

import pytest

from atsal.directing.camera import Keyframe
from atsal.directing.in_frame import InFrame
from atsal.directing.plan import MadeFrom, Plan, read_plan, write_plan
from atsal.errors import ConfigError

KEYFRAMES = tuple(Keyframe(t, y, -5.0, 90.0) for t, y in [(0.0, 0.0), (4.0, 10.0), (9.96, 10.0)])
PLAN = Plan("in.mp4", 10.0, "16:9", 0.0, 10.0, KEYFRAMES)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "plan.json"


def test_a_plan_survives_a_file(path):
    plan = Plan(
        **vars(PLAN)
        | {"made_from": MadeFrom("ab", "16:9", 90.0, "fused"), "predicted_in_frame": InFrame(0.5, 0.4, None)}
    )
    write_plan(path, plan)
    assert read_plan(path) == plan


def test_an_edited_plan_is_followed(path):
    write_plan(path, PLAN)
    document = json.loads(path.read_text())
    document["keyframes"][1] |= {"yaw_deg": -60, "pitch_deg": 12, "fov_deg": 60}
    del document["made_from"], document["predicted_in_frame"], document["recorded_in_frame"]
    path.write_text(json.dumps(document))
    assert read_plan(path).keyframes[1] == Keyframe(4.0, -60.0, 12.0, 60.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda d: d.update(format="atsal-regions"),
            "has format 'atsal-regions', version 1; expected format 'atsal-plan'",
        ),
        (lambda d: d.update(speed=3), "unknown setting 'speed'"),
        (lambda d: d.pop("aspect"), "setting 'aspect' is missing"),
        (lambda d: d.update(aspect="4:3"), "aspect: found '4:3'"),
        (lambda d: d.update(keyframes=[]), "without keyframes"),
        (lambda d: d["keyframes"][1].update(yaw=3), r"keyframes\[1\]: unknown setting 'yaw'; did you mean 'yaw_deg'"),
        (lambda d: d["keyframes"][1].pop("fov_deg"), r"keyframes\[1\]: setting 'fov_deg' is missing"),
        (lambda d: d["keyframes"][1].update(yaw_deg="left"), r"keyframes\[1\]: yaw_deg: found 'left'"),
        (lambda d: d["keyframes"][1].update(fov_deg=150), r"keyframes\[1\]: fov_deg 150.0: expected 1 to 140"),
        (lambda d: d["keyframes"][1].update(timestamp_s=0.1), "would turn at 100°/s"),
        (lambda d: d["keyframes"].pop(0), "the first keyframe is at 4 s; expected one at 0 s, where the film starts"),
        (lambda d: d["keyframes"].pop(), "the last keyframe is at 4 s; expected one in the last second"),
        (lambda d: d.update(source_duration_s=5.0), "the film ends at 10 s; expected an end within the 5 s"),
    ],
)
def test_mistakes_are_explained(path, change, message):
    write_plan(path, PLAN)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(ConfigError, match=message) as caught:
        read_plan(path)
    assert str(caught.value).startswith(str(path))


def test_a_plan_of_another_video_is_refused(path):
    PLAN.check_video(path, "in.mp4", 10.0)
    with pytest.raises(ConfigError, match=r"is a plan for 'in.mp4', not for 'out.mp4'"):
        PLAN.check_video(path, "out.mp4", 10.0)
    with pytest.raises(ConfigError, match=r"a video of 10 s, but in.mp4 lasts 20.00 s"):
        PLAN.check_video(path, "in.mp4", 20.0)
