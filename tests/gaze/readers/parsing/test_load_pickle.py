import collections
import os
import pickle
import struct

import numpy as np
import pytest

from atsal.errors import DataError
from atsal.gaze.readers.parsing.load_pickle import DataFrame, load_pickle
from fakes.sitzmann import Global, Made, frame, python2_pickle


def written(tmp_path, content):
    path = tmp_path / "data.pck"
    path.write_bytes(content)
    return path


class Reduced:
    def __init__(self, *made):
        self.made = made

    def __reduce__(self):
        return self.made


@pytest.mark.parametrize("protocol", range(5))
def test_plain_data_comes_back_as_it_was(tmp_path, protocol):
    mixed = np.empty(2, object)
    mixed[:] = [{"x": np.arange(3)}, [1, 2]]
    plain = [1, 2**70, -1.5, "é", b"\xff", b"", None, True, (1, (2,)), {3}, frozenset([4])]
    arrays = {
        "doubles": np.arange(6.0).reshape(2, 3),
        "columns": np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
        "big": np.array([1, 256], ">i4"),
        "text": np.array(["ab", "c"]),
        "empty": np.zeros((0, 2)),
        "flags": np.array([True, False]),
    }
    document = {"plain": plain, "mixed": mixed, "scalar": np.float32(2.5), **arrays}
    document["ordered"] = collections.OrderedDict(b=1, a=2)
    document["default"] = collections.defaultdict(list, {"q": [1]})
    found = load_pickle(written(tmp_path, pickle.dumps(document, protocol)))
    assert found["plain"] == plain
    assert found["scalar"] == np.float32(2.5)
    assert found["scalar"].dtype == np.float32
    assert found["mixed"][0]["x"].tolist() == [0, 1, 2]
    assert found["mixed"][1] == [1, 2]
    for name, array in arrays.items():
        assert found[name].tolist() == array.tolist(), name
        assert found[name].shape == array.shape
    assert (list(found["ordered"].items()), found["default"]) == ([("b", 1), ("a", 2)], {"q": [1]})


def test_python_2_text_and_arrays(tmp_path):
    path = written(tmp_path, python2_pickle({"a\xe9": np.array([[0.5, 1.5]]), "n": 7, "long": "x" * 300}))
    found = load_pickle(path)
    assert found["aé"].tolist() == [[0.5, 1.5]]
    assert (found["n"], found["long"]) == (7, "x" * 300)
    assert load_pickle(path, encoding="bytes")[b"a\xe9"].tolist() == [[0.5, 1.5]]


def test_pandas_frame_without_pandas(tmp_path):
    found = load_pickle(written(tmp_path, python2_pickle(frame([2, 0], [{"t": np.zeros(2)}, {"t": np.ones(3)}]))))
    assert isinstance(found, DataFrame)
    assert found.columns["viewpoint_idx"].tolist() == [2, 0]
    assert [run["t"].tolist() for run in found.columns["data"]] == [[0, 0], [1, 1, 1]]


@pytest.mark.parametrize(
    ("hostile", "name"),
    [
        (Reduced(os.system, ("touch {marker}",)), "system"),
        (Reduced(eval, ("open('{marker}', 'w')",)), "eval"),
        (Reduced(exec, ("open('{marker}', 'w')",)), "exec"),
        (Reduced(getattr, ("", "join")), "getattr"),
        (Reduced(np.load, ("{marker}",)), "load"),
        (Reduced(np.memmap, ("{marker}", "u1", "w+", 0, 8)), "memmap"),
        (Reduced(pickle.loads, (b"N.",)), "loads"),
        (Reduced(open, ("{marker}", "w")), "open"),
        (Reduced(range, (10**12,)), "range"),
        (Reduced(bytearray, (10**12,)), "bytearray"),
        (os.path, "path"),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_functions_are_refused_by_name_and_not_run(tmp_path, hostile, name, nested):
    marker = tmp_path / "ran"
    if isinstance(hostile, Reduced):
        function, arguments = hostile.made
        hostile = Reduced(function, tuple(a.format(marker=marker) if isinstance(a, str) else a for a in arguments))
        content = pickle.dumps(np.array([{"x": [hostile]}], object) if nested else hostile, 2)
    else:
        content = b"\x80\x02cos\npath\n."
    path = written(tmp_path, content)
    with pytest.raises(DataError, match=rf"data.pck: refused.*{name}"):
        load_pickle(path)
    assert not marker.exists()


def array_of(code, shape, content, state=(3, "<", None, None, None, -1, -1, 0)):
    dtype = Made(Global("numpy dtype"), (code, 0, 1), state)
    make = Global("numpy.core.multiarray _reconstruct")
    return Made(make, (Global("numpy ndarray"), (0,), "b"), (1, shape, dtype, False, content))


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(array_of("f8", (2**30, 2**10), "x" * 8), id="huge array"),
        pytest.param(array_of("O8", (2**30,), [1]), id="huge array of objects"),
        pytest.param(array_of("O8", (1,), "x" * 8), id="addresses for objects"),
        pytest.param(array_of("O8", (1,), "x" * 8, (3, "|", None, None, None, 8, 8, 0)), id="forged flags"),
        pytest.param(array_of("V8", (1,), "x" * 8), id="records"),
        pytest.param(array_of("f8", (1,), "x" * 8, (3, "<", None, ("a",), {"a": 1}, 8, 8, 0)), id="fields"),
        pytest.param(array_of("f8", (-1,), ""), id="negative size"),
        pytest.param(array_of("f8", (1,), "x" * 7), id="too few bytes"),
        pytest.param(array_of("S0", (2**30, 2**30), ""), id="no bytes at all"),
        pytest.param(Made(Global("numpy ndarray"), ((2**30, 2**30),)), id="array called"),
        pytest.param(Made(Global("_codecs encode"), ("x", "zlib")), id="another codec"),
        pytest.param(Made(Global("__builtin__ bytes"), (2**30,)), id="zeros"),
        pytest.param(Made(Global("numpy ndarray"), state=(None, {"__setstate__": 1}), new=True), id="array as class"),
        pytest.param(Made(Global("pandas.core.frame DataFrame"), state={"_data": 1}, new=True), id="frame of nothing"),
    ],
)
def test_forged_objects_are_refused(tmp_path, made):
    with pytest.raises(DataError, match=r"data\.pck"):
        load_pickle(written(tmp_path, python2_pickle(made)))


def test_a_pickle_cannot_change_what_the_next_one_gets(tmp_path):
    for name in ("pandas.core.frame DataFrame", "numpy dtype"):
        change = (
            python2_pickle(Global(name))[:-1] + python2_pickle((None, {"__setstate__": 1, "_call": 1}))[2:-1] + b"b."
        )
        with pytest.raises(DataError):
            load_pickle(written(tmp_path, change))
    assert load_pickle(written(tmp_path, python2_pickle(np.ones(2)))).tolist() == [1, 1]


def test_other_pandas_versions_are_named(tmp_path):
    made = Made(Global("pandas._libs.internals _unpickle_block"), (1,))
    with pytest.raises(DataError, match=r"_unpickle_block.*another version of pandas"):
        load_pickle(written(tmp_path, python2_pickle(made)))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"viewer,x,y\n1,2,3\n",
        b"\x80\x02]q",
        b"\x80\x63.",
        b"\x80\x02(U",
        b"\x80\x02\x8b" + struct.pack("<i", 2**30) + b"1.",
        b"\x80\x02" + b"(" * 100 + b".",
        b"\x80\x02Pabc\n.",
        pickle.dumps({"a": np.arange(100)}, 2)[:-20],
    ],
)
def test_damaged_files_are_named(tmp_path, content):
    with pytest.raises(DataError, match=r"data\.pck: not a pickle of plain data, or damaged"):
        load_pickle(written(tmp_path, content))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x80\x02})" + b"\x85" * 200_000 + b"Ns.", id="a key that is hashed into the depth"),
        pytest.param(b"\x80\x02]N" + b"2\x86" * 40 + b"a.", id="a message that would print 2 ** 40 values"),
        pytest.param(b"\x80\x02Nr\xff\xff\xff\x7f.", id="a memo of 16 GiB"),
        pytest.param(b"\x80\x02c__builtin__\nset\n](N\x85e\x85R.", id="a set of tuples"),
        pytest.param(b"\x80\x02ccollections\nOrderedDict\n]]((NeNee\x85R.", id="keys of a dict that are none"),
    ],
)
def test_bombs_are_refused(tmp_path, content):
    path = written(tmp_path, content)
    if content.startswith(b"\x80\x02c__builtin__"):
        assert load_pickle(path) == {(None,)}  # shallow: nothing is wrong with it
        return
    with pytest.raises(DataError, match=r"data\.pck: not a pickle of plain data") as raised:
        load_pickle(path)
    assert len(str(raised.value)) < 400


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"none\.pck: cannot be read"):
        load_pickle(tmp_path / "none.pck")
