from __future__ import annotations

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import mldsa

from void_audit.canon import ml_dsa
from void_audit.canon.ml_dsa import PUBLIC_SIZE, SIGNATURE_SIZE, MlDsaKey
from void_audit.errors import IdentityError

KEY = MlDsaKey(bytes(32))
SIGNATURE = KEY.sign(b"data")


def test_sizes_and_a_good_signature() -> None:
    assert (len(KEY.public), len(SIGNATURE)) == (PUBLIC_SIZE, SIGNATURE_SIZE)
    assert ml_dsa.valid(KEY.public, b"data", SIGNATURE)
    assert MlDsaKey(bytes(32)).public == KEY.public != MlDsaKey(bytes([1]) * 32).public


@pytest.mark.parametrize(
    ("public", "data", "signature"),
    [
        (KEY.public, b"Data", SIGNATURE),
        (KEY.public, b"data", SIGNATURE[:-1]),
        (KEY.public, b"data", SIGNATURE[:-1] + bytes([SIGNATURE[-1] ^ 1])),
        (KEY.public[:-1], b"data", SIGNATURE),
        (MlDsaKey(bytes([1]) * 32).public, b"data", SIGNATURE),
        (b"", b"data", b""),
    ],
)
def test_everything_else_is_not(public: bytes, data: bytes, signature: bytes) -> None:
    assert not ml_dsa.valid(public, data, signature)


def test_a_build_of_the_library_that_lacks_it(monkeypatch) -> None:
    class Lacking:
        @staticmethod
        def from_seed_bytes(seed: bytes) -> None:
            raise UnsupportedAlgorithm("not in this OpenSSL")

        from_public_bytes = from_seed_bytes

    monkeypatch.setattr(mldsa, "MLDSA44PrivateKey", Lacking)
    monkeypatch.setattr(mldsa, "MLDSA44PublicKey", Lacking)
    for use in (ml_dsa.need, lambda: ml_dsa.valid(KEY.public, b"data", SIGNATURE)):
        with pytest.raises(IdentityError) as caught:
            use()
        assert caught.value.code == "ml-dsa-missing"
