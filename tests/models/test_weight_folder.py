import json
import shutil

import pytest
import torch
from test_checkpoints import save, tiny_state

from atsal.errors import OutputError, WeightsError
from atsal.jobs.checksums import file_sha256
from atsal.models.config import ModelConfig
from atsal.models.published_weights import import_published
from atsal.models.weight_folder import PARTS, read_weight_folder, write_weight_folder

CONFIG = ModelConfig(architecture="lite", erp_height=160, face_size=128, mean=(1.5, 2.0, 3.0), face_fov_deg=100.0)


def parts(offset=0.0):
    base = torch.arange(6.0).reshape(2, 3) + offset
    return {part: {"weight": (base + i).T, "bias": torch.tensor(float(i))} for i, part in enumerate(PARTS)}


@pytest.fixture
def folder(tmp_path):
    return write_weight_folder(tmp_path / "some" / "weights", CONFIG, parts(), {"trained_on": "Salient360! é"})


def edit(folder, change):
    file = folder / "model.json"
    description = json.loads(file.read_text(encoding="utf-8"))
    change(description)
    file.write_text(json.dumps(description), encoding="utf-8")


def test_round_trip(folder):
    bundle = read_weight_folder(str(folder))
    assert bundle.config == CONFIG
    assert bundle.provenance == {"trained_on": "Salient360! é"}
    for part, tensors in parts().items():
        loaded = bundle.load(part)
        assert loaded.keys() == tensors.keys()
        assert all(torch.equal(loaded[key], tensors[key]) for key in tensors)
        assert bundle.checksums[part] == file_sha256(folder / f"{part}.safetensors")
    assert sorted(entry.name for entry in folder.parent.iterdir()) == ["weights"]  # nothing left beside it


def test_description_is_the_documented_one(folder):
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    assert sorted(description) == ["config", "files", "format", "provenance"]
    assert description["format"] == 2
    assert description["files"]["poles"] == {
        "file": "poles.safetensors",
        "sha256": file_sha256(folder / "poles.safetensors"),
        "bytes": (folder / "poles.safetensors").stat().st_size,
    }


def test_combined_checksum_depends_on_weights_alone(folder, tmp_path):
    same = write_weight_folder(tmp_path / "same", CONFIG, parts(), {"other": 1})
    different = write_weight_folder(tmp_path / "different", CONFIG, parts(1), {})
    assert read_weight_folder(same).checksum == read_weight_folder(folder).checksum
    assert read_weight_folder(different).checksum != read_weight_folder(folder).checksum
    assert len(read_weight_folder(same).checksum) == 64


def test_a_changed_byte_is_found(folder):
    file = folder / "poles.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(WeightsError, match=r"poles\.safetensors: sha256 \w{64}, expected \w{64}.*again"):
        read_weight_folder(folder)


def test_truncated_and_missing_parts_are_named(folder):
    file = folder / "equator.safetensors"
    size = file.stat().st_size
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=rf"equator\.safetensors: {size - 1} bytes, expected {size}"):
        read_weight_folder(folder)
    file.unlink()
    with pytest.raises(WeightsError, match=r"equator\.safetensors: no such file"):
        read_weight_folder(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format=3), "format 3, expected 2; update atsal"),
        (lambda d: d.update(format=1), "format 1 of 'lite', expected 2: the layers have changed"),
        (lambda d: d.pop("format"), "format None"),
        (lambda d: d["files"].pop("poles"), "does not list poles"),
        (lambda d: d["files"]["poles"].pop("sha256"), "damaged"),
        (lambda d: d["files"].update(poles=3), "damaged"),
        (lambda d: d.pop("config"), "damaged"),
        (lambda d: d["config"].update(colour="rgb"), "damaged.*unknown setting .*colour"),
        (lambda d: d.update(provenance=7), "damaged"),
        (lambda d: d["files"]["poles"].update(shares={"part": "attention", "tensors": 1}), "damaged.*poles shares"),
        (lambda d: d["files"]["equator"].update(shares={"part": "poles", "tensors": 1}), "damaged.*equator shares"),
        (lambda d: d["files"]["poles"].update(shares={"part": "equator", "tensors": 0}), "damaged.*poles shares"),
        (lambda d: d["files"]["poles"].update(shares={"part": "equator", "tensors": True}), "damaged.*poles shares"),
        (lambda d: d["files"]["poles"].update(shares="equator"), "damaged"),
    ],
)
def test_damaged_descriptions(folder, change, message):
    edit(folder, change)
    with pytest.raises(WeightsError, match=message):
        read_weight_folder(folder)


def test_a_frame_height_of_the_same_rows_is_read(folder):
    """Earlier versions wrote both; the frame is now what the attention stream sees."""
    edit(folder, lambda d: d["config"].update(frame_height=CONFIG.erp_height))
    assert read_weight_folder(folder).config == CONFIG
    edit(folder, lambda d: d["config"].update(frame_height=2 * CONFIG.erp_height))
    with pytest.raises(WeightsError, match=r"damaged.*unknown setting .*frame_height"):
        read_weight_folder(folder)


def experts_alike(decoder=0.0):
    """Parts whose experts have one encoder."""
    found = {part: tensors | {"encoder": torch.arange(300.0).reshape(3, 100)} for part, tensors in parts().items()}
    found["attention"]["encoder"] = found["attention"]["encoder"] + 1
    found["poles"]["weight"] = found["poles"]["weight"] + decoder
    return found


@pytest.mark.parametrize("half", [False, True])
def test_what_the_experts_have_alike_is_stored_once(tmp_path, half):
    given = experts_alike()
    folder = write_weight_folder(tmp_path / "weights", CONFIG, given, {}, half=half)
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    assert description["files"]["poles"]["shares"] == {"part": "equator", "tensors": 1}
    assert "shares" not in description["files"]["equator"]
    sizes = {part: (folder / f"{part}.safetensors").stat().st_size for part in PARTS}
    assert sizes["poles"] < sizes["equator"] / 2
    bundle = read_weight_folder(folder)
    for part, tensors in given.items():
        loaded = bundle.load(part)
        assert loaded.keys() == tensors.keys()
        assert all(torch.equal(loaded[key], tensors[key]) for key in tensors)
    again = write_weight_folder(tmp_path / "again", CONFIG, {p: bundle.load(p) for p in PARTS}, {}, half=half)
    assert read_weight_folder(again).checksum == bundle.checksum
    other = write_weight_folder(tmp_path / "other", CONFIG, experts_alike(decoder=1.0), {}, half=half)
    assert read_weight_folder(other).checksum != bundle.checksum


def test_experts_that_are_the_same_throughout_are_stored_once(tmp_path):
    given = experts_alike()
    given["poles"] = {key: value.clone() for key, value in given["equator"].items()}
    bundle = read_weight_folder(write_weight_folder(tmp_path / "weights", CONFIG, given, {}))
    assert all(torch.equal(bundle.load("poles")[key], value) for key, value in given["poles"].items())


def test_another_number_of_shared_tensors_is_told(tmp_path):
    """A tensor that the poles' file lacks is not quietly taken from the equator's."""
    folder = write_weight_folder(tmp_path / "weights", CONFIG, experts_alike(), {})
    edit(folder, lambda d: d["files"]["poles"]["shares"].update(tensors=2))
    with pytest.raises(WeightsError, match="poles shares 2 tensors with equator, found 1 that it lacks; fetch"):
        read_weight_folder(folder).load("poles")


@pytest.mark.parametrize("text", ["", "{", "[1]", "\xff"])
def test_descriptions_that_are_not_json_objects(folder, text):
    (folder / "model.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(WeightsError, match=r"model\.json: "):
        read_weight_folder(folder)


def test_folders_without_weights(tmp_path, folder):
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(WeightsError, match=r"model\.json: no such file; expected the name of a model"):
            read_weight_folder(path)
    with pytest.raises(WeightsError, match="no part 'north'; expected attention, poles, equator"):
        read_weight_folder(folder).load("north")


def test_nothing_is_overwritten_unless_asked(folder):
    before = read_weight_folder(folder).checksum
    with pytest.raises(OutputError, match="already exists"):
        write_weight_folder(folder, CONFIG, parts(5), {})
    assert read_weight_folder(folder).checksum == before
    write_weight_folder(folder, CONFIG, parts(5), {}, overwrite=True)
    assert read_weight_folder(folder).checksum != before
    assert [entry.name for entry in folder.parent.iterdir()] == ["weights"]


def test_only_weight_folders_are_overwritten(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    with pytest.raises(OutputError, match="is not just a weight folder"):
        write_weight_folder(tmp_path / "thesis", CONFIG, parts(), {}, overwrite=True)
    assert (tmp_path / "thesis" / "chapter.tex").read_text() == "years of work"
    (tmp_path / "empty").mkdir()
    write_weight_folder(tmp_path / "empty", CONFIG, parts(), {}, overwrite=True)


@pytest.mark.parametrize(
    ("bad_parts", "provenance", "error"),
    [
        ({**parts(), "poles": {"w": torch.zeros(2).to_sparse()}}, {}, WeightsError),
        ({**parts(), "poles": dict.fromkeys("ab", torch.zeros(2))}, {}, WeightsError),
        (parts(), {"when": object()}, OutputError),
        (parts(), {"score": float("nan")}, OutputError),
    ],
)
def test_a_failed_write_leaves_what_was_there(folder, tmp_path, bad_parts, provenance, error):
    before = read_weight_folder(folder).checksum
    for target in (folder, tmp_path / "new"):
        with pytest.raises(error):
            write_weight_folder(target, CONFIG, bad_parts, provenance, overwrite=True)
    assert read_weight_folder(folder).checksum == before
    assert [entry.name for entry in folder.parent.iterdir()] == ["weights"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["some"]


def test_all_parts_are_required(tmp_path):
    with pytest.raises(WeightsError, match="parts attention: expected attention, poles, equator"):
        write_weight_folder(tmp_path / "new", CONFIG, {"attention": {}}, {})


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """A weight folder of three published files whose poles and equator differ in alpha, and those files."""
    root = tmp_path_factory.mktemp("published")
    files = {}
    for part in PARTS:
        state = tiny_state("attention" if part == "attention" else "expert")
        if part == "poles":
            state["alpha"] = torch.tensor([0.5])
        (root / part).mkdir()
        files[part] = save({"state_dict": state, "epoch": 1}, root / part)
    yield import_published(**files, folder=root / "paper", face_size=256), files
    shutil.rmtree(root)  # 360 MB


def test_import_published(imported):
    folder, files = imported
    bundle = read_weight_folder(folder)
    assert bundle.config == ModelConfig(
        architecture="paper",
        erp_height=320,
        face_size=256,
        layout="published",
        channel_order="bgr",
        mean=(103.939, 116.779, 123.68),
        scale=1.0,
    )
    source = {"file": "checkpoint.pth", "bytes": files["poles"].stat().st_size, "sha256": file_sha256(files["poles"])}
    assert bundle.provenance["files"]["poles"] == source
    assert bundle.provenance["alpha"] == {"poles": 0.5, "equator": 0.0}
    assert bundle.provenance["notes"] == []
    assert bundle.load("equator").keys() == tiny_state("expert").keys()


def test_one_expert_for_all_faces_is_noted(imported, tmp_path):
    _, files = imported
    try:
        folder = import_published(files["attention"], files["poles"], files["poles"], tmp_path / "same")
        assert "same weights" in read_weight_folder(folder).provenance["notes"][0]
        assert read_weight_folder(folder).config.face_size == 160
    finally:
        shutil.rmtree(tmp_path / "same", ignore_errors=True)


def test_import_refuses_swapped_files_and_existing_folders(imported, tmp_path):
    folder, files = imported
    with pytest.raises(WeightsError, match="give it as 'attention'"):
        import_published(files["attention"], files["attention"], files["equator"], tmp_path / "new")
    assert not list(tmp_path.iterdir())
    with pytest.raises(OutputError, match="already exists"):
        import_published(**files, folder=folder)
