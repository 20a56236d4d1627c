import struct
import zipfile

import pytest

from atsal.errors import DataError
from atsal.untrusted.archives import Archive, open_archive
from atsal.untrusted.files import ErrorFactory


@pytest.fixture
def path(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("plain.txt", b"x" * 100)
        archive.writestr("packed.txt", b"y" * 100_000, zipfile.ZIP_DEFLATED)
        archive.writestr("odd.txt", b"z" * 100, zipfile.ZIP_LZMA)
    return tmp_path / "a.zip"


def opened(path):
    return open_archive(path, ErrorFactory(DataError, path, "copy it again"))


def changed(path, old, new):
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


def test_members_are_read_within_their_limit(path):
    with opened(path) as archive:
        assert archive.names == ("plain.txt", "packed.txt", "odd.txt")
        assert archive.read("packed.txt") == b"y" * 100_000
        with pytest.raises(DataError, match=r"a\.zip: its member 'packed\.txt' .*100000 bytes; expected 5 at most"):
            archive.read("packed.txt", 5)
        with pytest.raises(DataError, match="compression method"):
            archive.read("odd.txt")
        with pytest.raises(DataError, match=r"'none\\x1b' cannot be read \(no such member\)"):
            archive.read("none\x1b")
        with pytest.raises(DataError, match="is compressed or encrypted"):
            archive.check_stored()


def test_a_member_never_gives_more_than_it_says(path):
    changed(path, struct.pack("<I", 100_000), struct.pack("<I", 10))
    with opened(path) as archive, pytest.raises(DataError, match=r"packed\.txt"):
        archive.read("packed.txt", 20)


def test_damaged_and_encrypted_members(path):
    changed(path, b"x" * 100, b"x" * 99 + b"!")
    with opened(path) as archive, pytest.raises(DataError, match="Bad CRC-32"):
        archive.read("plain.txt")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    with opened(path) as archive, pytest.raises(DataError, match="is encrypted"):
        archive.read("plain.txt")


def test_files_that_are_no_archive(tmp_path, path):
    for content in (b"", b"PK\3\4", path.read_bytes()[:200]):
        (tmp_path / "b.zip").write_bytes(content)
        with pytest.raises(DataError, match=r"b\.zip: not a zip archive, or a damaged one.*copy it again"):
            Archive(tmp_path / "b.zip", ErrorFactory(DataError, tmp_path / "b.zip", "copy it again"))


def test_a_directory_of_millions_is_not_read(path):
    content = bytearray(path.read_bytes())
    end = content.rindex(b"PK\5\6")
    content[end + 12 : end + 16] = struct.pack("<I", 1 << 30)
    path.write_bytes(content)
    with pytest.raises(DataError, match="too many members"), opened(path):
        pass


def test_members_that_share_their_bytes_are_no_stored_ones(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a", b"x" * 1000)
        twin = zipfile.ZipInfo("b")
        first = archive.infolist()[0]
        for name in ("filename", "orig_filename", "CRC", "compress_size", "file_size", "header_offset"):
            setattr(twin, name, getattr(first, name))
        twin.filename = "b"
        archive.filelist.append(twin)
    with opened(tmp_path / "a.zip") as archive, pytest.raises(DataError, match="2000 bytes together"):
        archive.check_stored()


def test_an_archive_that_says_its_size_in_64_bits_is_read(tmp_path):
    """As programs write it that do so whatever the size is."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"content")
    content = path.read_bytes()
    at = content.rfind(b"PK\5\6")
    count, size, offset = struct.unpack_from("<HII", content, at + 10)
    end_64 = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, at, 1)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    path.write_bytes(content[:at] + end_64 + locator + end)
    with open_archive(path, ErrorFactory(DataError, path, "copy it again")) as archive:
        assert archive.read("a") == b"content"
