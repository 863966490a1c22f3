"""What the manifest tells readers of C2PA, held against the plan and the approvals: both must tell one story."""

from __future__ import annotations

from void_audit.audit.claims import ActionEvidence
from void_audit.audit.evidence import Evidence
from void_audit.audit.links import differing
from void_audit.model.plan import EditPlan

DELETED, FILTERED, PLACED, TRANSCODED = "c2pa.deleted", "c2pa.filtered", "c2pa.placed", "c2pa.transcoded"
EDITS = (DELETED, FILTERED, PLACED)
BY_MODEL, BY_RULES, TONED = "compositeWithTrainedAlgorithmicMedia", "composite", "algorithmicallyEnhanced"
OWN = "org.voidaudit."


def claim_problems(evidence: Evidence, plan: EditPlan) -> list[str]:
    """Obligation 11: what was done is claimed once, as done by this plan's engine, model or not."""
    if evidence.manifest.state in {"missing", "unreadable"}:
        return []
    done, edits = _done(evidence, plan), [a for name in EDITS for a in _actions(evidence, name)]
    if sorted(a.action for a in edits) != sorted(done):
        claimed = ", ".join(a.action for a in edits) or "nothing"
        return [f"the manifest claims {claimed}; done was {', '.join(done)}"]
    placed = sum(i.relationship == "componentOf" for i in evidence.manifest.ingredients)
    if placed != (PLACED in done):
        return [f"the manifest names {placed} clips that were put in, not {int(PLACED in done)}"]
    return [problem for action in edits for problem in _differences(evidence, plan, action)]


def _done(evidence: Evidence, plan: EditPlan) -> list[str]:
    """What this plan does to the picture, in C2PA's words."""
    if plan.pass1.engine == "supplied":
        return [PLACED]
    if plan.pass1.engine == "de-emphasize":
        return [FILTERED, DELETED] if _removes(evidence) else [FILTERED]
    return [DELETED]


def _removes(evidence: Evidence) -> bool:
    mask = evidence.state.mask
    if mask is None or len(mask.statistics.max_share) != len(mask.mask_schema.classes):
        return True  # what obligation 10 says of such a record is enough
    return mask.mask_schema.share(mask.statistics.max_share, "removed") > 0


def _differences(evidence: Evidence, plan: EditPlan, edit: ActionEvidence) -> list[str]:
    """What one claimed action says otherwise than the plan."""
    claimed = edit.parameters
    said = {
        "edit": plan.edit,
        "source": plan.source,
        "mask": plan.mask.root,
        "engineKind": plan.engine.kind,
        "counterfactualDynamics": "yes" if plan.engine.counterfactual_dynamics else "no",
        "execution": ", ".join(plan.executions) or None,
        "numerics": ", ".join(plan.numerics) or None,
    }
    only_toned = _done(evidence, plan) == [FILTERED]
    by_rules = TONED if only_toned else BY_RULES
    kind = BY_MODEL if "model" in (plan.engine.kind, plan.refiner.kind) else by_rules
    actions = [edit, *_actions(evidence, TRANSCODED)]
    return differing(
        [
            *(
                (f"{name} in manifest and plan", claimed.get(OWN + name), value)
                for name, value in said.items()
            ),
            *(
                (f"source type of {a.action}", a.digital_source_type.rpartition("/")[2], kind)
                for a in actions
            ),
        ]
    )


def oversight_problems(evidence: Evidence) -> list[str]:
    """Obligation 9: the manifest says that people approved only if they did."""
    claimed = [a.parameters.get(OWN + "humanOversight") for name in EDITS for a in _actions(evidence, name)]
    if "human_validated" in claimed and not evidence.state.valid_approvers:
        return ["the manifest claims that a person validated the edit, and nobody approved it"]
    return []


def _actions(evidence: Evidence, name: str) -> list[ActionEvidence]:
    return [action for action in evidence.manifest.actions if action.action == name]
