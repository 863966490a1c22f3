"""Recomputes recorded policy decisions, and holds their facts against the other records."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from void_audit.audit.evidence import Evidence
from void_audit.errors import VoidAuditError
from void_audit.model.decision import PolicyDecision
from void_audit.model.facts import Facts
from void_audit.model.lifecycle import EditState
from void_audit.model.records import PolicyDecisionRecord
from void_audit.policy.replay import differences, replay


def decision_problems(
    evidence: Evidence, records: Sequence[PolicyDecisionRecord]
) -> tuple[list[str], list[str]]:
    """What does not hold, and what is missing, for all recorded decisions."""
    problems: list[str] = []
    missing: list[str] = []
    for record in records:
        where = f"decision at stage {record.stage}"
        try:
            parts = _parts(evidence, record)
            if parts is None:
                missing.append(f"{where}: the file does not carry its facts, decision or rule packs")
                continue
            decision, facts, packs = parts
            problems += [f"{where}: {p}" for p in _differences(record, decision)]
            again = replay(decision, facts, packs)
            problems += [f"{where}: {p}" for p in differences(decision, again)]
            problems += [f"{where}: {p}" for p in _contradictions(evidence.state, facts)]
        except (VoidAuditError, ValidationError) as error:
            problems.append(f"{where}: {error}")
    return problems, missing


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


def _contradictions(state: EditState, facts: Facts) -> list[str]:
    """Facts that another record states otherwise: a verdict on invented facts proves nothing."""
    pairs: list[tuple[str, object, object]] = []
    if state.intent:
        pairs.append(("operation", facts.request.operation, state.intent.operation))
        pairs.append(("asset class", facts.request.asset_class, state.intent.asset_class))
        pairs.append(("distribution", facts.request.distribution, state.intent.distribution))
    if state.source:
        pairs.append(("source credentials", facts.source.credentials, state.source.credentials))
    if state.mask and facts.mask:
        shares = state.mask.statistics
        pairs.append(("opened area", facts.mask.opened_percent_max, 100 * shares.max_opened_share))
        pairs.append(("affected area", facts.mask.affected_percent_max, 100 * shares.max_share[2]))
    if state.reasoning and facts.reasoning:
        pairs.append(("reasoner", facts.reasoning.engine, state.reasoning.engine.name))
        pairs.append(("affected things", facts.reasoning.affected, state.reasoning.affected))
    if state.composite and facts.output:
        changed = state.composite.keep_samples_changed
        pairs.append(("changed KEEP samples", facts.output.keep_samples_changed, changed))
    if state.output and facts.output:
        pairs.append(("containment", facts.output.containment_worst, state.output.containment_worst))
    return [f"the facts say {name} {said!r}, the records {is_!r}" for name, said, is_ in pairs if said != is_]
