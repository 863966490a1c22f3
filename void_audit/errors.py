"""Every error that void-audit raises on purpose.

    VoidAuditError
    ├── InputError                 exit 2   what was given cannot be used
    │   ├── ClipError                       the video: missing, truncated, unsupported
    │   ├── RequestError                    edit.yaml, prompt.json, clicks
    │   ├── MaskError                       values, size, number of frames
    │   ├── WorkspaceError                  none here, already there, unknown edit
    │   ├── IdentityError                   unknown person, wrong passphrase
    │   ├── WeightsError                    a model file is missing or is another one
    │   └── PolicyPackError                 a rule pack does not load
    ├── StorageError               exit 2   disk full, not writable, database from a newer version
    ├── OrderError                 exit 2   this step is not possible now
    ├── EvidenceError              exit 1   bytes that should prove something do not
    │   ├── EnvelopeError                   DSSE envelope or statement
    │   ├── NoteError                       signed note, checkpoint
    │   ├── ProofError                      inclusion, consistency
    │   ├── TokenError                      an RFC 3161 token, or the authority that should give one
    │   ├── LedgerError                     the stored log contradicts itself
    │   ├── ManifestError                   C2PA manifest or its evidence
    │   └── BundleError                     an evidence bundle is not as it was written
    ├── ReasoningError             exit 1   a reasoner failed, refused, or gave an answer that cannot be used
    ├── SealError                  exit 1   the output could not be sealed, so it is not delivered
    ├── DeniedError                exit 4   policy says no, or approvals are missing
    └── Cancelled                  exit 130 stopped by the user; nothing is lost

Each raise names a stable ``code`` (kebab-case), what is wrong with which value, and what to do next.
"""

from __future__ import annotations


class VoidAuditError(Exception):
    """Base of the tree.

    Args:
        code: stable identifier, kebab-case, e.g. ``clip-truncated``.
        message: what is wrong, with which value.
        hint: what the reader can do next.
    """

    exit_code = 1

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InputError(VoidAuditError):
    """What was given cannot be used."""

    exit_code = 2


class ClipError(InputError):
    """A video file is missing, damaged or of a kind that is not supported."""


class RequestError(InputError):
    """``edit.yaml``, ``prompt.json`` or the clicks are not usable."""


class MaskError(InputError):
    """A mask has the wrong values, size or number of frames."""


class WorkspaceError(InputError):
    """No workspace here, one is already here, or it does not know this edit."""


class IdentityError(InputError):
    """An unknown person, a key that exists already, or a wrong passphrase."""


class WeightsError(InputError):
    """A model file is missing or its digest is not the registered one."""


class PolicyPackError(InputError):
    """A rule pack cannot be loaded: nothing is evaluated with it."""


class StorageError(VoidAuditError):
    """The disk is full, a place is not writable, or a database is from a newer version."""

    exit_code = 2


class OrderError(VoidAuditError):
    """The step asked for is not possible in the edit's present state."""

    exit_code = 2


class EvidenceError(VoidAuditError):
    """Bytes that should prove something do not. Adversary errors, never programmer errors."""

    exit_code = 1


class EnvelopeError(EvidenceError):
    """A DSSE envelope or the statement in it is malformed or badly signed."""


class NoteError(EvidenceError):
    """A signed note or checkpoint is malformed or badly signed."""


class ProofError(EvidenceError):
    """An inclusion or consistency proof does not prove what it should."""


class TokenError(EvidenceError):
    """A time-stamp token does not prove what it should, or no authority gave one that does."""


class LedgerError(EvidenceError):
    """The stored log contradicts itself or its signed checkpoints."""


class ManifestError(EvidenceError):
    """A C2PA manifest, or the evidence embedded in it, cannot be read."""


class BundleError(EvidenceError):
    """An evidence bundle is not the one container, with the one listing, that was written."""


class ReasoningError(VoidAuditError):
    """A reasoner could not be asked, refused, or gave an answer that does not fit.

    Codes: ``reasoner-key``, ``reasoner-unreachable``, ``reasoner-timeout``, ``reasoner-quota``,
    ``reasoner-refused`` (its safety rules), ``reasoner-failed``, ``reply-malformed``, ``reply-out-of-bounds``.

    Args:
        exchange: a ``model.reasoning.Exchange`` with what was sent and what came, for the record.

    ``retry_after`` is set where a service asks to wait: seconds from now.
    """

    exit_code = 1

    def __init__(self, code: str, message: str, hint: str = "", exchange: object | None = None) -> None:
        super().__init__(code, message, hint)
        self.exchange = exchange
        self.retry_after: float | None = None


class SealError(VoidAuditError):
    """The output could not be sealed, so it is not delivered."""

    exit_code = 1


class DeniedError(VoidAuditError):
    """Policy denies, cannot be evaluated, or approvals are missing."""

    exit_code = 4


class Cancelled(VoidAuditError):
    """Stopped by the user. Everything recorded so far is kept; the same command resumes."""

    exit_code = 130
