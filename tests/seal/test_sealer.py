import dataclasses
import hashlib
import os
from datetime import UTC, datetime, timedelta

import pytest
from clips import write_clip
from desk import Desk

from void_audit.errors import Cancelled, IdentityError, SealError, StorageError
from void_audit.seal import adapter
from void_audit.seal.base import EmbeddedData
from void_audit.seal.certificates import create_chain
from void_audit.seal.credentials import read_state
from void_audit.seal.sealer import C2paSealer


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_result_says_what_it_is(desk):
    before = files(desk.folder)
    sealed = desk.sealer.seal(desk.request())
    assert sealed.sha256 == hashlib.sha256(sealed.path.read_bytes()).hexdigest()
    assert sealed.certificate == desk.chain.certificate_sha256
    assert sealed.manifest.startswith("urn:c2pa:")
    assert sealed.sidecar is None
    after = files(desk.folder)
    assert set(after) - set(before) == {"edited.mp4"}  # no temporary file stays
    assert {name: after[name] for name in before} == before


def test_a_sealer_from_a_folder(desk, tmp_path):
    create_chain(tmp_path / "locked", "The Desk", "two words")
    sealed = C2paSealer.load(tmp_path / "locked", "two words").seal(desk.request())
    assert read_state(sealed.path, (tmp_path / "locked" / "root.pem").read_text()) == "trusted"
    with pytest.raises(IdentityError):
        C2paSealer.load(tmp_path / "locked", "wrong")


def test_a_container_that_cannot_hold_a_manifest_has_it_beside_it(desk):
    video = write_clip(desk.folder / "lossless.mkv", codec="ffv1")
    sealed = desk.sealer.seal(desk.request("edited.mkv", unsealed=video))
    assert sealed.sidecar == desk.folder / "edited.c2pa"
    assert sealed.path.read_bytes() == video.read_bytes()  # not a byte of the picture file is touched
    assert sealed.sidecar.stat().st_size > 1000


class Broken:
    """A chain whose key fails; everything else is the real one's."""

    def __init__(self, chain, error):
        self._chain = chain
        self._error = error

    def __getattr__(self, name):
        return getattr(self._chain, name)

    def sign(self, data):
        raise self._error


@pytest.mark.parametrize("extension", ["mp4", "mkv"])
@pytest.mark.parametrize(
    "error", [SealError("token-removed", "The token is gone."), Cancelled("stop", "Stopped.")]
)
def test_an_error_of_the_key_arrives_as_it_is_and_leaves_nothing(desk, error, extension):
    desk.unsealed = write_clip(
        desk.folder / f"u.{extension}", codec="ffv1" if extension == "mkv" else "libx264"
    )
    before = files(desk.folder)
    desk.sealer = C2paSealer(Broken(desk.chain, error))
    with pytest.raises(type(error)) as caught:
        desk.seal(f"edited.{extension}")
    assert caught.value is error
    assert files(desk.folder) == before


def test_any_other_exception_of_the_key_does_not_leak(desk):
    desk.sealer = C2paSealer(Broken(desk.chain, ZeroDivisionError("deep inside")))
    with pytest.raises(SealError, match="deep inside") as caught:
        desk.seal()
    assert caught.value.code == "signing-key-failed"
    assert not (desk.folder / "edited.mp4").exists()


def test_a_wrong_signature_is_never_delivered(desk):
    class Wrong(Broken):
        def sign(self, data):
            return self._chain.sign(data + b"!")

    before = files(desk.folder)
    desk.sealer = C2paSealer(Wrong(desk.chain, None))
    with pytest.raises(SealError):
        desk.seal()
    assert files(desk.folder) == before


def test_a_leaf_that_our_root_did_not_issue_is_never_delivered(desk, tmp_path):
    other = create_chain(tmp_path / "other", "Other", None)
    desk.sealer = C2paSealer(dataclasses.replace(desk.chain, root_pem=other.root_pem))
    with pytest.raises(SealError) as caught:
        desk.seal()
    assert caught.value.code in ("seal-not-trusted", "sign-failed")
    assert not (desk.folder / "edited.mp4").exists()


def test_an_earlier_result_survives_a_failed_sign(desk):
    path = desk.seal()
    before = path.read_bytes()
    desk.sealer = C2paSealer(Broken(desk.chain, SealError("x", "x")))
    with pytest.raises(SealError):
        desk.seal()
    assert path.read_bytes() == before


@pytest.mark.parametrize("days", [-1, 400])
def test_an_out_of_date_certificate_seals_nothing(desk, days):
    desk.sealer = C2paSealer(desk.chain, lambda: datetime.now(UTC) + timedelta(days=days))
    with pytest.raises(SealError, match="certificate"):
        desk.seal()
    assert not (desk.folder / "edited.mp4").exists()


def test_what_cannot_be_sealed(desk):
    cases = {
        "no file": {"unsealed": desk.folder / "gone.mp4"},
        "no source": {"source": desk.folder / "gone.mp4"},
        "over itself": {"destination": desk.unsealed},
        "over the source": {"destination": desk.source},
        "same title twice": {
            "embedded": (EmbeddedData("a", "text/plain", b"1"), EmbeddedData("a", "text/plain", b"2"))
        },
    }
    before = files(desk.folder)
    for changes in cases.values():
        with pytest.raises(SealError) as caught:
            desk.sealer.seal(desk.request(**changes))
        assert caught.value.code == "seal-input"
    assert files(desk.folder) == before


@pytest.mark.parametrize("content", [b"", b"hello world, this is no video"])
def test_bytes_of_no_known_kind_are_not_sealed(desk, content):
    (desk.folder / "odd.mp4").write_bytes(content)
    with pytest.raises(SealError) as caught:
        desk.sealer.seal(desk.request(unsealed=desk.folder / "odd.mp4"))
    assert caught.value.code == "seal-input"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_cannot_be_written(desk):
    (desk.folder / "locked").mkdir(mode=0o500)
    with pytest.raises(StorageError):
        desk.sealer.seal(desk.request(destination=desk.folder / "locked" / "edited.mp4"))


def test_a_missing_folder_is_a_storage_error(desk):
    with pytest.raises(StorageError):
        desk.sealer.seal(desk.request(destination=desk.folder / "gone" / "edited.mp4"))


def test_a_matroska_source_is_a_parent_like_any_other(desk):
    source = write_clip(desk.folder / "source.mkv", codec="ffv1")
    sealed = desk.sealer.seal(desk.request(source=source))
    assert read_state(sealed.path, desk.chain.root_pem) == "trusted"


def test_a_source_whose_credentials_cannot_be_read_is_still_the_parent(desk):
    source = desk.folder / "tail.mp4"
    source.write_bytes(desk.seal("first.mp4").read_bytes() + b"garbage!" * 3)
    assert read_state(source, None) == "unreadable"
    sealed = desk.sealer.seal(desk.request(source=source))
    assert read_state(sealed.path, desk.chain.root_pem) == "trusted"


def test_credentials_of_the_source_that_did_not_arrive_stop_the_seal(desk, monkeypatch):
    source = desk.folder / "first.mp4"
    desk.seal("first.mp4")
    add = adapter._add

    def forgetful(builder, ingredient):
        add(
            builder,
            dataclasses.replace(ingredient, content=desk.source) if ingredient.name is None else ingredient,
        )

    monkeypatch.setattr(adapter, "_add", forgetful)
    with pytest.raises(SealError) as caught:
        desk.sealer.seal(desk.request(source=source))
    assert caught.value.code == "source-credentials-lost"
    assert not (desk.folder / "edited.mp4").exists()


def test_a_stored_source_needs_no_extension(desk, tmp_path):
    stored = tmp_path / "ab12"
    stored.write_bytes(desk.seal().read_bytes())
    assert read_state(stored, desk.chain.root_pem) == "trusted"
    again = desk.sealer.seal(desk.request("again.mp4", source=stored))
    assert read_state(again.path, desk.chain.root_pem) == "trusted"
