"""Recomputes recorded policy decisions, and holds their facts against the other records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from pydantic import ValidationError

from void_audit.audit.evidence import Evidence
from void_audit.audit.expected import engine_problems, fact_problems
from void_audit.audit.links import read_plan
from void_audit.errors import VoidAuditError
from void_audit.model.base import BlobRef
from void_audit.model.decision import PolicyDecision
from void_audit.model.facts import Facts
from void_audit.model.plan import EditPlan
from void_audit.model.proof import StoredEntry
from void_audit.model.records import PlanRecord, PolicyDecisionRecord
from void_audit.policy.replay import differences, replay


def decision_problems(evidence: Evidence, entries: Sequence[StoredEntry]) -> tuple[list[str], list[str]]:
    """What does not hold, and what is missing, for all recorded decisions."""
    problems: list[str] = []
    missing: list[str] = []
    for entry in entries:
        record = cast(PolicyDecisionRecord, entry.statement.predicate)
        where = f"decision at stage {record.stage}"
        named = {s.name: s.digest.get("sha256") for s in entry.statement.subjects}
        if named != {"facts": record.facts.sha256, "decision": record.decision.sha256}:
            problems.append(f"{where}: its subjects are not the facts and the decision that it names")
        try:
            parts = _parts(evidence, record)
            if parts is None:
                missing.append(f"{where}: the file does not carry its facts, decision or rule packs")
                continue
            decision, facts, packs = parts
            problems += [f"{where}: {p}" for p in _differences(record, decision)]
            again = replay(decision, facts, packs)
            problems += [f"{where}: {p}" for p in differences(decision, again)]
            wrong, absent = fact_problems(evidence, entry, record.stage, facts)
            problems += [f"{where}: {p}" for p in wrong]
            missing += [f"{where}: {m}" for m in absent]
        except ValidationError as error:
            problems.append(f"{where}: {_malformed(error)}")
        except (VoidAuditError, ValueError) as error:
            problems.append(f"{where}: {error}")
    return problems, missing


def engine_fact_problems(evidence: Evidence) -> list[str]:
    """What policy was told of the engines, held against the plan that was then in force (obligation 11)."""
    problems: list[str] = []
    plan: EditPlan | None = None
    for entry in evidence.edit_entries:
        record = entry.statement.predicate
        if isinstance(record, PlanRecord):
            plan = read_plan(evidence, record)
        if isinstance(record, PolicyDecisionRecord) and plan is not None:
            text = evidence.blob(record.facts)
            facts = Facts.model_validate_json(text) if text is not None else None
            problems += engine_problems(evidence, record.stage, facts, plan) if facts else []
    return problems


def fact_refs(evidence: Evidence) -> list[BlobRef]:
    """What policy was told, at each stage."""
    records = (entry.statement.predicate for entry in evidence.edit_entries)
    return [record.facts for record in records if isinstance(record, PolicyDecisionRecord)]


def _parts(
    evidence: Evidence, record: PolicyDecisionRecord
) -> tuple[PolicyDecision, Facts, list[bytes]] | None:
    decision, facts = evidence.blob(record.decision), evidence.blob(record.facts)
    if decision is None or facts is None:
        return None
    parsed = PolicyDecision.model_validate_json(decision)
    packs = [evidence.stored(pack.sha256) for pack in parsed.packs]
    found = [pack for pack in packs if pack is not None]
    if len(found) < len(packs):
        return None
    return parsed, Facts.model_validate_json(facts), found


def _malformed(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])[:120] or "its JSON"
    return f"{error.title} does not keep to its schema: {place}: {first['msg'][:120]}"


def _differences(record: PolicyDecisionRecord, decision: PolicyDecision) -> list[str]:
    """The record in the log must summarise the decision that it refers to."""
    fired = tuple(f"{o.pack}/{o.rule}" for o in decision.outcomes if o.fired or o.error)
    packs = {pack.name: pack.sha256 for pack in decision.packs}
    pairs: tuple[tuple[str, object, object], ...] = (
        ("stage", record.stage, decision.stage),
        ("verdict", record.verdict, decision.verdict),
        ("approvals", record.approvals_required, decision.approvals_required),
        ("packs", dict(record.packs), packs),
        ("rules that applied", record.fired, fired),
    )
    return [
        f"{name}: the record says {said!r}, the decision {is_!r}" for name, said, is_ in pairs if said != is_
    ]
