import pickle
import pickletools

import numpy as np
import pytest

from atsal.untrusted import pickles
from atsal.untrusted.pickles import scan_pickle

TWO = b"\x80\x02"


def nested(depth):
    found = []
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize("protocol", range(6))
def test_plain_data_and_arrays_pass(protocol):
    document = {
        "plain": [1, 2**70, -1.5, "é", b"\xff", b"x" * 300, bytearray(3), None, True, (1, (2,)), {3}, frozenset([4])],
        "many": [(x, x / 2, "name") for x in range(3000)],
        "arrays": [np.arange(6.0), np.array(["a", "b"]), np.float32(1)],
        "deep": nested(40),
    }
    content = pickle.dumps(document, protocol) + b"more"
    assert scan_pickle(content).end == len(content) - 4
    assert scan_pickle(b"before" + content, 6).end == len(content) + 2


def test_each_step_of_the_machine_is_known_but_those_that_plain_data_never_need():
    unknown = {op.name for op in pickletools.opcodes if not _passes(op.code.encode("latin1"))}
    assert unknown == {"EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER"}


def _passes(code):
    try:
        scan_pickle(code)
    except ValueError as error:
        return "is not one that plain data needs" not in str(error)
    return True


def test_names_are_told():
    content = pickle.dumps({1: np.dtype("f8")}, 2)
    assert scan_pickle(content).names == {"numpy.dtype"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TWO + b"}" + b")" + b"\x85" * 100_000 + b"Ns.", "nested deeper than 64"),
        (pickle.dumps(nested(70), 2), "nested deeper than 64"),
        (TWO + b"}(K\1" + b"]a" * 100_000, "ends early|nested deeper"),
        (TWO + b"N" + b"2\x86" * 40 + b".", "shares its parts so often"),
        (TWO + b"]q\0(" + b"h\0" * 5000 + b"e" + b"q\1(" + b"h\1" * 5000 + b"l.", "contains itself|shares"),
        (TWO + b"]q\0h\0a.", "contains itself"),
        (TWO + b"]q\0]q\1h\0ah\0h\1aa.", "contains itself|changes a value"),
        (TWO + b"}N\x85Ns.", "keys that are neither"),
        (TWO + b"\x8f(N\x85\x90.", "keys that are neither"),
        (TWO + b"(N\x85\x91.", "keys that are neither"),
        (TWO + b"}\x8a\x20" + b"\1" * 32 + b"Ns.", "keys that are neither"),
        (TWO + b"Nr\xff\xff\xff\x7f.", "uses number 2147483647"),
        (TWO + b"h\0.", "takes a value that is not there"),
        (TWO + b"X\xff\xff\xff\x7f.", "ends within a value"),
        (TWO + b"\x82\1.", "EXT1 is not one that plain data needs"),
        (TWO + b"a.", "takes a value that is not there"),
        (TWO + b"u.", "takes a value that is not there"),
        (b"I12", "ends within a line"),
        (TWO, "ends early"),
    ],
)
def test_bombs_are_refused(content, message):
    with pytest.raises(ValueError, match=message):
        scan_pickle(content)


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(pickles, "_MAX_MEMORY", 2**20)
    with pytest.raises(ValueError, match="more than fits into memory"):
        scan_pickle(TWO + b"]" * 20_000 + b".")
