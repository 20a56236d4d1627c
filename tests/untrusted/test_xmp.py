import pytest

from atsal.untrusted.xmp import xmp_values

PACKET = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><R:RDF xmlns:R="r"><R:D xmlns:G="g" G:One=" 1 "><G:Two>2</G:Two>
</R:D></R:RDF></x:xmpmeta>"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_attributes_and_elements(encoding):
    padding = b"\0" * 4 if encoding == "utf-8" else b""
    found = xmp_values(PACKET.encode(encoding) + padding)
    assert (found["G:One"], found["G:Two"]) == ("1", "2")


def test_values_are_bounded():
    assert len(xmp_values(b"<a b='" + b"x" * 90000 + b"'>" + b"y" * 90000 + b"</a>")["b"]) == 200


@pytest.mark.parametrize(
    ("packet", "message"),
    [
        (b"<a><b></a>", "damaged"),
        (b"", "damaged"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "document type"),
        (b"<a>" + b"x" * (1 << 20) + b"</a>", "more than"),
    ],
)
def test_what_is_damaged_or_could_grow_is_refused(packet, message):
    with pytest.raises(ValueError, match=message):
        xmp_values(packet)


def test_depth_is_no_recursion():
    assert "a" in xmp_values(b"<a>" * 100000 + b"</a>" * 100000)
