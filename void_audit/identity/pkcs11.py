"""The log's key and the seal's key on a PKCS#11 token: a hardware module, or SoftHSM (extra ``hsm``).

The private key never leaves the token. Keys are made there with the token's own tools (docs/keys.md). Every signature
is verified against the token's public key before it is used. A PIN is tried once in a process and never where one
more wrong try would lock the token.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from void_audit.canon.keys import ed25519_valid, key_id
from void_audit.errors import IdentityError
from void_audit.identity.token_uri import TokenUri

AskPin = Callable[[str], str | None]

_DER = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
_P256 = bytes.fromhex("06082a8648ce3d030107")
"""DER of the object identifier prime256v1."""
_ED25519 = {bytes.fromhex("06032b6570"), b"\x13\x0cedwards25519"}
"""Both ways in which PKCS#11 names the curve (RFC 8410's identifier; PKCS#11 v3.0's printable string)."""

_open: dict[tuple[str, str], _Session] = {}
_refused: set[tuple[str, str]] = set()
"""Tokens, by module and serial number: opened, or whose PIN was wrong."""
_lock = threading.Lock()


class _Session:
    """A token, logged in. One session serves all keys and threads of the process, one call at a time."""

    def __init__(self, handle: Any, name: str) -> None:  # noqa: ANN401 - the library is not typed
        self.handle, self.name, self.lock = handle, name, threading.Lock()


class TokenKey:
    """A private key on a token, and its public key as ``cryptography`` has it."""

    def __init__(self, session: _Session, private: Any, uri: TokenUri) -> None:  # noqa: ANN401
        self._session, self._private, self._uri = session, private, uri

    def _sign(self, data: bytes, mechanism: str) -> bytes:
        import pkcs11  # noqa: PLC0415 - an extra

        with _lost(self._session), self._session.lock, _errors(self._uri, "sign"):
            return bytes(self._private.sign(data, mechanism=getattr(pkcs11.Mechanism, mechanism)))

    def _bad_signature(self) -> IdentityError:
        return IdentityError(
            "token-signature",
            f"What token {self._uri.token_name} returned is no signature under key {self._uri.key_name}.",
            "Nothing was recorded. Check that public and private object of that name belong together.",
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._uri})"


class TokenLogKey(TokenKey):
    """An Ed25519 key on a token. Implements ``model.signing.LogSigner``."""

    def __init__(self, session: _Session, private: Any, uri: TokenUri, raw: bytes) -> None:  # noqa: ANN401
        super().__init__(session, private, uri)
        self._raw = raw

    @property
    def public_der(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        return Ed25519PublicKey.from_public_bytes(self._raw).public_bytes(*_DER)

    @property
    def key_id(self) -> str:
        """SHA-256 of ``public_der``, hexadecimal."""
        return key_id(self.public_der)

    def sign(self, data: bytes) -> bytes:
        """The 64-byte Ed25519 signature over ``data``. Raises IdentityError ``token-*``."""
        signature = self._sign(data, "EDDSA")
        if len(signature) != 64 or not ed25519_valid(self._raw, data, signature):
            raise self._bad_signature()
        return signature


class TokenSealKey(TokenKey):
    """A P-256 key on a token. Implements ``seal.certificates.SealKey``."""

    def __init__(
        self,
        session: _Session,
        private: Any,  # noqa: ANN401
        uri: TokenUri,
        public: ec.EllipticCurvePublicKey,
    ) -> None:
        super().__init__(session, private, uri)
        self._public = public

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Its public key."""
        return self._public

    def sign(self, data: bytes) -> bytes:
        """ES256 over ``data``: r and s, 32 bytes each. Raises IdentityError ``token-*``."""
        signature = self._sign(hashlib.sha256(data).digest(), "ECDSA")
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        try:
            self._public.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise self._bad_signature() from None
        if len(signature) != 64:
            raise self._bad_signature()
        return signature


def open_log_key(uri: TokenUri, ask_pin: AskPin) -> TokenLogKey:
    """The Ed25519 key that ``uri`` names.

    Raises:
        IdentityError: ``extra-missing``, ``token-module``, ``token-missing``, ``token-ambiguous``, ``token-pin``,
            ``token-pin-final``, ``token-failed``, ``key-missing``, ``key-ambiguous``, ``key-type``.
    """
    session, private, params, point = _find(uri, ask_pin, "EC_EDWARDS")
    if params not in _ED25519 or len(point) != 32:
        raise _other_type(uri, "an Ed25519 key")
    return TokenLogKey(session, private, uri, point)


def open_seal_key(uri: TokenUri, ask_pin: AskPin) -> TokenSealKey:
    """The P-256 key that ``uri`` names. Raises as ``open_log_key``."""
    session, private, params, point = _find(uri, ask_pin, "EC")
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise _other_type(uri, "a P-256 key") from None
    if params != _P256:
        raise _other_type(uri, "a P-256 key")
    return TokenSealKey(session, private, uri, public)


def _find(uri: TokenUri, ask_pin: AskPin, kind: str) -> tuple[_Session, Any, bytes, bytes]:
    """Session, private key object, curve parameters and public point (unwrapped)."""
    session = _session(uri, ask_pin)
    import pkcs11  # noqa: PLC0415 - an extra, known to be there by now

    private = _object(session, uri, pkcs11.ObjectClass.PRIVATE_KEY, kind)
    public = _object(session, uri, pkcs11.ObjectClass.PUBLIC_KEY, kind)
    with session.lock, _errors(uri, "read the public key"):
        params = bytes(public[pkcs11.Attribute.EC_PARAMS])
        point = bytes(public[pkcs11.Attribute.EC_POINT])
    return session, private, params, _unwrapped(point, {"EC": 65, "EC_EDWARDS": 32}[kind])


def _object(session: _Session, uri: TokenUri, object_class: Any, kind: str) -> Any:  # noqa: ANN401
    import pkcs11  # noqa: PLC0415 - an extra

    wanted: dict[Any, Any] = {pkcs11.Attribute.CLASS: object_class}
    if uri.label is not None:
        wanted[pkcs11.Attribute.LABEL] = uri.label
    if uri.id is not None:
        wanted[pkcs11.Attribute.ID] = uri.id
    with session.lock, _errors(uri, "look for a key"):
        found = list(session.handle.get_objects(wanted))
    what = object_class.name.lower().replace("_", " ")
    if not found:
        raise IdentityError(
            "key-missing",
            f"There is no {what} {uri.key_name!r} on token {uri.token_name}.",
            "Both halves of a key pair must be there, under the same name and id (docs/keys.md).",
        )
    if len(found) > 1:
        raise IdentityError(
            "key-ambiguous",
            f"There are {len(found)} objects of kind {what} called {uri.key_name!r} on token {uri.token_name}.",
            "Name the key by its id too: ;id=%01",
        )
    if found[0].key_type != getattr(pkcs11.KeyType, kind):
        raise _other_type(uri, "an Ed25519 key" if kind == "EC_EDWARDS" else "a P-256 key")
    return found[0]


def _session(uri: TokenUri, ask_pin: AskPin) -> _Session:
    with _lock:
        token = _token(uri)
        place = (uri.module, bytes(token.serial).hex())
        if place in _open:
            return _open[place]
        if place in _refused:
            raise _wrong_pin(uri)
        _refuse_last_try(token, uri)
        pin = ask_pin(uri.token_name)
        if not pin:
            raise IdentityError(
                "token-pin", f"Token {uri.token_name} wants a PIN.", "Set VOID_AUDIT_PIN, or type it."
            )
        session = _Session(_login(token, pin, uri, place), uri.token_name)
        _open[place] = session
        return session


def _login(token: Any, pin: str, uri: TokenUri, place: tuple[str, str]) -> Any:  # noqa: ANN401
    import pkcs11  # noqa: PLC0415 - an extra

    with _errors(uri, "log in"):
        try:
            return token.open(user_pin=pin)
        except (pkcs11.PinIncorrect, pkcs11.PinLenRange, pkcs11.PinInvalid):
            _refused.add(place)
            raise _wrong_pin(uri) from None
        except pkcs11.UserAlreadyLoggedIn:
            return token.open()


def _token(uri: TokenUri) -> Any:  # noqa: ANN401
    try:
        import pkcs11  # noqa: PLC0415 - an extra
    except ImportError:
        raise IdentityError(
            "extra-missing", "Keys on PKCS#11 tokens need python-pkcs11.", "pip install 'void-audit[hsm]'"
        ) from None
    try:
        library = pkcs11.lib(uri.module)
    except Exception as error:  # noqa: BLE001 - a library that is none fails in its own ways
        raise IdentityError(
            "token-module",
            f"{uri.module} cannot be used as a PKCS#11 library: {str(error)[:200] or type(error).__name__}.",
            "Check module-path, and what the library itself wants (SOFTHSM2_CONF, for one).",
        ) from None
    with _errors(uri, "look for the token"):
        slots = library.get_slots(token_present=True)
        tokens = [slot.get_token() for slot in slots]
    serial = None if uri.serial is None else uri.serial.encode()
    found = [
        token
        for token in tokens
        if (uri.token is None or token.label == uri.token)
        and (serial is None or bytes(token.serial).strip() == serial)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise IdentityError(
            "token-ambiguous",
            f"{len(found)} tokens are called {uri.token_name}.",
            "Name it by its serial number: serial=...",
        )
    labels = ", ".join(sorted(repr(token.label) for token in tokens)[:5]) or "none"
    raise IdentityError(
        "token-missing",
        f"There is no token {uri.token_name}. There are: {labels}.",
        "Insert it, or correct the name.",
    )


def _refuse_last_try(token: Any, uri: TokenUri) -> None:  # noqa: ANN401
    from pkcs11 import TokenFlag  # noqa: PLC0415 - an extra

    if token.flags & (TokenFlag.USER_PIN_LOCKED | TokenFlag.USER_PIN_FINAL_TRY):
        raise IdentityError(
            "token-pin-final",
            f"Token {uri.token_name} is locked, or one more wrong PIN would lock it: none is tried.",
            "Log in once with the token's own tool, which takes the count back.",
        )


@contextmanager
def _errors(uri: TokenUri, what: str) -> Iterator[None]:
    """Whatever the token says becomes one clear error. PKCS#11 errors carry no text of their own."""
    from pkcs11 import PKCS11Error  # noqa: PLC0415 - an extra

    try:
        yield
    except PKCS11Error as error:
        raise IdentityError(
            "token-failed",
            f"Token {uri.token_name} could not {what}: {type(error).__name__} {str(error)[:100]}".rstrip()
            + ".",
            "Check that it is there and logged in, and give the command again.",
        ) from error


@contextmanager
def _lost(session: _Session) -> Iterator[None]:
    """A session that failed is not used again: whoever opens the key next gets another."""
    try:
        yield
    except IdentityError:
        with _lock:
            for place in [place for place, known in _open.items() if known is session]:
                del _open[place]
        raise


def _unwrapped(point: bytes, size: int) -> bytes:
    """A public point without the OCTET STRING that PKCS#11 puts around it, and some tokens leave out."""
    if len(point) == size + 2 and point[:2] == bytes([0x04, size]):
        return point[2:]
    return point


def _wrong_pin(uri: TokenUri) -> IdentityError:
    return IdentityError(
        "token-pin",
        f"The PIN does not open token {uri.token_name}. It is not tried again.",
        "After a few wrong ones a token locks itself: be sure before you repeat the command.",
    )


def _other_type(uri: TokenUri, wanted: str) -> IdentityError:
    return IdentityError(
        "key-type",
        f"Key {uri.key_name!r} on token {uri.token_name} is not {wanted}.",
        "The log's key is Ed25519, the seal's P-256 (docs/keys.md).",
    )
