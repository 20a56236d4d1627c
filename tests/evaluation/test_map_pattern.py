import numpy as np
import pytest
from PIL import Image

from atsal.errors import ConfigError, DataError
from atsal.evaluation.map_pattern import check_pattern, find_by_pattern

LEVELS = np.random.default_rng(0).integers(1, 256, (12, 8, 16)).astype(np.uint8)


def write(path, level):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(level).save(path)


def read(folder, pattern, *stems):
    return list(find_by_pattern(folder, pattern, stems or ("x",)).read())


def test_one_map_an_item(tmp_path):
    write(tmp_path / "x_saliency.png", LEVELS[0])
    write(tmp_path / "a" / "sal_y.png", LEVELS[1])
    np.save(tmp_path / "z.npy", LEVELS[2])
    np.testing.assert_array_equal(read(tmp_path, "{item}_saliency.png")[0], LEVELS[0])
    np.testing.assert_array_equal(read(tmp_path, "{item}_saliency.png", "item_x", "x")[0], LEVELS[0])
    np.testing.assert_array_equal(read(tmp_path, "a/sal_{item}.png", "y")[0], LEVELS[1])
    np.testing.assert_array_equal(read(tmp_path, "{item}.npy", "z")[0], LEVELS[2])


def test_one_file_a_frame_in_the_order_of_numbers(tmp_path):
    for number, level in enumerate(LEVELS):
        write(tmp_path / f"x_{number}.png", level)
        write(tmp_path / f"x2_{number}.png", 255 - level)
    write(tmp_path / "x_last.png", LEVELS[0])
    found = find_by_pattern(tmp_path, "{item}_{frame}.png", ("x",))
    assert found.numbers == tuple(range(12))
    np.testing.assert_array_equal(np.stack(list(found.read())), LEVELS)
    write(tmp_path / "y" / "frames" / "f3.png", LEVELS[3])
    assert find_by_pattern(tmp_path, "{item}/frames/f{frame}.png", ("y",)).numbers == (3,)


def test_a_folder_of_an_item(tmp_path):
    for number, level in enumerate(LEVELS[:3]):
        write(tmp_path / "x-maps" / f"{number}.png", level)
    assert len(read(tmp_path, "{item}-maps")) == 3


def test_no_maps_or_two(tmp_path):
    write(tmp_path / "a_map.png", LEVELS[0])
    with pytest.raises(DataError, match=r"no maps of x; looked for x_sal\.png, found a_map\.png"):
        read(tmp_path, "{item}_sal.png")
    write(tmp_path / "b_map.png", LEVELS[0])
    with pytest.raises(DataError, match="could all be the maps of a; leave one"):
        read(tmp_path, "{item}_map.png", "a", "b")
    (tmp_path / "x_map.txt").write_text("1")
    with pytest.raises(DataError, match=r"x_map\.txt: expected maps as"):
        read(tmp_path, "{item}_map.txt")


@pytest.mark.parametrize(
    "pattern", ["map.png", "{name}.png", "../{item}.png", "/maps/{item}.png", "{frame}/{item}.png", ""]
)
def test_patterns_that_cannot_be(pattern):
    with pytest.raises(ConfigError, match="expected a path below the folder of maps"):
        check_pattern(pattern)
