"""Our envelopes, read and verified by the library of in-toto and TUF."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from securesystemslib.dsse import Envelope as Other
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey
from simulator.studio import Studio
from sshagent import RealAgent

from void_audit.canon import dsse
from void_audit.canon.statement import encode
from void_audit.identity.agent import Agent, AgentSigner
from void_audit.identity.keys import FileSigner
from void_audit.model.records import Approval, Statement

EDITOR, MACHINE = (FileSigner(Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n in (2, 3))
PAYLOAD = encode(
    Statement(
        subjects=(),
        predicate=Approval(claimed_time="2026-01-05T10:00:00+00:00", edit="e1", plan="ab" * 32, comment=None),
    )
)


@pytest.fixture
def agent_signer() -> Iterator[AgentSigner]:
    running = RealAgent()
    try:
        running.add("lois")
        agent = Agent(running.path)
        yield AgentSigner(agent.choose().public_der, agent)
    finally:
        running.stop()


def theirs(signer):
    """Our public key as their library names it."""
    return SSlibKey.from_crypto(load_der_public_key(signer.public_der), keyid=signer.key_id)


def check(signers):
    data = dsse.seal(PAYLOAD, signers)
    read = Other.from_dict(json.loads(data))
    assert read.payload == PAYLOAD
    assert read.pae() == dsse.Envelope.parse(data).pae
    keys = [theirs(s) for s in signers]
    accepted = read.verify(keys, len(signers))
    assert set(accepted) == {s.key_id for s in signers}
    for bent in (Other(PAYLOAD[:-1] + b" ", read.payload_type, read.signatures),
                 Other(PAYLOAD, "text/plain", read.signatures)):  # fmt: skip
        with pytest.raises(VerificationError):
            bent.verify(keys, 1)
    return read


def test_one_signature_and_two_are_verified():
    check([EDITOR])
    read = check([EDITOR, MACHINE])
    stranger = FileSigner(Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32))
    with pytest.raises(VerificationError):
        read.verify([theirs(stranger)], 1)


def test_a_signature_that_ssh_agent_made_is_a_plain_one(agent_signer):
    check([agent_signer])
    check([EDITOR, agent_signer])


def test_every_signature_of_a_real_log_is_verified(tmp_path):
    """A workspace as `init` makes it, by its own keys."""
    house = Studio(tmp_path)
    signers = {
        s.key_id: s
        for s in [house.workshop.machine, *(house.place.person(n) for n in house.place.people.names())]
    }
    count = 0
    for entry in house.place.reading.entries():
        read = Other.from_dict(json.loads(entry.envelope))
        keys = [theirs(signers[k]) for k in entry.key_ids]
        assert set(read.verify(keys, len(keys))) == set(entry.key_ids)
        count += 1
    assert count >= 3
