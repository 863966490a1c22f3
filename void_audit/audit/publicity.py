"""What the manifest tells readers of C2PA, held against the plan and the approvals: both must tell one story."""

from __future__ import annotations

from void_audit.audit.claims import ActionEvidence
from void_audit.audit.evidence import Evidence
from void_audit.audit.links import differing
from void_audit.model.plan import EditPlan

DELETED, TRANSCODED = "c2pa.deleted", "c2pa.transcoded"
BY_MODEL, BY_RULES = "compositeWithTrainedAlgorithmicMedia", "composite"
OWN = "org.voidaudit."


def claim_problems(evidence: Evidence, plan: EditPlan) -> list[str]:
    """Obligation 11: the deletion is claimed once, as done by this plan's engine, model or not."""
    if evidence.manifest.state in {"missing", "unreadable"}:
        return []
    deletions = _actions(evidence, DELETED)
    if len(deletions) != 1:
        return [f"the manifest claims {len(deletions)} deletions, not one"]
    claimed = deletions[0].parameters
    said = {
        "edit": plan.edit,
        "source": plan.source,
        "mask": plan.mask.root,
        "engineKind": plan.engine.kind,
        "counterfactualDynamics": "yes" if plan.engine.counterfactual_dynamics else "no",
        "execution": ", ".join(plan.executions) or None,
        "numerics": ", ".join(plan.numerics) or None,
    }
    kind = BY_MODEL if "model" in (plan.engine.kind, plan.refiner.kind) else BY_RULES
    actions = [*deletions, *_actions(evidence, TRANSCODED)]
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
    claimed = [a.parameters.get(OWN + "humanOversight") for a in _actions(evidence, DELETED)]
    if "human_validated" in claimed and not evidence.state.valid_approvers:
        return ["the manifest claims that a person validated the edit, and nobody approved it"]
    return []


def _actions(evidence: Evidence, name: str) -> list[ActionEvidence]:
    return [action for action in evidence.manifest.actions if action.action == name]
