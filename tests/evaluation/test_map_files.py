"""Maps as peers write them: every format gives the same values, and what is wrong is named."""

import av
import numpy as np
import pytest
from PIL import Image

from atsal.errors import DataError, InputError
from atsal.evaluation.map_files import find_map_files
from atsal.evaluation.window_maps import WindowMaps
from evaluation.conftest import ROWS
from fakes import mp4

SIZE = (ROWS, 2 * ROWS)
LEVELS = np.random.default_rng(0).integers(1, 256, (10, *SIZE)).astype(np.uint8)


def found(folder, *stems):
    return find_map_files(folder, stems or ("x",))


def values(folder, *stems):
    return list(found(folder, *stems).read())


def write_video(path, frames):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264rgb", rate=10)
        stream.height, stream.width = frames.shape[1:]
        stream.pix_fmt, stream.options = "rgb24", {"qp": "0"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.repeat(frame[..., None], 3, -1), "rgb24")))
        container.mux(stream.encode())


def test_every_format_gives_the_same_values(tmp_path):
    one = LEVELS[0]
    np.save(tmp_path / "a.npy", one)
    np.save(tmp_path / "b.npy", one[None].astype(np.float64))
    Image.fromarray(one).save(tmp_path / "c.png")
    Image.fromarray(one.astype(np.uint16)).save(tmp_path / "d.png")
    Image.fromarray(np.repeat(one[..., None], 3, -1)).save(tmp_path / "e.png")
    one.astype("<f4").tofile(tmp_path / f"f_{2 * ROWS}x{ROWS}_32b.bin")
    one.astype("<f4").tofile(tmp_path / f"HEsalmap_7_{2 * ROWS}x{ROWS}_32b.bin")
    for name in ("a", "b", "c", "d", "e", "f", "P7"):
        (read,) = values(tmp_path, name)
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read, one, err_msg=name)


def test_every_format_of_a_clip_gives_the_same_values(tmp_path):
    np.save(tmp_path / "a.npy", LEVELS)
    LEVELS.astype("<f4").tofile(tmp_path / f"b_{2 * ROWS}x{ROWS}x10_32b.bin")
    write_video(tmp_path / "c.mp4", LEVELS)
    for folder in ("d", "e"):
        (tmp_path / folder).mkdir()
    for number, level in enumerate(LEVELS):
        Image.fromarray(level).save(tmp_path / "d" / f"frame{number + 1}.png")  # 10 comes after 9
        np.save(tmp_path / "e" / f"{number:06d}.npy", level)
    for name in "abcde":
        assert found(tmp_path, name).count() == 10
        np.testing.assert_array_equal(np.stack(values(tmp_path, name)), LEVELS, err_msg=name)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.full(SIZE, np.nan), "NaN or infinite.*row 0, column 0"),
        (np.full(SIZE, -1.0), "below 0.*exponential"),
        (np.array(["a"]), "expected numbers"),
        (np.ones(5), r"expected numbers, \(H, W\)"),
    ],
)
def test_wrong_values_are_named(tmp_path, wrong, message):
    np.save(tmp_path / "x.npy", wrong)
    with pytest.raises(DataError, match=message) as told:
        values(tmp_path)
    assert "x.npy" in str(told.value)


def test_a_pickle_is_not_loaded(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(DataError, match="cannot be read"):
        values(tmp_path)


def test_colours_are_no_values(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (*SIZE, 3)).astype(np.uint8)).save(tmp_path / "x.png")
    with pytest.raises(DataError, match="coloured"):
        values(tmp_path)


def test_missing_and_ambiguous_maps_are_named(tmp_path):
    with pytest.raises(DataError, match=r"no maps of x.*x and stimulus"):
        found(tmp_path, "x", "stimulus")
    np.save(tmp_path / "x.npy", LEVELS[0])
    Image.fromarray(LEVELS[0]).save(tmp_path / "stimulus.png")
    with pytest.raises(DataError, match="could all be"):
        found(tmp_path, "x", "stimulus")
    with pytest.raises(DataError, match="is no folder"):
        found(tmp_path / "nowhere", "x")


@pytest.mark.parametrize("maps", ["x.npy", f"x_{2 * ROWS}x{ROWS}_32b.bin", "x.png"])
def test_a_picture_of_another_ending_may_lie_beside_the_maps(tmp_path, maps):
    if maps == "x.npy":
        np.save(tmp_path / maps, LEVELS[0])
    elif maps == "x.png":
        Image.fromarray(LEVELS[0]).save(tmp_path / maps)
    else:
        LEVELS[0].astype("<f4").tofile(tmp_path / maps)
    Image.fromarray(LEVELS[1]).save(tmp_path / "x.webp")
    assert found(tmp_path).files == (tmp_path / maps,)
    (tmp_path / "y").mkdir()
    for path in (tmp_path / maps, tmp_path / "x.webp"):
        path.rename(tmp_path / "y" / path.name)
    assert [path.name for path in found(tmp_path, "y").files] == [maps]
    (tmp_path / "y" / maps).unlink()
    assert found(tmp_path, "y").format == "picture"


def test_pictures_that_were_always_maps_stay_ambiguous(tmp_path):
    np.save(tmp_path / "x.npy", LEVELS[0])
    Image.fromarray(LEVELS[0]).save(tmp_path / "x.jpg")
    with pytest.raises(DataError, match="could all be"):
        found(tmp_path)


def windows(truth, folder, item="video_2"):
    maps = WindowMaps(truth, item, find_map_files(folder, (item,)))
    return dict(maps), maps.notes


def test_a_window_is_the_mean_of_its_frames_densities(truth, tmp_path):
    stack = np.ones((10, *SIZE))
    stack[:, :, :ROWS] = 3
    stack[1] = 1000 * np.flip(stack[1], -1)  # as bright a map says no more than a dim one
    np.save(tmp_path / "video_2.npy", stack)
    made, notes = windows(truth, tmp_path)
    assert list(made) == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(made[0], 1, rtol=1e-6)
    np.testing.assert_allclose(made[1][:, 0] / made[1][:, -1], 3)
    assert notes == ()


def test_one_map_a_window_one_for_all_or_some_frames(truth, tmp_path):
    stack = np.random.default_rng(0).random((5, *SIZE))
    np.save(tmp_path / "video_2.npy", stack)
    made, _ = windows(truth, tmp_path)
    for number, density in made.items():
        np.testing.assert_allclose(np.corrcoef(density.ravel(), stack[number].ravel())[0, 1], 1)
    np.save(tmp_path / "video_2.npy", stack[0])
    made, notes = windows(truth, tmp_path)
    assert len(made) == 5
    assert notes == ("one map serves all windows",)
    (tmp_path / "video_2.npy").unlink()
    (tmp_path / "video_2").mkdir()
    for number in range(0, 10, 2):
        np.save(tmp_path / "video_2" / f"{number:06d}.npy", stack[number // 2])
    made, _ = windows(truth, tmp_path)
    np.testing.assert_allclose(np.corrcoef(made[3].ravel(), stack[3].ravel())[0, 1], 1)


@pytest.mark.parametrize("count", [2, 9, 11])
def test_another_number_of_maps_is_refused(truth, tmp_path, count):
    np.save(tmp_path / "video_2.npy", np.ones((count, *SIZE)))
    with pytest.raises(DataError, match=rf"{count} maps; expected 10 .*5 "):
        windows(truth, tmp_path)


def test_frames_that_leave_a_window_out_are_refused(truth, tmp_path):
    (tmp_path / "video_2").mkdir()
    for number in (0, 2, 4, 6):
        np.save(tmp_path / "video_2" / f"{number:06d}.npy", np.ones(SIZE))
    with pytest.raises(DataError, match="4 maps"):
        windows(truth, tmp_path)


def test_other_sizes_are_scaled_and_said(truth, tmp_path):
    columns = np.sin(np.linspace(0, 2 * np.pi, 4 * ROWS, endpoint=False)) + 2
    np.save(tmp_path / "image_1.npy", np.tile(columns, (2 * ROWS, 1)))
    made, notes = windows(truth, tmp_path, "image_1")
    assert made[0].shape == SIZE
    assert notes == (f"scaled from {4 * ROWS}x{2 * ROWS} to {2 * ROWS}x{ROWS}",)
    np.testing.assert_allclose(made[0][0], columns.reshape(-1, 2).mean(1) / 2, rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "message"), [((2 * ROWS, ROWS), "lie on their side"), ((ROWS, ROWS), "twice as wide as high")]
)
def test_maps_of_another_shape_are_refused(truth, tmp_path, shape, message):
    np.save(tmp_path / "image_1.npy", np.ones(shape))
    with pytest.raises(DataError, match=message):
        windows(truth, tmp_path, "image_1")


@pytest.mark.parametrize("kind", [np.uint8, np.float32, bool])
def test_exact_zeros_are_warned_of(truth, tmp_path, kind):
    level = LEVELS[0].astype(kind)
    np.save(tmp_path / "image_1.npy", level)
    assert windows(truth, tmp_path, "image_1")[1] == ()
    level[0, 0] = 0
    np.save(tmp_path / "image_1.npy", level)
    assert any(
        "exact zeros, as in maps cut to 8 bits: each costs" in note for note in windows(truth, tmp_path, "image_1")[1]
    )


@pytest.mark.parametrize("factor", [1e-50, 1e50])
def test_densities_of_any_scale_are_read(truth, tmp_path, factor):
    np.save(tmp_path / "image_1.npy", LEVELS[0] * factor)
    made, notes = windows(truth, tmp_path, "image_1")
    np.testing.assert_allclose(np.corrcoef(made[0].ravel(), LEVELS[0].ravel())[0, 1], 1)
    assert notes == ()


def test_numbers_are_frames_and_never_windows(truth, tmp_path):
    """A prediction that was stopped half way has as many frames as there are windows."""
    (tmp_path / "video_2").mkdir()
    for number in range(5):
        np.save(tmp_path / "video_2" / f"{number:06d}.npy", np.ones(SIZE))
    with pytest.raises(DataError, match="numbers as names are frames"):
        windows(truth, tmp_path)
    for number in range(5):
        file = tmp_path / "video_2" / f"{number:06d}.npy"
        file.rename(file.with_name(f"window_{number}.npy"))
    assert list(windows(truth, tmp_path)[0]) == [0, 1, 2, 3, 4]


def test_a_video_of_maps_cut_short_is_refused(truth, tmp_path, monkeypatch):
    write_video(tmp_path / "video_2.mp4", LEVELS)
    whole = find_map_files(tmp_path, ("video_2",))
    assert len(windows(truth, tmp_path)[0]) == 5
    monkeypatch.setattr(type(whole), "read", lambda _self: iter(LEVELS[:7].astype(np.float32)))
    with pytest.raises(DataError, match="7 maps could be read of the 10"):
        windows(truth, tmp_path)


def test_a_turned_video_of_maps_is_turned_and_two_views_are_refused(tmp_path):
    write_video(tmp_path / "a.mp4", LEVELS)
    mp4.set_matrix(tmp_path / "a.mp4", -1, 0, 0, -1)
    assert found(tmp_path, "a").count() == 10
    np.testing.assert_array_equal(values(tmp_path, "a")[3], LEVELS[3][::-1, ::-1])
    write_video(tmp_path / "b.mp4", np.repeat(LEVELS, 2, axis=1))
    with pytest.raises(DataError, match=r"two views, top-bottom by its shape"):
        values(tmp_path, "b")


def test_a_map_in_the_transparency_is_refused(tmp_path):
    Image.fromarray(np.dstack([np.zeros((*SIZE, 3), np.uint8), LEVELS[0]])).save(tmp_path / "x.png")
    with pytest.raises(DataError, match="transparent"):
        values(tmp_path)


@pytest.mark.parametrize(("ending", "orientation"), [("png", 3), ("jpg", 8), ("tif", 6)])
def test_pictures_of_maps_are_turned_as_exif_says(tmp_path, ending, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    shown = np.zeros((32, 64), np.uint8)
    shown[:16, :32] = 200
    stored = np.rot90(shown, {3: 2, 6: 1, 8: -1}[orientation])
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / f"a.{ending}", exif=exif)
    (found,) = find_map_files(tmp_path, ("a",)).read()
    np.testing.assert_allclose(found, shown, atol=8)


def test_pictures_of_maps_that_cannot_be_read_are_named(tmp_path):
    Image.fromarray(np.zeros((32, 64), np.uint8)).save(
        tmp_path / "a.tif", save_all=True, append_images=[Image.new("L", (64, 32))]
    )
    (tmp_path / "b.png").write_bytes(b"none")
    for name, message in (("a", r"a\.tif: holds several pictures"), ("b", r"b\.png: cannot be read as an image")):
        with pytest.raises(InputError, match=message):
            list(find_map_files(tmp_path, (name,)).read())
