import base64
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.errors import IdentityError
from void_audit.identity import openssh


def test_there_and_back(ana):
    text = openssh.line(ana.public_der, "ana")
    assert text.startswith(b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5") and text.endswith(b" ana\n")  # noqa: PT018
    assert openssh.parse_line(text) == ana.public_der
    assert openssh.parse_line(text.removesuffix(b" ana\n")) == ana.public_der
    assert openssh.parse_line(text.replace(b" ana", b" ana at her desk")) == ana.public_der


def test_ssh_keygen_agrees_on_the_fingerprint(ana, tmp_path):
    path = tmp_path / "a.pub"
    path.write_bytes(openssh.line(ana.public_der, "ana"))
    try:
        said = subprocess.run(
            ["ssh-keygen", "-l", "-f", str(path)], capture_output=True, text=True, check=True
        )
    except FileNotFoundError:
        pytest.skip("ssh-keygen is not installed (Debian: openssh-client)")
    assert openssh.fingerprint(openssh.blob_of_der(ana.public_der)) in said.stdout


def test_what_is_refused(ana):
    good = openssh.line(ana.public_der, "ana")
    rsa = base64.b64encode(openssh.string(b"ssh-rsa") + openssh.string(b"x"))
    fido = base64.b64encode(openssh.string(b"sk-ssh-ed25519@openssh.com") + openssh.string(b"x" * 32))
    for text, code in (
        (b"ssh-rsa " + rsa, "key-type"),
        (b"sk-ssh-ed25519@openssh.com " + fido, "key-type"),
        (good.replace(b"ssh-ed25519 ", b"ssh-rsa "), "key-unreadable"),
        (good + good, "key-unreadable"),
        (b"", "key-unreadable"),
        (b"ssh-ed25519", "key-unreadable"),
        (b"ssh-ed25519 $$$", "key-unreadable"),
        (b"ssh-ed25519 AAAA", "key-unreadable"),
        (good + b"x" * openssh.MAX_LINE, "key-unreadable"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n", "key-private"),
    ):
        with pytest.raises(IdentityError) as caught:
            openssh.parse_line(text)
        assert caught.value.code == code
    with pytest.raises(IdentityError, match="FIDO"):
        openssh.parse_line(b"sk-ssh-ed25519@openssh.com " + fido)
    with pytest.raises(IdentityError):
        openssh.blob_of_der(b"no key")


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data):
    for call in (openssh.parse_line, openssh.der_of_blob, openssh.read_string):
        try:
            call(data)
        except IdentityError:
            continue
