import hashlib
import json

import pytest

from void_audit.errors import PolicyPackError
from void_audit.model.base import BlobRef
from void_audit.model.decision import PolicyDecision
from void_audit.model.facts import Facts
from void_audit.policy.evaluate import evaluate
from void_audit.policy.lint import facts_with
from void_audit.policy.pack import builtin, parse_pack
from void_audit.policy.replay import differences, replay

PACKS = [builtin("news"), builtin("base")]
TEXTS = [pack.text for pack in PACKS]
CASES = [
    ("intent", {}),
    ("intent", {"request": {"asset_class": "news"}}),
    ("plan", {}),
    ("plan", {"mask": {"opened_percent_max": 30.0}, "reasoning": {"words": ["\u8b66\u5bdf", "gun"]}}),
    ("output", {"output": {"containment_worst": 99.0}}),
]


def record(decision, facts):
    """As the ledger keeps them: JSON, and with the packs' blobs filled in."""
    blob = BlobRef(sha256="0" * 64, size=1, media_type="application/yaml")
    packs = tuple(p.model_copy(update={"blob": blob}) for p in decision.packs)
    kept = decision.model_copy(update={"packs": packs})
    return (
        PolicyDecision.model_validate_json(kept.model_dump_json()),
        Facts.model_validate_json(facts.model_dump_json()),
    )


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{len(str(case[1]))}")
def recorded(request):
    stage, changes = request.param
    facts = facts_with(changes, stage)
    return record(evaluate(PACKS, facts, stage), facts)


def test_replay_gives_the_recorded_decision(recorded):
    decision, facts = recorded
    for texts in (TEXTS, reversed(TEXTS), [b"another text", *TEXTS]):
        again = replay(decision, facts, texts)
        assert differences(decision, again) == ()
        assert (again.verdict, again.approvals_required) == (decision.verdict, decision.approvals_required)


def test_another_implementation_comes_to_the_same_decision(recorded, second_engine):
    decision, facts = recorded
    again = replay(decision, facts, TEXTS, second_engine)
    assert again.engine == second_engine.name
    assert differences(decision, again) == ()


def test_a_changed_fact_is_noticed():
    facts = facts_with({"request": {"asset_class": "news"}}, "intent")
    decision, _ = record(evaluate(PACKS, facts, "intent"), facts)
    other = facts_with({}, "intent")
    found = differences(decision, replay(decision, other, TEXTS))
    assert any(text.startswith("verdict: recorded deny") for text in found)
    assert any(text.startswith("news/N01") for text in found)


def test_a_changed_fact_that_changes_no_verdict_is_noticed():
    facts = facts_with({}, "plan")
    decision, _ = record(evaluate(PACKS, facts, "plan"), facts)
    other = facts_with({"mask": {"opened_percent_max": 5.1}}, "plan")
    found = differences(decision, replay(decision, other, TEXTS))
    assert [text.partition(":")[0] for text in found] == ["news/N05", "base/A02"]


def test_a_changed_pack_is_another_pack(recorded):
    decision, facts = recorded
    with pytest.raises(PolicyPackError) as caught:
        replay(decision, facts, [TEXTS[0], TEXTS[1].replace(b"20.0", b"90.0")])
    assert caught.value.code == "pack-missing"
    assert "base" in caught.value.message


def changed(decision, **update):
    return decision.model_copy(update=update)


def outcome_changed(decision, **update):
    first = decision.outcomes[0].model_copy(update=update)
    return changed(decision, outcomes=(first, *decision.outcomes[1:]))


TAMPERINGS = {
    "verdict": lambda d: changed(d, verdict="allow" if d.verdict == "deny" else "deny"),
    "approvals": lambda d: changed(d, approvals_required=d.approvals_required + 1),
    "rule left out": lambda d: changed(d, outcomes=d.outcomes[1:]),
    "last rule left out": lambda d: changed(d, outcomes=d.outcomes[:-1]),
    "no rules": lambda d: changed(d, outcomes=()),
    "rule added": lambda d: changed(d, outcomes=(*d.outcomes, d.outcomes[0])),
    "rules reordered": lambda d: changed(d, outcomes=tuple(reversed(d.outcomes))),
    "fired": lambda d: outcome_changed(d, fired=not d.outcomes[0].fired),
    "effect": lambda d: outcome_changed(d, effect="require"),
    "because": lambda d: outcome_changed(d, because="it is fine"),
    "error hidden": lambda d: outcome_changed(d, error=not d.outcomes[0].error),
    "conditions": lambda d: outcome_changed(d, conditions=()),
    "saw": lambda d: outcome_changed(
        d, conditions=(d.outcomes[0].conditions[0].model_copy(update={"saw": {"now": "then"}}),)
    ),
    "pack left out": lambda d: changed(d, packs=d.packs[:1]),
    "pack renamed": lambda d: changed(d, packs=(d.packs[0].model_copy(update={"name": "x"}), *d.packs[1:])),
    "pack version": lambda d: changed(
        d, packs=(d.packs[0].model_copy(update={"version": "x"}), *d.packs[1:])
    ),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_tampered_decision_is_noticed(recorded, tampering):
    decision, facts = recorded
    forged = TAMPERINGS[tampering](decision)
    assert differences(forged, replay(forged, facts, TEXTS))


def test_another_stage_is_noticed():
    facts = facts_with({}, "plan")
    decision, _ = record(evaluate(PACKS, facts, "plan"), facts)
    forged = changed(decision, stage="intent")
    assert differences(forged, replay(forged, facts, TEXTS))
    assert "stage: recorded plan, recomputed intent" in differences(decision, replay(forged, facts, TEXTS))


def test_a_decision_without_packs_replays_as_a_denial():
    facts = facts_with({}, "intent")
    decision, _ = record(evaluate([], facts, "intent"), facts)
    assert differences(decision, replay(decision, facts, [])) == ()
    forged = changed(decision, verdict="allow")
    assert differences(forged, replay(forged, facts, []))


def test_the_wording_of_an_error_is_not_compared(pack_dict, second_engine):
    text = json.dumps(pack_dict({"when": ["source.width / 0 > 1"]})).encode()
    facts = facts_with({}, "intent")
    decision, _ = record(evaluate([parse_pack(text)], facts, "intent"), facts)
    again = replay(decision, facts, [text], second_engine)
    assert again.outcomes[0].conditions[0].error != decision.outcomes[0].conditions[0].error
    assert differences(decision, again) == ()


def test_a_recorded_text_that_is_no_pack_is_an_error():
    facts = facts_with({}, "intent")
    decision, _ = record(evaluate(PACKS, facts, "intent"), facts)
    bad = b"rules: [*a]"
    ref = decision.packs[0].model_copy(update={"sha256": hashlib.sha256(bad).hexdigest()})
    with pytest.raises(PolicyPackError) as caught:
        replay(changed(decision, packs=(ref,)), facts, [bad])
    assert caught.value.code == "pack-schema"


def test_a_pack_that_would_no_longer_pass_lint_still_replays(pack_dict):
    text = json.dumps(pack_dict({"tests": []})).encode()
    facts = facts_with({}, "intent")
    decision, _ = record(evaluate([parse_pack(text)], facts, "intent"), facts)
    assert differences(decision, replay(decision, facts, [text])) == ()
