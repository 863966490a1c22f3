import pytest
from clips import write_clip

from void_audit.media.kind import MATROSKA, UNKNOWN, media_type


@pytest.mark.parametrize(
    ("name", "codec", "kind"),
    [
        ("a.mp4", "libx264", "video/mp4"),
        ("a.mov", "libx264", "video/quicktime"),
        ("a.mkv", "ffv1", MATROSKA),
        ("a.avi", "libx264", "video/avi"),
    ],
)
def test_the_content_tells_and_not_the_name(tmp_path, name, codec, kind):
    path = write_clip(tmp_path / name, codec=codec)
    assert media_type(path.rename(tmp_path / "stored")) == kind


@pytest.mark.parametrize(
    "content", [b"", b"ftyp", b"\x00\x00\x00\x18fty", b"RIFF1234WAVE", b"\x1aE\xdf", b"text"]
)
def test_anything_else_is_unknown(tmp_path, content):
    (tmp_path / "x.mp4").write_bytes(content)
    assert media_type(tmp_path / "x.mp4") == UNKNOWN
