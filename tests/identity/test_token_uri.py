import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.errors import IdentityError
from void_audit.identity.token_uri import MAX_URI, TokenUri, read_reference

GOOD = "pkcs11:token=house;object=log?module-path=/usr/lib/softhsm/libsofthsm2.so"


def test_what_names_a_key():
    uri = TokenUri.parse(GOOD)
    assert (uri.token, uri.label, uri.module) == ("house", "log", "/usr/lib/softhsm/libsofthsm2.so")
    assert (uri.token_name, uri.key_name) == ("house", "log")
    assert str(uri) == GOOD


def test_encoded_names_and_ids():
    uri = TokenUri.parse("pkcs11:serial=12%2034;id=%01%fF;type=private?module-path=/a%20b.so")
    assert (uri.serial, uri.id, uri.module, uri.label) == ("12 34", b"\x01\xff", "/a b.so", None)
    assert (uri.token_name, uri.key_name) == ("serial 12 34", "id 01ff")
    assert TokenUri.parse(str(uri)) == uri


@settings(max_examples=100)
@given(
    st.text(st.characters(categories=("L", "N", "P", "Zs")), min_size=1, max_size=32).filter(str.isprintable),
    st.binary(min_size=1, max_size=20),
)
def test_any_name_survives_being_written(label, number):
    uri = TokenUri("/lib/x.so", token=label, label=label, id=number)
    assert TokenUri.parse(str(uri)) == uri


@pytest.mark.parametrize("where", ["pkcs11:token=a;object=b;pin-value=1234?module-path=/x", GOOD + "&pin-value=1234",
                                   GOOD + "&pin-source=file:/etc/pin"])  # fmt: skip
def test_a_pin_is_refused_and_not_repeated(where):
    with pytest.raises(IdentityError) as caught:
        TokenUri.parse(where)
    assert caught.value.code == "token-uri-pin"
    assert "1234" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "", "pkcs11:", "token=house;object=log?module-path=/x", GOOD.upper(), GOOD + "\n", GOOD + "&x-other=1",
        "pkcs11:token=house;object=log", "pkcs11:token=house?module-path=/x", "pkcs11:object=log?module-path=/x",
        "pkcs11:token=a;token=b;object=c?module-path=/x", "pkcs11:token=a;object=c?module-path=/x&module-path=/y",
        "pkcs11:token=a;object=c?module-path=x.so", "pkcs11:token=;object=c?module-path=/x",
        "pkcs11:token=a;object?module-path=/x", "pkcs11:token=a b;object=c?module-path=/x",
        "pkcs11:token=a%2;object=c?module-path=/x", "pkcs11:token=a%GG;object=c?module-path=/x",
        "pkcs11:token=%FF;object=c?module-path=/x", "pkcs11:token=a%00;object=c?module-path=/x",
        "pkcs11:token=a%0A;object=c?module-path=/x", "pkcs11:token=a;object=c;type=public?module-path=/x",
        "pkcs11:token=a;object=c;slot-id=1?module-path=/x", "pkcs11:token=a;object=c??module-path=/x",
        "pkcs11:token=ä;object=c?module-path=/x", GOOD + "x" * MAX_URI,
    ],
)  # fmt: skip
def test_anything_else_is_refused(text):
    with pytest.raises(IdentityError) as caught:
        TokenUri.parse(text)
    assert caught.value.code == "token-uri-malformed"
    assert len(str(caught.value)) < 400


@settings(max_examples=200)
@given(st.text(max_size=200).map(lambda text: "pkcs11:" + text))
def test_nothing_but_our_own_error(text):
    with contextlib.suppress(IdentityError):
        TokenUri.parse(text)


def test_a_reference_is_one_line_in_a_file(tmp_path):
    path = tmp_path / "log.pkcs11"
    path.write_text(GOOD + "\n")
    assert str(read_reference(path)) == GOOD
    for content, code in ((GOOD + "\n\n", "malformed"), ("é", "malformed"), ("x" * 10**6, "malformed")):
        path.write_text(content)
        with pytest.raises(IdentityError) as caught:
            read_reference(path)
        assert caught.value.code == f"token-uri-{code}"
    path.unlink()
    with pytest.raises(IdentityError) as caught:
        read_reference(path)
    assert caught.value.code == "key-missing"
