"""The composition root: a workspace appears whole or not at all, and reading needs no key."""

from __future__ import annotations

import pytest
from house import quick

from void_audit.cli.workspace import Workspace, create_workspace, is_encrypted
from void_audit.errors import IdentityError, LedgerError, MaskError, StorageError, WorkspaceError
from void_audit.pipeline.masks.schema import builtin, builtin_names
from void_audit.settings import WorkspaceSettings

SETTINGS = WorkspaceSettings(organisation="Daily Planet", origin="planet/void-audit/0", packs=("base",))


def at(folder, phrase=None):
    return Workspace(folder / "ws", folder / "models", lambda holder: phrase)


@pytest.fixture
def place(tmp_path):
    with quick():
        create_workspace(at(tmp_path), SETTINGS, "admin")
    return at(tmp_path)


def test_everything_is_there(place):
    assert place.settings == SETTINGS
    assert place.people.names() == ["admin"]
    assert place.reading.size == 2
    assert place.log_vkey() == place.reading.vkey
    assert "BEGIN CERTIFICATE" in place.trust_pem()
    assert [pack.name for pack in place.packs()] == ["base"]
    assert place.fsck().ok
    studio = place.studio()
    assert studio.machine.key_id == place.machine_key_id()
    assert not place.is_encrypted("admin")


def test_a_house_adds_its_own_mask_schemas(place):
    own = builtin("quadmask").model_copy(update={"name": "house-quad"})
    assert place.schema_names() == builtin_names()
    (place.folder / "schemas").mkdir(exist_ok=True)
    (place.folder / "schemas/house-quad.yaml").write_text(own.model_dump_json())
    assert "house-quad" in place.schema_names()
    assert place.schema("house-quad") == place.studio().schemas("house-quad") == own
    assert place.schema("quadmask") is builtin("quadmask")
    with pytest.raises(MaskError) as caught:
        place.schema("../schemas/house-quad")
    assert caught.value.code == "schema-missing"


def test_it_is_not_made_twice(place, tmp_path):
    with pytest.raises(WorkspaceError) as caught:
        create_workspace(at(tmp_path), SETTINGS, "admin")
    assert caught.value.code == "workspace-exists"


@pytest.mark.parametrize(
    "stop", [OSError(28, "No space left"), StorageError("storage-full", "Full.", "Free.")]
)
def test_a_failure_on_the_way_leaves_nothing(tmp_path, monkeypatch, stop):
    with monkeypatch.context() as patch:
        patch.setattr("void_audit.cli.workspace.enrol", lambda *a: (_ for _ in ()).throw(stop))
        with pytest.raises(type(stop)):
            create_workspace(at(tmp_path), SETTINGS, "admin")
    assert list(tmp_path.iterdir()) == []


def test_without_a_workspace(tmp_path):
    for act in (lambda p: p.reading, lambda p: p.writing, lambda p: p.fsck(), lambda p: p.packs()):
        with pytest.raises(WorkspaceError) as caught:
            act(at(tmp_path))
        assert caught.value.code == "workspace-missing"


def test_reading_cannot_write(place):
    with pytest.raises(LedgerError) as caught:
        place.reading.append([b"x"])
    assert caught.value.code == "ledger-read-only"


def test_another_logs_key(place, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with quick():
        create_workspace(at(other), SETTINGS, "admin")
    key = place.folder / "keys" / "log.pem"
    key.unlink()
    (other / "ws" / "keys" / "log.pem").rename(key)
    with pytest.raises(LedgerError) as caught:
        _ = place.writing
    assert caught.value.code == "log-key-other"


def test_a_lost_mark_is_not_made_up(place):
    (place.folder / "keys" / "log.mark").unlink()
    with pytest.raises(LedgerError) as caught:
        _ = place.writing
    assert caught.value.code == "ledger-mark-missing"
    assert place.reading.size == 2


def test_encrypted_keys_are_known_without_opening_them(tmp_path):
    with quick():
        create_workspace(at(tmp_path, "right"), SETTINGS, "admin")
    folder = tmp_path / "ws"
    assert is_encrypted(folder, "workspace")
    assert is_encrypted(folder, "admin")
    assert not is_encrypted(folder, "nobody")
    with pytest.raises(IdentityError) as caught:
        at(tmp_path, "wrong").studio()
    assert caught.value.code == "passphrase-wrong"


def test_keys_are_their_owners_alone(own):
    keys = own.folder / ".void-audit" / "keys"
    assert keys.stat().st_mode & 0o777 == 0o700
    for held in keys.rglob("*.pem"):
        assert held.stat().st_mode & 0o777 == 0o600, held
