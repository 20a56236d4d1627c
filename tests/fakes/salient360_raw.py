"""Raw headset logs as the Salient360! toolbox ships them: `raw_gaze/rawDataStatic<n>.csv`, `…Dyn<n>.csv`.

The toolbox does not say which log belongs to which stimulus; here each item has a folder of its own, `P<k>` with static
logs and a still, `V<k>` with dynamic logs and a video, by turns.
"""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from atsal.projection.sphere import rotation_matrix
from fakes.gaze import Target

STATIC = (
    "OcutimeStamp,UnityTimeStamp,leftPor.x,leftPor.y,rightPor.x,rightPor.y,"
    "cameraPosition.x,cameraPosition.y,cameraPosition.z,"
    "cameraRotation.x,cameraRotation.y,cameraRotation.z,cameraRotation.w,torsoPosition.x,torsoPosition.y,"
    "torsoPosition.z,torsoRotation.x,torsoRotation.y,torsoRotation.z,torsoRotation.w,meanBasePoint.x,meanBasePoint.y,"
    "meanBasePoint.z,meanGazeDirection.x,meanGazeDirection.y,meanGazeDirection.z,leftBasePoint.x,leftBasePoint.y,"
    "leftBasePoint.z,rightBasePoint.x,rightBasePoint.y,rightBasePoint.z,leftEyeDirection.x,leftEyeDirection.y,"
    "leftEyeDirection.z,rightEyeDirection.x,rightEyeDirection.y,rightEyeDirection.z,valL,valR"
)
DYNAMIC = (
    "oculoTS,unityTS,currFrame,LeftPosX,LeftPosY,RightPosX,RightPosY,cam_pitch,cam_yaw,cam_roll,sphere_yaw,"
    "meanGazeDir.x,meanGazeDir.y,meanGazeDir.z,leftBasePt.x,leftBasePt.y,leftBasePt.z,rightBasePt.x,rightBasePt.y,"
    "rightBasePt.z,leftGazeDir.x,leftGazeDir.y,leftGazeDir.z,rightGazeDir.x,rightGazeDir.y,rightGazeDir.z,"
    "binPor.x,binPor.y,Lval,Rval"
)
CENTRE_YAW_DEG = -90.0  # where the toolbox has an image's centre


def static_row(time_us, pose, left, right, valid=("True", "True")) -> str:
    """A line of a static log; pose is a quaternion x y z w."""
    filler = "0.5,0.5,0.5,0.5,0.44,1.55,0.33"
    torso = "1.77,1.1,1.62,0,0,0,1,-0.4,-1.5,-0.3,-0.04,-0.99,-0.003,-0.03,0.007,-0.03,0.03,0.008,-0.03"
    return ",".join([f"{time_us:.0f}", "63709682685818", filler, _text(pose), torso, _text(left), _text(right), *valid])


def dynamic_row(time_ns, frame, angles, eye, valid=("True", "True")) -> str:
    """A line of a dynamic log; angles are pitch, yaw, roll and the sphere's yaw. `binPor.y` and `Lval` are glued."""
    base = "-0.03,0.007,-0.025,0.029,0.007,-0.027"
    head = [f"{time_ns:.0f}", "63690416622600", str(frame), "900,560,950,550", _text(angles)]
    return ",".join([*head, _text(eye), base, _text(eye), _text(eye), f"941.5,557.4{valid[0]}", valid[1]])


def write_salient360_raw(root: Path, *, items: int = 2, observers: int = 3, seed: int = 0) -> dict[str, Target]:
    """Half a second of gaze for each observer and item; dynamic logs begin 10 samples before the video."""
    targets = {}
    for item in range(items):
        still = item % 2 == 0
        name = f"{'P' if still else 'V'}{item + 1}"
        targets[name] = Target(seed + item)
        if still:
            targets[name].write_image(root / name / f"{name}_128x64.png")
        else:
            targets[name].write_video(root / name / f"{name}.mp4")
        for observer in range(1, observers + 1):
            rng = np.random.default_rng([seed, item, observer])
            lines = _static_log(targets[name], rng) if still else _dynamic_log(targets[name], rng)
            log = root / name / f"rawData{'Static' if still else 'Dyn'}{observer}.csv"
            log.write_text("\n".join(lines) + "\n")
    return targets


def _static_log(target: Target, rng: np.random.Generator) -> list[str]:
    lines = [STATIC]
    for k in range(60):
        matrix, _, eye = _look(target, rng, 0.0, CENTRE_YAW_DEG)
        pose = Rotation.from_matrix(matrix).as_quat()
        lines.append(static_row(19_861_628_208 + k * 8333, pose, eye, eye))
    return lines


def _dynamic_log(target: Target, rng: np.random.Generator) -> list[str]:
    lines, sphere = [DYNAMIC], rng.uniform(0, 360)
    for k in range(-10, 125):
        time_s = max(k, 0) / 250
        _, angles, eye = _look(target, rng, time_s, CENTRE_YAW_DEG + sphere)
        frame = 0 if k < 0 else int(time_s * 10) + 1
        lines.append(dynamic_row(657_528_133_153 + k * 4e6, frame, [*angles, sphere], eye))
    return lines


def _look(target: Target, rng: np.random.Generator, time_s: float, centre_deg: float):
    """A head near the target, in a world in which the image's centre is at yaw `centre_deg`, and the eye in it."""
    lon, lat = np.rad2deg(target.look(rng, time_s))
    yaw, pitch, roll = lon + centre_deg + rng.normal(0, 10), lat + rng.normal(0, 5), rng.normal(0, 5)
    matrix = rotation_matrix(yaw, pitch, roll).numpy()
    gaze = rotation_matrix(lon + centre_deg, lat).numpy()[:, 2]
    # Unity: pitch is positive down, roll positive to the left
    return matrix, (-pitch % 360, yaw % 360, -roll % 360), matrix.T @ gaze


def _text(values) -> str:
    return ",".join(f"{value:.9g}" for value in values)
