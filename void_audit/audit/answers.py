"""How an obligation is answered."""

from __future__ import annotations

from collections.abc import Callable

from void_audit.audit.evidence import Evidence
from void_audit.model.report import Finding, Obligation, State

MAX_RECORDS = 1000
"""Of one edit whose contents are compared. People make fewer; a forger could keep a verifier busy for hours."""

Check = Callable[[Evidence], Finding]

TITLES: dict[Obligation, str] = {
    Obligation.BINDING: "The manifest is present and bound to these bytes",
    Obligation.SIGNER: "The signer chains to a pinned root",
    Obligation.FILE_DIGEST: "The ledger's seal names this very file",
    Obligation.LINEAGE: "The parent is the source that was asked for",
    Obligation.SIGNATURES: "Every record is signed by an enrolled key",
    Obligation.INCLUSION: "Every record is in the signed log",
    Obligation.TIME: "Time is bounded from outside",
    Obligation.ORDER: "Nothing is missing or out of order",
    Obligation.POLICY: "The rules give the recorded verdicts",
    Obligation.APPROVALS: "Enough other people approved this plan",
    Obligation.MASK: "The mask is the recorded one",
    Obligation.MODELS: "Engines and model files are the approved ones",
    Obligation.CONTAINMENT: "Outside the mask it is the source",
    Obligation.DURABLE_MARKS: "Durable marks agree",
    Obligation.REPLAY: "Running the plan again gives the same",
}

NO_RECORDS = "The file carries no void-audit records."
PIN = "--log-key VKEY, obtained from the newsroom by another way than the file."


def too_many(evidence: Evidence) -> str:
    """Why the contents of the edit's records are not compared; empty if they are."""
    found = len(evidence.edit_entries)
    return f"{found} records of one edit; of no more than {MAX_RECORDS} is the content compared." * (
        found > MAX_RECORDS
    )


def passed(obligation: Obligation, detail: str) -> Finding:
    """It holds."""
    return _finding(obligation, State.PASS, detail)


def failed(obligation: Obligation, detail: str, remedy: str = "") -> Finding:
    """It does not hold."""
    return _finding(obligation, State.FAIL, detail, remedy)


def unknown(obligation: Obligation, detail: str, remedy: str = "") -> Finding:
    """It cannot be told; ``remedy`` says what would tell."""
    return _finding(obligation, State.UNKNOWN, detail, remedy)


def not_applicable(obligation: Obligation, detail: str) -> Finding:
    """It does not arise."""
    return _finding(obligation, State.NOT_APPLICABLE, detail)


def first(problems: tuple[str, ...] | list[str], most: int = 3) -> str:
    """The first few problems as one text."""
    more = f" (and {len(problems) - most} more)" if len(problems) > most else ""
    return "; ".join(problems[:most]) + more


def _finding(obligation: Obligation, state: State, detail: str, remedy: str = "") -> Finding:
    return Finding(
        obligation=obligation,
        title=TITLES[obligation],
        state=state,
        detail=bounded(detail),
        remedy=bounded(remedy),
    )


def bounded(text: str) -> str:
    """What a hostile file made us say stays printable, short, and on its line: it forges no other answer."""
    printable = "".join(c if c.isprintable() else "\ufffd" for c in " ".join(text.split("\n")))
    return printable if len(printable) <= 2000 else printable[:2000] + " ..."
