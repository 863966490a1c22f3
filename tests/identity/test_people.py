import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.errors import IdentityError, StorageError
from void_audit.identity import openssh
from void_audit.identity.keys import FileSigner, key_id
from void_audit.identity.people import People, read_public


def test_people_by_name(tmp_path):
    people = People(tmp_path / "people")
    assert people.names() == []
    ana, bo = people.add("ana", "one two"), people.add("bo@desk", None)
    assert people.names() == ["ana", "bo@desk"]
    assert people.load("ana", "one two").key_id == ana.key_id
    assert people.public_der("bo@desk") == bo.public_der
    with pytest.raises(IdentityError) as caught:
        people.add("ana", "other")
    assert caught.value.code == "key-exists"


def test_an_unknown_name_says_who_is_known(tmp_path):
    people = People(tmp_path)
    people.add("ana", None)
    with pytest.raises(IdentityError, match="ana") as caught:
        people.load("anna", None)
    assert caught.value.code == "person-unknown"


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../ana", "a/b", "a\\b", "/etc/x", "-rf", ".hidden", "a\n", "a\0", "é", "a" * 65, "a b"],
)
def test_names_cannot_leave_the_folder(tmp_path, name):
    people = People(tmp_path / "people")
    for call in (
        lambda: people.add(name, None),
        lambda: people.load(name, None),
        lambda: people.public_der(name),
    ):
        with pytest.raises(IdentityError) as caught:
            call()
        assert caught.value.code == "name-unusable"
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=100)
@given(st.text(max_size=70))
def test_any_accepted_name_is_one_file_in_the_folder(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("people")
    try:
        People(folder).add(name, None)
    except IdentityError:
        assert list(folder.iterdir()) == []
    else:
        assert [path.name for path in folder.iterdir()] == [f"{name}.pem"]
        assert People(folder).names() == [name]


def test_a_public_key_is_enough_for_an_agents_key(tmp_path):
    people = People(tmp_path)
    public = FileSigner(Ed25519PrivateKey.generate()).public_der
    assert people.add_public("ana", public).public_der == public
    assert (people.names(), people.public_der("ana")) == (["ana"], public)
    assert (tmp_path / "ana.pub").read_text().startswith("ssh-ed25519 ")
    assert (tmp_path / "ana.pub").stat().st_mode & 0o777 == 0o644
    assert people.load("ana", None).key_id == key_id(public)
    with pytest.raises(IdentityError) as caught:
        people.load("ana", None).sign(b"data")  # but the agent must be there
    assert caught.value.code == "agent-missing"
    for again in (lambda: people.add("ana", None), lambda: people.add_public("ana", public)):
        with pytest.raises(IdentityError) as caught:
            again()
        assert caught.value.code == "key-exists"


def test_a_damaged_public_key_file(tmp_path):
    people = People(tmp_path)
    for content, code in (("rubbish", "key-unreadable"), ("ssh-rsa AAAAB3NzaC1yc2E=", "key-type")):
        (tmp_path / "ana.pub").write_text(content)
        with pytest.raises(IdentityError) as caught:
            people.load("ana", None)
        assert caught.value.code == code


def test_two_keys_of_one_name(tmp_path):
    people = People(tmp_path)
    signer = people.add("ana", None)
    (tmp_path / "ana.pub").write_bytes(openssh.line(signer.public_der, "ana"))
    with pytest.raises(IdentityError) as caught:
        people.load("ana", None)
    assert caught.value.code == "key-ambiguous"
    assert people.names() == ["ana"]


@pytest.mark.parametrize("start", ["file", "agent"])
@pytest.mark.parametrize("end", ["file", "agent"])
def test_a_rotation_of_files_can_stop_anywhere(tmp_path, start, end):
    people, fresh = People(tmp_path), FileSigner(Ed25519PrivateKey.generate()).public_der
    first = FileSigner(Ed25519PrivateKey.generate()).public_der
    old = people.add("ana", None) if start == "file" else people.add_public("ana", first)

    def begin():
        return people.begin_rotation("ana", None) if end == "file" else people.begin_rotation_to("ana", fresh)

    new = begin()
    assert begin().key_id == new.key_id  # again: the same key
    assert people.names() == ["ana"]
    assert people.load("ana", None).key_id == old.key_id  # until the log says so
    people.finish_rotation("ana")
    assert people.load("ana", None).key_id == new.key_id
    assert people.begun("ana") is None
    people.finish_rotation("ana")  # again: nothing
    (kept,) = (tmp_path / "retired").iterdir()
    assert old.key_id[:16] in kept.name
    assert people.names() == ["ana"]


def test_a_rotation_to_another_key_than_the_begun_one(tmp_path):
    people = People(tmp_path)
    people.add("ana", None)
    people.begin_rotation("ana", None)
    with pytest.raises(IdentityError) as caught:
        people.begin_rotation_to("ana", FileSigner(Ed25519PrivateKey.generate()).public_der)
    assert caught.value.code == "rotation-begun"


def test_between_two_kinds_of_file_the_successor_is_not_lost(tmp_path):
    """Stopped after the old file was taken away: the name is known to be in rotation."""
    people = People(tmp_path)
    people.add("ana", None)
    new = people.begin_rotation_to("ana", FileSigner(Ed25519PrivateKey.generate()).public_der)
    (tmp_path / "ana.pem").unlink()
    with pytest.raises(IdentityError, match="keys rotate ana"):
        people.load("ana", None)
    people.finish_rotation("ana")
    assert people.load("ana", None).key_id == new.key_id


def test_a_successor_is_encrypted_and_its_owners_alone(tmp_path):
    people = People(tmp_path)
    people.add("ana", "old words")
    people.begin_rotation("ana", "new words")
    path = tmp_path / "ana.pem.new"
    assert b"ENCRYPTED" in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    people.finish_rotation("ana")
    assert people.load("ana", "new words")
    (kept,) = (tmp_path / "retired").iterdir()
    assert b"ENCRYPTED" in kept.read_bytes()
    assert kept.parent.stat().st_mode & 0o777 == 0o700


def test_where_nothing_can_be_written(tmp_path, monkeypatch):
    people = People(tmp_path)
    people.add("ana", None)
    people.begin_rotation("ana", None)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(StorageError) as caught:
        people.finish_rotation("ana")
    assert caught.value.code == "key-not-written"
    monkeypatch.undo()
    people.finish_rotation("ana")


def test_reading_public_keys(tmp_path):
    for path in (tmp_path / "none.pub", tmp_path):
        with pytest.raises(IdentityError):
            read_public(path)
