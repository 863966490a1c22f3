import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.errors import IdentityError
from void_audit.identity.people import People


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
