"""The exported file in onnxruntime-web, by the program of docs/export.md: `make test-web`."""

import re
import shutil
import subprocess

import numpy as np
import pytest

from atsal import load_model
from atsal.prediction.export import export_onnx
from atsal.video.synthetic_scene import Scene

pytestmark = pytest.mark.web
TIMES_S = (0.0, 0.2, 5.0)
RUN = """
    import {{ readFileSync, writeFileSync }} from "node:fs";
    import {{ Saliency }} from "./saliency.mjs";

    const saliency = await Saliency.load(readFileSync("lite.onnx"));
    for (const [number, seconds] of {times}.entries()) {{
      const map = await saliency.see(new Uint8ClampedArray(readFileSync(`${{number}}.rgba`)), seconds);
      writeFileSync(`${{number}}.map`, map.data);
    }}
"""


def test_the_program_of_the_documents_gives_the_maps_of_pytorch(tmp_path, pytestconfig):
    modules = pytestconfig.rootpath / ".venv" / "web" / "node_modules"
    if shutil.which("node") is None or not (modules / "onnxruntime-web").is_dir():
        pytest.skip("node or onnxruntime-web is missing: `make test-web` installs the latter")
    text = (pytestconfig.rootpath / "docs" / "export.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```javascript\n(.*?)```", text, re.DOTALL)
    (tmp_path / "node_modules").symlink_to(modules)
    (tmp_path / "saliency.mjs").write_text(example, encoding="utf-8")
    (tmp_path / "run.mjs").write_text(RUN.format(times=[*TIMES_S]), encoding="utf-8")
    images = [Scene(2).render(160, number / 5) for number in range(len(TIMES_S))]
    for number, image in enumerate(images):
        rgba = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
        (tmp_path / f"{number}.rgba").write_bytes(rgba.tobytes())
    export_onnx("lite", tmp_path / "lite.onnx")
    subprocess.run(["node", "run.mjs"], cwd=tmp_path, check=True)
    model, state = load_model("lite", runtime="torch", device="cpu"), None
    for number, (image, seconds) in enumerate(zip(images, TIMES_S, strict=True)):
        maps, state = model.step(image, state, ("fused",), model.config.map_height, seconds=seconds)
        found = np.fromfile(tmp_path / f"{number}.map", np.float32).reshape(maps["fused"].shape)
        assert np.abs(found - maps["fused"]).max() <= 1e-4 * maps["fused"].max()
