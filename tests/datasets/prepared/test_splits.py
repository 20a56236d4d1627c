import random

import pytest

from atsal.datasets.prepared.splits import make_split
from atsal.errors import ConfigError

ITEMS = tuple(f"item_{number}" for number in range(1, 21))


def test_shares_are_drawn_by_seed_and_names_alone():
    first = make_split(["train=0.7,val=0.1,test=20%"], ITEMS, seed=3)
    assert [len(items) for items in first.parts.values()] == [14, 2, 4]
    assert sorted(sum(first.parts.values(), ())) == sorted(ITEMS)
    shuffled = random.Random(0).sample(ITEMS, len(ITEMS))
    assert make_split(["train=0.7", "val=0.1", "test=0.2"], shuffled, seed=3).parts == first.parts
    assert make_split(["train=0.7,val=0.1,test=20%"], ITEMS, seed=4).parts != first.parts
    assert str(first) == "split own: train 14 items, val 2 items, test 4 items; drawn with seed 3"


def test_a_draw_is_the_same_for_ever():
    assert make_split(["test=0.15"], ITEMS).parts == {"test": ("item_1", "item_5", "item_10")}


def test_names_files_and_the_rest(tmp_path):
    (tmp_path / "val.txt").write_text("# two\nitem_2.mp4\n\nitem_10\n")
    split = make_split(["test=item_7,item_1.png", f"val={tmp_path / 'val.txt'}", "train=rest"], ITEMS)
    assert split.parts["test"] == ("item_1", "item_7")
    assert split.parts["val"] == ("item_2", "item_10")
    assert len(split.parts["train"]) == 16
    assert split.seed is None
    drawn = make_split(["test=item_7", "val=0.5", "train=rest"], ITEMS[:9])
    assert [len(drawn.parts[part]) for part in ("test", "val", "train")] == [1, 4, 4]


def test_an_item_is_no_file_of_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("item_1", "item_1.mp4"):
        (tmp_path / name).write_text("item_2\n")
        assert make_split([f"train={name}"], ITEMS).parts == {"train": ("item_1",)}


def test_one_file_with_all_parts(tmp_path):
    path = tmp_path / "parts.yaml"
    path.write_text("train: [item_1, item_2]\ntest: [item_3]\n")
    assert make_split([str(path)], ITEMS).parts == {"train": ("item_1", "item_2"), "test": ("item_3",)}
    path.write_text("train: item_1\n")
    with pytest.raises(ConfigError, match="expected a list of items for each part"):
        make_split([str(path)], ITEMS)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["train"], "found 'train'; expected PART=WHAT"),
        (["train=,b"], "expected PART=WHAT"),
        (["train=0.5", "train=0.5"], "part train is given twice"),
        (["train=item_99"], "part train: no item 'item_99'"),
        (["train=item_1", "test=item_1"], "item_1 in train and in test"),
        (["train=0.8,test=0.3"], "add up to 1.1"),
        (["train=1.5"], "a share of 1.5"),
        (["train=0.01"], "no item is left for part train"),
        (["a=rest", "b=rest"], "a and b are both the rest"),
        (["train=nowhere.txt"], "nowhere.txt: cannot be read"),
        (["2"], "expected PART=WHAT"),
        (["train=3"], "part train: no item '3'"),
        (["train=item_1.v2"], "part train: no item 'item_1.v2'"),
    ],
)
def test_splits_that_cannot_be(texts, message):
    with pytest.raises(ConfigError, match=message):
        make_split(texts, ITEMS)
