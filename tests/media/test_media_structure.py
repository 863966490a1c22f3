"""The outline of a file tells whether it is whole, and no outline is trusted to be sane."""

from pathlib import Path

import pytest
from clips import write_clip
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.errors import ClipError, VoidAuditError
from void_audit.media.probe import probe
from void_audit.media.reader import VideoClip
from void_audit.media.structure import check_whole


def box(kind: bytes, size: int, payload: bytes = b"") -> bytes:
    return size.to_bytes(4, "big") + kind + payload


def code(path: Path, data: bytes) -> str | None:
    path.write_bytes(data)
    try:
        check_whole(path)
    except ClipError as error:
        return error.code
    return None


FTYP = box(b"ftyp", 16, b"isom\0\0\0\0")
MOOV = box(b"moov", 8)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (FTYP + MOOV, None),
        (MOOV + box(b"mdat", 0, bytes(50)), None),
        (FTYP + MOOV + box(b"mdat", 1, (66).to_bytes(8, "big") + bytes(50)), None),
        (FTYP, "clip-truncated"),
        (FTYP + box(b"mdat", 58, bytes(50)), "clip-truncated"),
        (FTYP + MOOV + box(b"mdat", 60, bytes(50)), "clip-truncated"),
        (FTYP + MOOV + box(b"mdat", 1, (1 << 62).to_bytes(8, "big") + bytes(50)), "clip-truncated"),
        (FTYP + MOOV + box(b"free", 4), "clip-truncated"),
        (FTYP + MOOV + b"\0\0", "clip-truncated"),
        (b"", None),
        (b"RIFF" + bytes(20), None),
        (b"RIFF\x10\0\0\0" + bytes(16), None),
        (b"RIFF\x11\0\0\0" + bytes(16), "clip-truncated"),
    ],
)
def test_boxes(tmp_path: Path, data: bytes, expected: str | None) -> None:
    assert code(tmp_path / "a.mp4", data) == expected


def test_boxes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("void_audit.media.structure.MAX_BOXES", 10)
    assert code(tmp_path / "a.mp4", FTYP + box(b"free", 8) * 20 + MOOV) == "clip-truncated"


EBML = b"\x1a\x45\xdf\xa3\x82ab"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (EBML + b"\x18\x53\x80\x67\x85hello", None),
        (EBML + b"\x18\x53\x80\x67\x86hello", "clip-truncated"),
        (EBML + b"\x18\x53\x80\x67\x01\0\0\0\0\0\0\x05hello", None),
        (EBML + b"\x18\x53\x80\x67\x01\0\0\0\0\0\0\x06hello", "clip-truncated"),
        (
            EBML + b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xffhello",
            None,
        ),  # a live stream: size unknown
        (EBML + b"\x18\x53\x80\x67", None),
        (EBML[:5], None),
        (EBML + b"other", None),
    ],
)
def test_segments(tmp_path: Path, data: bytes, expected: str | None) -> None:
    assert code(tmp_path / "a.mkv", data) == expected


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("a")
    kinds = {"mp4": {}, "mkv": {"codec": "ffv1"}, "ts": {}}
    return {
        k: write_clip(folder / f"a.{k}", frames=4, sound="aac", **c).read_bytes() for k, c in kinds.items()
    }


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_no_damage_escapes_the_error_tree(
    whole: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Random bytes overwritten, removed or inserted: it reads, or it raises one of our errors, with a hint."""
    kind = data.draw(st.sampled_from(sorted(whole)))
    content = bytearray(whole[kind])
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        patch = data.draw(st.binary(max_size=8))
        content[place : place + data.draw(st.integers(0, 8))] = patch
    path = tmp_path_factory.mktemp("b") / f"a.{kind}"
    path.write_bytes(content)
    error = failure(path)
    assert error is None or (isinstance(error, ClipError) and error.hint)


def failure(path: Path) -> VoidAuditError | None:
    try:
        info = probe(path)
        if len(list(VideoClip(path).frames())) != info.frames:
            raise AssertionError("frames were lost without an error")
    except VoidAuditError as error:
        return error
    return None
