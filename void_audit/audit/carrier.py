"""Obligations 0 to 3: the file, its manifest, its digest in the ledger, its parent."""

from __future__ import annotations

from void_audit.audit.answers import NO_RECORDS, failed, first, passed, unknown
from void_audit.audit.claims import ManifestState
from void_audit.audit.erased import GONE, erased_of
from void_audit.audit.essence import essence_problems
from void_audit.audit.evidence import Evidence, open_pinned, parse
from void_audit.audit.links import differing, read_plan
from void_audit.audit.validity import trusted_then
from void_audit.canon import merkle
from void_audit.canon.dsse import Envelope
from void_audit.canon.hashing import sha256_file
from void_audit.canon.proof import verify_logged
from void_audit.errors import EvidenceError
from void_audit.identity.records import verify_record
from void_audit.model.proof import Receipt, StoredEntry
from void_audit.model.records import SealRecord, Source
from void_audit.model.report import Finding, Obligation

PROMPT_TITLE = "prompt.json"
NAMED_BY = "SHA-256 "
"""Before the digest in the description of a clip that was put in; files of before it was written have none."""


def binding(evidence: Evidence) -> Finding:
    """(0) The manifest is present and its hard binding matches these bytes."""
    manifest = evidence.manifest
    if not evidence.has_video:
        return unknown(
            Obligation.BINDING,
            "The bundle holds the records without the video; its own bytes are those that its listing names.",
            "The finished file, or a bundle that was made without --no-media.",
        )
    if manifest.state == "missing":
        return unknown(
            Obligation.BINDING,
            "No C2PA manifest was found in the file or beside it.",
            "The file as it was delivered: copies made by platforms and editors lose the manifest.",
        )
    if manifest.state == "unreadable":
        return failed(
            Obligation.BINDING, f"There is a manifest, but it cannot be read: {first(manifest.problems)}"
        )
    if manifest.binding_failures:
        return failed(
            Obligation.BINDING,
            f"The bytes are not those that were sealed: {first(manifest.binding_failures)}",
            "Get the file as it was delivered.",
        )
    return passed(Obligation.BINDING, f"Manifest {manifest.label}; every hash that it holds matches.")


def signer(evidence: Evidence) -> Finding:
    """(1) The signer chains to a pinned root, and every ingredient's own state is sound."""
    manifest = evidence.manifest
    if manifest.state in {"missing", "unreadable"}:
        return unknown(Obligation.SIGNER, "There is no manifest to look at.", "See obligation 0.")
    if not evidence.pins.trust_pem:
        return unknown(
            Obligation.SIGNER,
            f"Signed by {manifest.issuer}, but no root is pinned: anybody can make such a certificate.",
            "--trust root.pem, obtained from the newsroom by another way than the file.",
        )
    then = trusted_then(evidence)
    if then is None and (manifest.signer_failures or not manifest.trusted_signer):
        why = first(manifest.signer_failures) or "signingCredential.untrusted"
        return failed(Obligation.SIGNER, f"{manifest.issuer} does not chain to the pinned root: {why}")
    if manifest.ingredient_failures:
        return failed(Obligation.SIGNER, f"An ingredient is damaged: {first(manifest.ingredient_failures)}")
    since = f" {then}" if then else ""
    return passed(Obligation.SIGNER, f"Signed by {manifest.issuer}, under a root that you pinned.{since}")


def file_digest(evidence: Evidence) -> Finding:
    """(2) The finished file's SHA-256 is the one in the ledger's seal record."""
    other = essence_problems(evidence)
    if other:
        return failed(
            Obligation.FILE_DIGEST,
            f"This is not the recorded output: {first(other)}.",
            "Its manifest carries the records of another video.",
        )
    if not evidence.has_video:
        sealed = evidence.subject("seal", "sealed")
        return unknown(
            Obligation.FILE_DIGEST,
            f"The bundle holds no video. By its records the finished file has SHA-256 {sealed}.",
            "The finished file: compare its SHA-256, or verify it with its receipt.",
        )
    if evidence.receipt is None and evidence.bundle is None:
        return unknown(
            Obligation.FILE_DIGEST,
            f"SHA-256 {evidence.sha256}; {evidence.receipt_problem}. A file cannot hold its own digest.",
            f"--receipt FILE: {evidence.file.name}.receipt was written beside the file when it was delivered.",
        )
    if evidence.checkpoint is None:
        return unknown(
            Obligation.FILE_DIGEST, f"The log is not known: {evidence.checkpoint_problem}.", "--log-key"
        )
    try:
        entry = _proven_seal(evidence, evidence.receipt)
    except (EvidenceError, ValueError) as error:
        what = "record of the seal" if evidence.bundle else "receipt"
        return failed(Obligation.FILE_DIGEST, f"The {what} does not hold: {error}")
    subjects = {s.name: s.digest.get("sha256") for s in entry.statement.subjects}
    if subjects.get("sealed") != evidence.sha256:
        return failed(
            Obligation.FILE_DIGEST,
            f"This file is {evidence.sha256}, the ledger sealed {subjects.get('sealed')}.",
            "Get the file as it was delivered.",
        )
    return passed(Obligation.FILE_DIGEST, f"SHA-256 {evidence.sha256} is in entry {entry.index} of the log.")


def lineage(evidence: Evidence) -> Finding:
    """(3) The parent is the source named by the intent, and the source's own credentials were kept."""
    source = evidence.state.source
    asked = evidence.subject("intent", "source")
    stored = evidence.subject("source", "source")
    if source is None or asked is None or stored is None:
        return unknown(Obligation.LINEAGE, NO_RECORDS, "A file that was sealed by void-audit.")
    if asked != stored:
        return failed(Obligation.LINEAGE, f"The intent names source {asked}, the edit began with {stored}.")
    plan = read_plan(evidence, evidence.state.plan)
    if plan is not None and plan.source != stored:
        return failed(
            Obligation.LINEAGE, f"The plan is for source {plan.source}, the edit began with {stored}."
        )
    problem = _parent_problem(evidence, source) or _supplied_problem(evidence) or _prompt_problem(evidence)
    if problem:
        return failed(Obligation.LINEAGE, problem)
    if evidence.source_sha256 and evidence.source_sha256 != stored:
        return failed(
            Obligation.LINEAGE,
            f"The clip given as source is {evidence.source_sha256}, the edit's is {stored}.",
        )
    prompt = evidence.state.prompt
    if prompt and PROMPT_TITLE in evidence.manifest.embedded and evidence.blob(prompt) is None:
        gone = erased_of(evidence, [prompt])
        why = gone or "the prompt that the records name is not at hand."
        return unknown(
            Obligation.LINEAGE,
            f"Made from {stored}; whether the embedded prompt is the recorded one cannot be told: {why}",
            GONE if gone else "The prompt that the records name.",
        )
    given = "the clip given is that source" if evidence.source_sha256 else "the source itself was not given"
    return passed(
        Obligation.LINEAGE,
        f"Made from {stored} (its own credentials: {source.credentials}); {given}.{_put_in(evidence)}",
    )


def _parent_problem(evidence: Evidence, source: Source) -> str:
    parents = evidence.manifest.parents
    if evidence.manifest.state not in {"missing", "unreadable"} and len(parents) != 1:
        return f"The manifest names {len(parents)} parents, not one."
    if source.credentials == "none" and parents and parents[0].has_manifest:
        return "The records say that the source had no credentials; the parent ingredient carries some."
    broken = {ManifestState.INVALID, ManifestState.UNREADABLE}
    if source.credentials in {"valid", "trusted"} and parents and parents[0].state in broken:
        return f"The records call the source's credentials {source.credentials}; they are {parents[0].state}."
    had = source.credentials in {"valid", "trusted", "invalid"}
    if had and parents and not parents[0].has_manifest:
        return f"The source had {source.credentials} credentials; the parent ingredient does not carry them."
    return ""


def _supplied_problem(evidence: Evidence) -> str:
    """A clip was to be put in if, and only if, the intent names it; and it is the one that the manifest names.

    That the manifest has such a component where pictures were put in, and only there, answers to obligation 11.
    """
    intent, asked = evidence.state.intent, evidence.subject("intent", "supplied")
    if intent is not None and (intent.operation == "replace") != (asked is not None):
        return f"The intent is to {intent.operation}, and names {'a' if asked else 'no'} clip to be put in."
    for component in evidence.manifest.components:
        if component.description and component.description != f"{NAMED_BY}{asked}":
            said = component.description[:100]
            return f"The clip that was put in has {said} by the manifest, {NAMED_BY}{asked or 'none'} by the intent."
    return ""


def _put_in(evidence: Evidence) -> str:
    asked = evidence.subject("intent", "supplied")
    said = any(component.description for component in evidence.manifest.components)
    named = "" if said else " (the manifest does not say which it was)"
    return f" Pictures of {asked} were put in{named}." if asked else ""


def _prompt_problem(evidence: Evidence) -> str:
    """The prompt that readers of the manifest see is the one that it was made with."""
    shown, prompt = evidence.manifest.embedded.get(PROMPT_TITLE), evidence.state.prompt
    asked = evidence.blob(prompt) if prompt else None
    if shown is not None and asked is not None and shown != asked:
        return "The embedded prompt is not the one that the records name."
    return ""


def _proven_seal(evidence: Evidence, receipt: Receipt | None) -> StoredEntry:
    """The seal's entry, shown to be in the pinned log after the file's own checkpoint, by receipt or by bundle."""
    if evidence.bundle is not None and evidence.not_included:
        raise ValueError(first(evidence.not_included))
    entry = _receipts_seal(evidence, receipt) if receipt is not None else None
    if evidence.bundle is not None:
        entry = next((e for e in evidence.entries if isinstance(e.statement.predicate, SealRecord)), None)
    if entry is None:
        raise ValueError("there is no record of the seal")
    seal = entry.statement.predicate
    if not isinstance(seal, SealRecord):
        raise ValueError(f"entry {entry.index} is a {seal.kind}, not a seal")
    verify_record(Envelope.parse(entry.envelope), entry.statement, entry.index, evidence.registry)
    if evidence.assertion and seal.edit != evidence.assertion.edit:
        raise ValueError(f"it seals edit {seal.edit}, the file carries edit {evidence.assertion.edit}")
    if seal.unsealed != evidence.subject("output", "output"):
        raise ValueError("it seals another output than the records name")
    other = _other_manifest(evidence, seal)
    if other:
        raise ValueError(f"it seals another manifest: {first(other)}")
    return entry


def _receipts_seal(evidence: Evidence, receipt: Receipt) -> StoredEntry:
    checkpoint = open_pinned(receipt.checkpoint, evidence.pins)
    verify_logged(receipt.entry, checkpoint)
    inner = evidence.file_checkpoint
    if inner is not None:
        merkle.verify_consistency(
            inner.size,
            inner.root,
            checkpoint.size,
            checkpoint.root,
            [bytes.fromhex(digest) for digest in receipt.consistency],
        )
    return parse(receipt.entry)


def _other_manifest(evidence: Evidence, seal: SealRecord) -> list[str]:
    """In what the file's manifest is not the one that the seal record names."""
    manifest, inner = evidence.manifest, evidence.file_checkpoint
    beside = sha256_file(evidence.sidecar) if evidence.sidecar else None
    return differing(
        [
            ("label", manifest.label, seal.manifest),
            ("certificate", manifest.certificates[:1], (seal.certificate,)),
            ("size of the log", inner.size if inner else None, seal.log_size),
            ("manifest beside the file", beside, seal.sidecar.sha256 if seal.sidecar else None),
        ]
    )
