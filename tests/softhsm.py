"""A SoftHSM token in a folder of its own, with the keys that tests ask for; skips where SoftHSM is not installed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

PIN = "1234"
LABEL = "house"
MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)


def module() -> str:
    """Path of the library; skips if there is none, or no binding for it."""
    pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed (extra hsm)")
    found = next((path for path in MODULES if Path(path).is_file()), None)
    if found is None:
        pytest.skip("SoftHSM is not installed (Debian: softhsm2)")
    return found


class Token:
    """One initialised token. A process can load SoftHSM once only, so all tests of a run share a folder of tokens."""

    def __init__(self, folder: Path, label: str = LABEL) -> None:
        self.module, self.label = module(), label
        config = folder / "softhsm2.conf"
        if not config.exists():
            (folder / "tokens").mkdir(parents=True)
            config.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = str(config)  # the library reads it when it is loaded
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "4321"],
            check=True, capture_output=True,
        )  # fmt: skip
        self._reload()

    def uri(self, name: str, **more: str) -> str:
        """URI of a key on it."""
        extra = "".join(f";{key}={value}" for key, value in more.items())
        return f"pkcs11:token={self.label};object={name}{extra}?module-path={self.module}"

    def make(self, name: str, kind: str, number: int = 1) -> None:
        """Generate a key pair: ``ed25519`` or ``p256``, ``p384``, ``rsa``."""
        import pkcs11  # noqa: PLC0415
        from pkcs11.util.ec import encode_named_curve_parameters  # noqa: PLC0415

        place = {"store": True, "label": name, "id": bytes([number])}
        with self.opened() as session:
            if kind == "rsa":
                session.generate_keypair(pkcs11.KeyType.RSA, 2048, **place)
                return
            params = {
                "ed25519": b"\x13\x0cedwards25519",
                "p256": encode_named_curve_parameters("secp256r1"),
                "p384": encode_named_curve_parameters("secp384r1"),
            }[kind]
            edwards = kind == "ed25519"
            family = pkcs11.KeyType.EC_EDWARDS if edwards else pkcs11.KeyType.EC
            domain = session.create_domain_parameters(
                family, {pkcs11.Attribute.EC_PARAMS: params}, local=True
            )
            if edwards:
                place["mechanism"] = pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN
            domain.generate_keypair(**place)

    def destroy(self, name: str, private: bool = True, public: bool = True) -> None:
        """Take objects away."""
        import pkcs11  # noqa: PLC0415

        with self.opened() as session:
            for wanted, kind in ((private, "PRIVATE_KEY"), (public, "PUBLIC_KEY")):
                query = {pkcs11.Attribute.LABEL: name, pkcs11.Attribute.CLASS: pkcs11.ObjectClass[kind]}
                for found in list(session.get_objects(query)) if wanted else []:
                    found.destroy()

    def opened(self):
        """A session of the test's own."""
        import pkcs11  # noqa: PLC0415

        token = pkcs11.lib(self.module).get_token(token_label=self.label)
        try:
            return token.open(rw=True, user_pin=PIN)
        except pkcs11.UserAlreadyLoggedIn:
            return token.open(rw=True)

    def _reload(self) -> None:
        """The library lists tokens as they were when it was initialised."""
        import pkcs11  # noqa: PLC0415

        from void_audit.identity import pkcs11 as ours  # noqa: PLC0415

        ours._open.clear()
        ours._refused.clear()
        pkcs11.lib(self.module).reinitialize()
