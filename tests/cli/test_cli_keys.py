"""``keys``: who may do what."""

from __future__ import annotations

import pytest

from void_audit.identity.people import People


def people(terminal):
    return {row["name"]: row for row in terminal.json("keys list")["keys"]}


def test_everyone_with_roles_and_places_in_the_log(desk):
    rows = people(desk)
    assert rows["lois"]["roles"] == ["editor"]
    assert rows["machine"]["roles"] == ["machine"]
    assert rows["chief"]["enrolled"] == 0
    assert all(row["revoked"] is None for row in rows.values())


def test_add_says_what_was_enrolled(own):
    said = own.json("keys add clark --role editor --role approver")
    assert (said["name"], said["roles"]) == ("clark", ["approver", "editor"])
    assert people(own)["clark"]["key"] == said["key"]
    assert own.json("keys add clark --role approver --role editor") == said


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("keys add lois --role approver", 2, "key-enrolled"),
        ("keys add zod --role emperor", 2, "role-unknown"),
        ("keys add zod --role machine", 2, "role-unknown"),
        ("keys add ../zod --role editor", 2, "name-unusable"),
        ("keys add zod --role editor --as nobody", 2, "person-unknown"),
        ("keys add zod --role editor --as perry", 4, "role-missing"),
        ("keys revoke zod", 2, "person-unknown"),
        ("keys revoke chief", 4, "key-revokes-itself"),
        ("keys revoke perry --as lois", 4, "role-missing"),
    ],
)
def test_what_is_refused(own, line, code, error):
    own.refused(line, code, error)


def test_revoked_keys_stay_in_the_list_and_never_return(own):
    assert own.json("keys revoke lois") == {"name": "lois", "revoked": True}
    assert people(own)["lois"]["revoked"] is not None
    own.refused("keys add lois --role editor", 2, "key-revoked")
    own.refused("plan request", 4, "role-missing")


def test_a_key_that_an_earlier_attempt_made_is_enrolled(own):
    """Stopped or refused between making the key and enrolling it: the same key is used the next time."""
    own.refused("keys add clark --role editor --as perry", 4, "role-missing")
    key = (own.folder / ".void-audit" / "keys" / "people" / "clark.pem").read_bytes()
    own("keys add clark --role editor")
    assert (own.folder / ".void-audit" / "keys" / "people" / "clark.pem").read_bytes() == key


def test_without_an_administrators_key(own):
    (own.folder / ".void-audit" / "keys" / "people" / "chief.pem").unlink()
    own.refused("keys add clark --role editor", 2, "admin-missing")


def test_an_exposed_key_is_not_used(own):
    (own.folder / ".void-audit" / "keys" / "people" / "chief.pem").chmod(0o644)
    own.refused("keys add clark --role editor", 2, "key-exposed")


def test_whoever_may_not_read_the_keys_reads_the_log(own, monkeypatch):
    def closed(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(People, "names", closed)
    rows = own.json("keys list")["keys"]
    assert rows
    assert {row["name"] for row in rows} == {None}
