"""One way to write a zip file, which everybody can open, and nothing else is read."""

import io
import shutil
import struct
import subprocess
import zipfile
import zlib

import pytest

from void_audit.canon import zip as zips
from void_audit.canon.zip import MAX_NAME, ZipWriter, read_zip
from void_audit.errors import BundleError, InputError

FILES = {"README.txt": b"read me\n", "a/b.bin": bytes(range(256)), "a/c": b"", "z.json": b"{}"}


def written(files):
    stream = io.BytesIO()
    writer = ZipWriter(stream)
    for name, data in files.items():
        writer.add(name, len(data), [data[:3], data[3:]])
    writer.close()
    return stream.getvalue()


def read(data, **limits):
    return {m.name: b"".join(chunks) for m, chunks in read_zip(io.BytesIO(data), **limits)}


def refused(data, code):
    with pytest.raises(BundleError) as caught:
        read(data)
    assert caught.value.code == code
    assert caught.value.hint


def test_what_is_written_is_read_and_is_the_same_each_time():
    assert read(written(FILES)) == FILES
    assert written(FILES) == written(FILES)
    assert read(written({})) == {}


def test_pythons_own_module_opens_it():
    with zipfile.ZipFile(io.BytesIO(written(FILES))) as opened:
        assert opened.testzip() is None
        assert {n: opened.read(n) for n in opened.namelist()} == FILES
        for info in opened.infolist():
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert info.external_attr >> 16 == 0o100644
            assert (info.compress_type, info.extra, info.comment) == (zipfile.ZIP_STORED, b"", b"")


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
def test_unzip_opens_it(tmp_path):
    (tmp_path / "x.zip").write_bytes(written(FILES))
    subprocess.run(["unzip", "-q", "x.zip", "-d", "out"], cwd=tmp_path, check=True)
    assert {name: (tmp_path / "out" / name).read_bytes() for name in FILES} == FILES


def test_every_byte_counts():
    """No byte of the container can be another one."""
    whole = written(FILES)
    for place in range(len(whole)):
        for mask in (1, 0x80, 0xFF):
            bent = bytearray(whole)
            bent[place] ^= mask
            try:
                found = read(bytes(bent))
            except BundleError:
                continue
            pytest.fail(f"byte {place} xor {mask:#x} is read as {found}")


def test_nothing_may_be_cut_off_or_follow():
    whole = written(FILES)
    for end in range(len(whole)):
        with pytest.raises(BundleError):
            read(whole[:end])
    refused(whole + b"\0", "zip-malformed")
    refused(whole + whole, "zip-malformed")
    refused(b"\0" + whole, "zip-malformed")


def test_a_consumer_that_reads_nothing_is_told_all_the_same():
    whole = bytearray(written(FILES))
    whole[whole.index(b"read me")] ^= 1
    with pytest.raises(BundleError, match="checksum"):
        list(read_zip(io.BytesIO(bytes(whole))))


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".hidden", "a/.b", "a\\b", "C:x", "ä", "a b", "a\nb",
     "x" * (MAX_NAME + 1)],
)  # fmt: skip
def test_names_that_could_lead_elsewhere_are_neither_written_nor_read(name):
    with pytest.raises(InputError, match="may not name"):
        ZipWriter(io.BytesIO()).add(name, 0, [])
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as other:
        other.writestr(zipfile.ZipInfo(name), b"")
    with pytest.raises(BundleError):
        read(raw.getvalue())


@pytest.mark.parametrize(
    "names", [("b", "a"), ("a", "a"), ("a", "a-x", "a/b"), ("A", "a"), ("A/x", "a"), ("a/b", "a/b/c/d")]
)
def test_members_out_of_order_twice_or_both_file_and_folder(names):
    *before, last = names
    writer = ZipWriter(stream := io.BytesIO())
    for name in before:
        writer.add(name, 0, [])
    with pytest.raises(InputError, match="comes after"):
        writer.add(last, 0, [])
    with pytest.MonkeyPatch.context() as patch:  # a writer that does not care
        patch.setattr(zips._Places, "problem", lambda *given: None)
        writer.add(last, 0, [])
        writer.close()
    refused(stream.getvalue(), "zip-order")


def test_content_of_another_size_is_not_written():
    for data in (b"12", b"1234"):
        with pytest.raises(InputError, match="bytes, not 3"):
            ZipWriter(io.BytesIO()).add("a", 3, [data])


def test_a_compressed_file_of_somebody_else_is_refused():
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as other:
        other.writestr("bomb", bytes(1 << 20))
    refused(raw.getvalue(), "zip-malformed")


def test_a_size_that_lies_is_noticed_before_anything_is_kept():
    header = zips._local("a", 2**49, 0)
    refused(header + b"x", "zip-truncated")
    refused(zips._local("a", zips.MAX_SIZE + 1, 0), "zip-too-large")


def test_the_limit_is_for_all_members_together():
    whole = written({"a": b"12", "b": b"34"})
    assert read(whole, limit=4)
    with pytest.raises(BundleError) as caught:
        read(whole, limit=3)
    assert caught.value.code == "zip-truncated"


def test_no_more_members_than_agreed(monkeypatch):
    whole = written({"a": b"", "b": b"", "c": b""})
    monkeypatch.setattr(zips, "MAX_MEMBERS", 2)
    refused(whole, "zip-too-large")
    with pytest.raises(InputError, match="too many"):
        written({"a": b"", "b": b"", "c": b""})


class Sparse(io.RawIOBase):
    """A stream that remembers headers and forgets contents: 5 GB take no time."""

    def __init__(self):
        self.place, self.parts = 0, {}

    def tell(self):
        return self.place

    def seek(self, place):
        self.place = place

    def write(self, data):
        if len(data) < 1000:
            self.parts[self.place] = bytes(data)
        self.place += len(data)
        return len(data)


def test_zip64_appears_only_where_a_number_does_not_fit(monkeypatch):
    monkeypatch.setattr(zips.zlib, "crc32", lambda chunk, crc: 0)
    chunk, size = bytes(1 << 26), 5 << 30
    stream = Sparse()
    writer = ZipWriter(stream)
    writer.add("big", size, (chunk for _ in range(80)))
    writer.add("small", 1, [b"x"])
    writer.close()
    local, small = stream.parts[0], stream.parts[size + len(zips._local("big", size, 0))]
    assert struct.unpack("<QQ", local[-16:]) == (size, size)
    assert local[18:26] == b"\xff" * 8
    assert small == zips._local("small", 1, 0)
    ends = [(place, part) for place, part in stream.parts.items() if part.startswith(b"PK\x06\x06")]
    ((place, end),) = ends
    directory = sum(len(part) for part in stream.parts.values() if part.startswith(b"PK\x01\x02"))
    rest, made, needs, disk, first, here, count, length, start = struct.unpack("<QHHIIQQQQ", end[4:56])
    assert (rest, made, needs, disk, first) == (44, 3 << 8 | 45, 45, 0, 0)
    assert (here, count, length, start) == (2, 2, directory, place - directory)
    assert end[56:] == struct.pack("<4sIQI", b"PK\x06\x07", 0, place, 1)
    last = stream.parts[place + len(end)]
    assert last == struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 2, 2, directory, 0xFFFFFFFF, 0)


class Holes:
    """A file in which long runs of zeros are holes."""

    def __init__(self, stream):
        self.stream, self.tell, self.seek = stream, stream.tell, stream.seek

    def write(self, data):
        if len(data) > 1000:
            self.stream.seek(len(data), 1)
        else:
            self.stream.write(data)


@pytest.mark.slow
def test_a_member_beyond_four_gigabytes_is_read_by_python_and_by_us(tmp_path):
    """Zeros in a sparse file: what counts is the headers."""
    size, path = (1 << 32) + 5, tmp_path / "big.zip"
    chunk = bytes(1 << 24)
    with path.open("wb+") as stream:
        writer = ZipWriter(Holes(stream))
        writer.add("big", size, [*([chunk] * 256), b"12345"])
        writer.add("small", 5, [b"after"])
        writer.close()
    with zipfile.ZipFile(path) as opened:
        assert [i.file_size for i in opened.infolist()] == [size, 5]
        assert opened.read("small") == b"after"
    with path.open("rb") as stream:
        found = [(m.name, m.size, sum(map(len, chunks))) for m, chunks in read_zip(stream)]
    assert found == [("big", size, size), ("small", 5, 5)]


def test_a_checksum_is_pythons():
    assert next(read_zip(io.BytesIO(written({"a": b"abc"}))))[0].crc == zlib.crc32(b"abc")
