import os

import pytest
from clips import write_clip
from desk import Desk

from void_audit.errors import ClipError, IdentityError
from void_audit.seal.certificates import create_chain
from void_audit.seal.credentials import read_state


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def sealed(desk):
    return desk.seal()


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return create_chain(tmp_path_factory.mktemp("other"), "Other", None)


def test_the_state_of_a_source(desk, sealed, other, tmp_path):
    assert read_state(desk.source, None) == "none"
    assert read_state(sealed, None) == "valid"
    assert read_state(sealed, other.root_pem) == "valid"
    assert read_state(sealed, desk.chain.root_pem) == "trusted"
    data = bytearray(sealed.read_bytes())
    data[data.rindex(b"mdat") + 50] ^= 1
    (tmp_path / "bent.mp4").write_bytes(data)
    assert read_state(tmp_path / "bent.mp4", desk.chain.root_pem) == "invalid"
    (tmp_path / "tail.mp4").write_bytes(sealed.read_bytes() + b"garbage!" * 3)
    assert read_state(tmp_path / "tail.mp4", desk.chain.root_pem) == "unreadable"
    (tmp_path / "text.mp4").write_bytes(b"text")
    assert read_state(tmp_path / "text.mp4", None) == "none"
    assert read_state(write_clip(tmp_path / "x.mkv", codec="ffv1"), None) == "none"
    with pytest.raises(ClipError):
        read_state(tmp_path / "gone.mp4", None)


@pytest.mark.parametrize(
    "roots", ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_roots_that_are_none_are_refused(desk, roots):
    with pytest.raises(IdentityError) as caught:
        read_state(desk.source, roots)
    assert caught.value.code == "trust-unreadable"


def test_one_root_of_several_is_enough_and_their_order_does_not_matter(desk, sealed, other):
    for roots in (desk.chain.root_pem + other.root_pem, other.root_pem + desk.chain.root_pem):
        assert read_state(sealed, roots) == "trusted"


@pytest.mark.parametrize(
    "form", [lambda pem: pem.replace("\n", "\r\n"), str.strip, lambda pem: f"# é\n{pem}"]
)
def test_roots_that_pass_the_check_are_read_by_the_library(desk, sealed, form):
    """Else every file would be unreadable for a reason that is not its own."""
    assert read_state(sealed, form(desk.chain.root_pem)) == "trusted"


@pytest.mark.parametrize("damage", [lambda pem: f"\ufeff{pem}", lambda pem: pem + pem[:-60]])
def test_roots_that_the_library_would_not_read_are_refused(desk, sealed, damage):
    with pytest.raises(IdentityError) as caught:
        read_state(sealed, damage(desk.chain.root_pem))
    assert caught.value.code == "trust-unreadable"


def test_a_signer_s_own_certificate_is_no_root(desk, sealed):
    assert read_state(sealed, desk.chain.chain_pem) == "valid"


def test_bad_roots_are_told_before_a_bad_file(desk):
    with pytest.raises(IdentityError):
        read_state(desk.folder / "gone.mp4", "nonsense")


def test_what_cannot_be_opened_is_an_error_of_ours(desk, tmp_path):
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    for place in (tmp_path, tmp_path / "loop.mp4", tmp_path / ("x" * 300), desk.source / "below"):
        with pytest.raises(ClipError) as caught:
            read_state(place, desk.chain.root_pem)
        assert caught.value.code == "clip-unreadable"
        assert str(place) in caught.value.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_what_may_not_be_read_is_an_error_of_ours(tmp_path):
    (tmp_path / "locked.mp4").touch(mode=0)
    with pytest.raises(ClipError):
        read_state(tmp_path / "locked.mp4", None)


def test_a_manifest_beside_a_clip_is_not_inside_it(desk, sealed, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4")
    (tmp_path / "clip.c2pa").write_bytes(sealed.read_bytes())
    assert read_state(clip, desk.chain.root_pem) == "none"


def test_reading_changes_nothing(desk, sealed):
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in desk.folder.rglob("*") if p.is_file()}
    read_state(sealed, desk.chain.root_pem)
    assert {
        p: (p.read_bytes(), p.stat().st_mtime_ns) for p in desk.folder.rglob("*") if p.is_file()
    } == before
