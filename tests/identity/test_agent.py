"""Keys in a real ssh-agent, and agents that lie, drip, or say nothing."""

from __future__ import annotations

import struct
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sshagent import FakeAgent, RealAgent

from void_audit.canon import dsse
from void_audit.errors import IdentityError
from void_audit.identity import agent as module
from void_audit.identity import openssh
from void_audit.identity.agent import Agent, AgentSigner
from void_audit.identity.keys import FileSigner, verify
from void_audit.identity.openssh import string
from void_audit.identity.people import read_public

KEY = FileSigner(Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32))
OTHER = FileSigner(Ed25519PrivateKey.from_private_bytes(bytes([8]) * 32))


@pytest.fixture(scope="module")
def _agent():
    agent = RealAgent()
    yield agent
    agent.stop()


@pytest.fixture
def real(_agent):
    _agent("ssh-add", "-D")
    for path in _agent.folder.glob("k-*"):
        path.unlink()
    return _agent


def refused(code, call, *args):
    with pytest.raises(IdentityError) as caught:
        call(*args)
    assert caught.value.code == code
    assert caught.value.hint
    return str(caught.value)


def test_an_agent_signs_the_pae_of_a_record(real):
    public = read_public(real.add("k-lois"))
    signer = AgentSigner(public, Agent(real.path))
    envelope = dsse.Envelope.parse(dsse.seal(b'{"a":1}', [signer]))
    envelope.verify({signer.key_id: public})  # a plain Ed25519 signature over the DSSE encoding
    verify(public, envelope.pae, envelope.signatures[0].sig)
    assert signer.public_der == public
    assert signer.key_id in repr(signer)


def test_a_key_by_fingerprint_by_comment_or_the_only_one(real):
    agent, public = Agent(real.path), read_public(real.add("k-one"))
    assert agent.choose().public_der == public
    printed = real("ssh-add", "-l").split()[1]
    assert agent.choose(printed).fingerprint == printed
    second = read_public(real.add("k-two"))
    assert agent.choose("k-two").public_der == second
    assert "k-one" in refused("agent-key-ambiguous", agent.choose)
    assert "k-two" in refused("agent-key-missing", agent.choose, "k-three")


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_keys_of_other_types_are_passed_over_and_named(real, kind):
    real.add("k-other", kind)
    agent = Agent(real.path)
    assert kind in refused("key-type", agent.choose)
    public = read_public(real.add("k-good"))
    assert agent.choose().public_der == public
    refused("agent-key-missing", agent.choose, "k-other")


def test_a_key_that_was_removed(real):
    path = real.add("k-gone")
    signer = AgentSigner(read_public(path), Agent(real.path))
    real("ssh-add", "-q", "-d", str(path))
    refused("agent-key-missing", signer.sign, b"data")


def test_a_locked_agent(real):
    signer = AgentSigner(read_public(real.add("k-locked")), Agent(real.path))
    lock = string(b"secret")
    agent = Agent(real.path)
    assert agent._ask(bytes([22]) + lock, 5)[0] == 6  # SSH_AGENTC_LOCK
    try:
        assert "unlock" in refused("agent-key-missing", signer.sign, b"data")
    finally:
        assert agent._ask(bytes([23]) + lock, 5)[0] == 6
    signer.sign(b"data")


def test_no_agent(tmp_path):
    refused("agent-missing", Agent(None).keys)
    for path in (tmp_path / "nothing", Path("/" + "x" * 200), Path("a\0b")):
        refused("agent-unreachable", Agent(path).keys)
    (tmp_path / "file").write_text("no socket")
    refused("agent-unreachable", Agent(tmp_path / "file").keys)


def test_an_agent_that_is_gone():
    agent = RealAgent()
    signer = AgentSigner(read_public(agent.add("k-x")), Agent(agent.path))
    agent.process.kill()
    agent.process.wait()
    refused("agent-unreachable", signer.sign, b"data")
    agent.stop()


def listing(*keys):
    body = b"".join(string(openssh.blob_of_der(k.public_der)) + string(b"comment") for k in keys)
    return string(bytes([12]) + struct.pack(">I", len(keys)) + body)


def signature(by, data, kind=b"ssh-ed25519"):
    return string(bytes([14]) + string(string(kind) + string(by.sign(data))))


@pytest.fixture
def fake():
    made = []

    def make(sign=None, listed=None):
        def reply(question):
            if question[0] == 11:
                return listing(KEY) if listed is None else listed
            return sign(question) if callable(sign) else sign

        made.append(FakeAgent(reply))
        return Agent(made[-1].path)

    yield make
    for agent in made:
        agent.stop()


REPLIES = {
    "says no": (string(bytes([5])), "agent-refused"),
    "answers another question": (string(bytes([12])), "agent-refused"),
    "another key's": (signature(OTHER, b"data"), "agent-signature"),
    "of other data": (signature(KEY, b"other"), "agent-signature"),
    "of another type": (signature(KEY, b"data", b"ssh-rsa"), "agent-malformed"),
    "of a FIDO key": (signature(KEY, b"data", b"sk-ssh-ed25519@openssh.com"), "agent-malformed"),
    "63 bytes": (string(bytes([14]) + string(string(b"ssh-ed25519") + string(b"x" * 63))), "agent-malformed"),
    "more after it": (string(bytes([14]) + signature(KEY, b"data")[5:] + b"y"), "agent-malformed"),
    "cut off inside": (string(bytes([14]) + struct.pack(">I", 99) + b"x"), "agent-malformed"),
    "empty": (string(bytes([14])), "agent-malformed"),
    "no length": (b"\0\0", "agent-malformed"),
    "cut off": (struct.pack(">I", 100) + b"x", "agent-malformed"),
    "nothing": (None, "agent-malformed"),
    "length 0": (struct.pack(">I", 0), "agent-malformed"),
    "4 GiB": (struct.pack(">I", 0xFFFFFFFF), "agent-malformed"),
    "just too long": (struct.pack(">I", module.MAX_REPLY + 1), "agent-malformed"),
}


@pytest.mark.parametrize("how", REPLIES)
def test_a_signature_that_is_none(fake, how):
    reply, code = REPLIES[how]
    refused(code, fake(sign=reply).sign, KEY.public_der, b"data")


LISTS = {
    "more keys than it holds": string(bytes([12]) + struct.pack(">I", 3) + string(b"a") + string(b"b")),
    "too many keys": string(bytes([12]) + struct.pack(">I", 10**6)),
    "no number": string(bytes([12])),
    "more after it": listing(KEY)[:3] + bytes([listing(KEY)[3] + 1]) + listing(KEY)[4:] + b"x",
}


@pytest.mark.parametrize("how", LISTS)
def test_a_list_that_is_none(fake, how):
    refused("agent-malformed", fake(listed=LISTS[how]).keys)
    refused("agent-refused", fake(listed=string(bytes([5]))).keys)


def test_keys_in_a_list_that_are_none(fake):
    broken = [b"", b"\0\0\0\1", string(b"ssh-ed25519"), string(b"ssh-ed25519") + string(b"x" * 31),
              openssh.blob_of_der(KEY.public_der) + b"x", string(b"sk-ssh-ed25519@openssh.com")]  # fmt: skip
    body = b"".join(string(blob) + string(b"\xff\x1b[2J") for blob in broken)
    agent = fake(listed=string(bytes([12]) + struct.pack(">I", len(broken)) + body))
    good, bad = agent.keys()
    assert (good, len(bad)) == ([], len(broken))
    assert any("FIDO" in str(error) for error in bad)


def test_an_agent_that_drips(fake, monkeypatch):
    monkeypatch.setattr(module, "SIGN_SECONDS", 0.2)
    stop = threading.Event()

    def drip(question):
        stop.wait(1)

    try:
        refused("agent-timeout", fake(sign=drip).sign, KEY.public_der, b"data")
    finally:
        stop.set()


def test_bytes_that_come_one_by_one_are_taken_until_the_deadline(monkeypatch):
    class Slow:
        def __init__(self):
            self.now = 0.0

        def settimeout(self, seconds):
            assert seconds > 0

        def recv(self, size):
            self.now += 1
            return b"x"

    slow = Slow()
    monkeypatch.setattr(module.time, "monotonic", lambda: slow.now)
    assert module._receive(slow, 4, 10.0) == b"xxxx"
    with pytest.raises(TimeoutError):
        module._receive(slow, 100, 10.0)


def test_what_is_signed_is_what_was_asked(fake):
    questions = []

    def sign(question):
        questions.append(question)
        return signature(KEY, b"data")

    assert fake(sign=sign).sign(KEY.public_der, b"data") == KEY.sign(b"data")
    blob = openssh.blob_of_der(KEY.public_der)
    assert questions == [bytes([13]) + string(blob) + string(b"data") + struct.pack(">I", 0)]
