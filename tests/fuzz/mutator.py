"""Damage a file as disks, transfers, editors and attackers do; the same seed gives the same damage."""

import random

_TOKENS = [
    *(b"NaN", b"-Infinity", b"1e999", b"-1", b"1.5", b"0", b"true", b"null", b"[]", b"{}", b'""', b"9" * 400),
    *(b"[" * 3000, b'{"a":' * 3000, b"&a [*a, *a]", b"<<: *a", b"!!python/object:os.system", b"'", b'"', b"\0"),
    *(
        b"../../../etc/passwd",
        b"/etc/passwd",
        b"\x1b[31m",
        b"[/x]",
        b"=cmd|' /C calc'!A0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
    ),
    *(b"\\ud800", b"\\u0000", b"2147483648", b"9223372036854775808", b"-9223372036854775809", b",,,,", b"\n\n", b"\r"),
    *(b"PK\3\4", b"\x1f\x8b\x08", b"\x93NUMPY\1\0", b"2\x86" * 40, b")" + b"\x85" * 3000, b"r\xff\xff\xff\x7f"),
    *(b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\xff\xff\xff\xff\xff\xff\xff\x7f", b"(99999999999, 99999999999)"),
]


def mutated(content: bytes, seed: int) -> bytes:
    """The content with one to four kinds of damage."""
    rng = random.Random(seed)
    found = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        rng.choice(_KINDS)(found, rng)
    return bytes(found)


def _span(found: bytearray, rng: random.Random) -> slice:
    start = rng.randrange(len(found) + 1)
    return slice(start, min(len(found), start + rng.choice((1, 2, 4, 8, 64, 1000))))


def _flip_bits(found: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 4, 32)) if found else 0):
        found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)


def _cut(found: bytearray, rng: random.Random) -> None:
    del found[rng.randrange(len(found) + 1) :]


def _delete(found: bytearray, rng: random.Random) -> None:
    del found[_span(found, rng)]


def _repeat(found: bytearray, rng: random.Random) -> None:
    span = _span(found, rng)
    found[span.start : span.start] = found[span] * rng.choice((1, 1, 3, 100))


def _splice(found: bytearray, rng: random.Random) -> None:
    span = _span(found, rng)
    found[span.start : rng.choice((span.start, span.stop))] = rng.choice(_TOKENS)


def _overwrite(found: bytearray, rng: random.Random) -> None:
    span = _span(found, rng)
    found[span] = bytes([rng.choice((0, 255, 32, rng.randrange(256)))]) * (span.stop - span.start)


def _change_number(found: bytearray, rng: random.Random) -> None:
    """A run of digits becomes something that is no count."""
    places = [place for place, byte in enumerate(found) if 48 <= byte <= 57]
    if places:
        start = stop = rng.choice(places)
        while stop < len(found) and 48 <= found[stop] <= 57:
            stop += 1
        found[start:stop] = rng.choice(_TOKENS)


_KINDS = (_flip_bits, _cut, _delete, _repeat, _splice, _splice, _overwrite, _change_number, _change_number)
