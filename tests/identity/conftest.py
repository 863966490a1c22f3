"""Keys that are the same in every run, and key events chained by hand."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from void_audit.identity.key_events import LoggedKeyEvent
from void_audit.identity.keys import FileSigner
from void_audit.model.base import BlobRef
from void_audit.model.records import KeyEvent, Role

HOLDER = BlobRef(sha256="0" * 64, size=40, media_type="text/plain", salted=True)


def _signer(number):
    return FileSigner(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


class Chain:
    """A growing list of well-formed key events; ``event`` lets a test break one field of the next."""

    def __init__(self):
        self.events = []

    def event(self, by, action, key, roles=(), index=None, named=None, **fields):
        last = self.events[-1] if self.events else None
        event = KeyEvent(
            **{
                "claimed_time": "2026-01-01T00:00:00Z",
                "action": action,
                "key": named or key.key_id,
                "algorithm": "ed25519",
                "public_key": base64.b64encode(key.public_der).decode(),
                "roles": tuple(roles),
                "sequence": len(self.events),
                "previous": last.leaf_hash if last else None,
                "holder": HOLDER,
                **fields,
            }
        )
        at = (last.index + 10 if last else 0) if index is None else index
        digest = hashlib.sha256(event.model_dump_json().encode()).hexdigest()
        signers = by if isinstance(by, tuple) else (by,)
        return LoggedKeyEvent(at, digest, event, tuple(s.key_id for s in signers))

    def add(self, *args, **kwargs):
        self.events.append(self.event(*args, **kwargs))
        return self


@pytest.fixture
def signer():
    return _signer


@pytest.fixture(scope="session")
def signer_of():
    """The same for tests of any number of examples."""
    return _signer


@pytest.fixture(scope="session")
def chain_class():
    """An empty chain at each call."""
    return Chain


@pytest.fixture
def admin():
    return _signer(1)


@pytest.fixture
def ana():
    return _signer(2)


@pytest.fixture
def bo():
    return _signer(3)


@pytest.fixture
def chain(admin, ana, bo):
    """0 admin; 10 ana: editor; 20 bo: admin and approver; 30 ana revoked by bo."""
    return (
        Chain()
        .add(admin, "enrol", admin, [Role.ADMIN])
        .add(admin, "enrol", ana, [Role.EDITOR])
        .add(admin, "enrol", bo, [Role.ADMIN, Role.APPROVER])
        .add(bo, "revoke", ana)
    )
