"""Obligation 8: the recorded facts against the recorded packs must give the recorded decision."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from void_audit.errors import PolicyPackError
from void_audit.model.decision import PolicyDecision, RuleOutcome
from void_audit.model.facts import Facts
from void_audit.policy.compiled import parse_pack
from void_audit.policy.engine import PolicyEngine
from void_audit.policy.evaluate import evaluate


def replay(
    decision: PolicyDecision, facts: Facts, pack_texts: Iterable[bytes], engine: PolicyEngine | None = None
) -> PolicyDecision:
    """The decision, made again. Texts are found by the digests that ``decision`` names, in its order.

    The rules' own tests are not run: they decide what may be used, not what was decided.

    Raises:
        PolicyPackError: ``pack-missing`` if a named digest is not among ``pack_texts``; ``pack-schema`` or
            ``pack-cel`` if a text is no pack; ``pack-duplicate``.
    """
    texts = {hashlib.sha256(text).hexdigest(): text for text in pack_texts}
    for ref in decision.packs:
        if ref.sha256 not in texts:
            raise PolicyPackError(
                "pack-missing",
                f"The text of rule pack {ref.name} {ref.version} (SHA-256 {ref.sha256}) is not at hand.",
                "Give the exact bytes that the record names.",
            )
    packs = [parse_pack(texts[ref.sha256], engine) for ref in decision.packs]
    return evaluate(packs, facts, decision.stage)


def differences(recorded: PolicyDecision, replayed: PolicyDecision) -> tuple[str, ...]:
    """What the two do not agree on, in words; empty if they agree.

    The evaluator's name and the wording of its errors are not compared: another version, or another
    implementation of CEL, must come to the same outcomes.
    """
    return tuple(_differences(recorded, replayed))


def _differences(recorded: PolicyDecision, replayed: PolicyDecision) -> Iterator[str]:
    for field in ("stage", "verdict", "approvals_required"):
        was, now = getattr(recorded, field), getattr(replayed, field)
        if was != now:
            yield f"{field}: recorded {was}, recomputed {now}"
    was_packs, now_packs = ([(p.name, p.version, p.sha256) for p in d.packs] for d in (recorded, replayed))
    if was_packs != now_packs:
        yield f"packs: recorded {was_packs}, recomputed {now_packs}"
    for one, other in zip_longest(recorded.outcomes, replayed.outcomes):
        name = f"{(one or other).pack}/{(one or other).rule}"
        if one is None or other is None:
            yield f"{name}: {'not recorded' if one is None else 'recorded, but not recomputed'}"
        elif _comparable(one) != _comparable(other):
            yield f"{name}: the recorded outcome is not the recomputed one"


def _comparable(outcome: RuleOutcome) -> RuleOutcome:
    conditions = tuple(c.model_copy(update={"error": ""}) for c in outcome.conditions)
    return outcome.model_copy(update={"conditions": conditions})
