import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from void_audit.errors import PolicyPackError
from void_audit.policy.engine import Answer
from void_audit.policy.evaluate import POLICY_EMPTY, evaluate, foreseen
from void_audit.policy.lint import STANDARD_FACTS, facts_with
from void_audit.policy.pack import builtin, parse_pack

NEWS = {"request": {"asset_class": "news"}}
BASE, NEWS_PACK = builtin("base"), builtin("news")


@pytest.fixture
def pack(pack_dict):
    return lambda *rules, **header: parse_pack(json.dumps(pack_dict(*rules, **header)).encode())


def fired(decision):
    return {o.rule for o in decision.outcomes if o.fired}


def test_what_a_later_stage_will_deny_is_known_where_its_rules_read_nothing_later(pack):
    rules = [
        {"id": "T01", "stages": ["plan"]},
        {"id": "T02", "stages": ["plan"], "when": ['request.asset_class == "news"', "mask.opened_percent_max > 1.0"]},
        {"id": "T03", "stages": ["plan"], "when": ['engine.synthesizer == "painter"'], "tests": [
            {"fires": True, "facts": {"engine": {"synthesizer": "painter"}}}, {"fires": False}]},
        {"id": "T04", "stages": ["plan"], "when": ['now > timestamp("2020-01-01T00:00:00Z")']},
        {"id": "T05", "stages": ["plan"], "effect": "warn"},
        {"id": "T06", "stages": ["output"]},
    ]  # fmt: skip
    facts, packs = facts_with(NEWS, "intent"), [pack(*rules)]

    def of(more):
        return [o.rule for o in foreseen(packs, facts, "plan", more)]

    assert of({}) == ["T01"]
    assert of({"engine.synthesizer": "painter"}) == ["T01", "T03"]
    assert of({"engine.synthesizer": "another"}) == ["T01"]
    assert foreseen([], facts, "plan", {}) == ()


def test_no_packs_deny_and_say_why():
    for stage in ("intent", "plan", "output"):
        decision = evaluate([], STANDARD_FACTS, stage)
        assert decision.verdict == "deny"
        assert [o.rule for o in decision.outcomes] == [POLICY_EMPTY]
        assert stage in decision.outcomes[0].because


def test_packs_without_a_rule_for_the_stage_deny(pack):
    decision = evaluate([pack({"stages": ["intent"]})], STANDARD_FACTS, "output")
    assert (decision.verdict, fired(decision)) == ("deny", {POLICY_EMPTY})


def test_an_unremarkable_edit_is_allowed_with_one_approval():
    packs = [BASE, NEWS_PACK]
    assert evaluate(packs, facts_with({}, "intent"), "intent").verdict == "allow"
    plan = evaluate(packs, facts_with({}, "plan"), "plan")
    assert (plan.verdict, plan.approvals_required, fired(plan)) == ("allow", 1, {"A01"})
    assert evaluate(packs, facts_with({}, "output"), "output").verdict == "allow"


@pytest.mark.parametrize(
    ("stage", "changes", "rule"),
    [
        ("intent", NEWS, "N01"),
        ("intent", {"request": {"asset_class": "evidence"}}, "E01"),
        ("intent", {"request": {"requester_roles": ["approver"]}}, "G01"),
        ("intent", {"request": {"rights_not_after": "2026-11-22T11:00:00Z"}}, "G02"),
        ("output", {"request": {"rights_not_before": "2026-11-23T00:00:00Z"}}, "G02"),
        ("intent", {"source": {"stored": False}}, "S01"),
        ("plan", {"engine": {"weights_approved": False}}, "G05"),
        ("output", {"output": {"keep_samples_changed": 1}}, "G06a"),
        ("output", {"output": {"containment_worst": 30.0}}, "G06b"),
        ("output", {"source": {"credentials": "valid"}, "output": {"source_credentials_kept": False}}, "G07"),
    ],
)
def test_what_the_packs_deny(stage, changes, rule):
    decision = evaluate([BASE, NEWS_PACK], facts_with(changes, stage), stage)
    assert decision.verdict == "deny"
    assert rule in fired(decision)


def test_warnings_do_not_deny():
    changes = {"reasoning": {"moving": 2}, "request": {"instruction_words": ["gun"]}}
    decision = evaluate([BASE, NEWS_PACK], facts_with(changes, "plan"), "plan")
    assert decision.verdict == "allow"
    assert {"W01", "N04a"} <= fired(decision)


def test_approvals_are_the_largest_number_asked_for(pack):
    rules = [
        {"effect": "require", "approvals": n, "when": [w]}
        for n, w in [(2, "true"), (3, "true"), (9, "false")]
    ]
    assert evaluate([pack(*rules)], STANDARD_FACTS, "intent").approvals_required == 3
    large = facts_with({"mask": {"opened_percent_max": 55.0}}, "plan")
    assert evaluate([BASE], large, "plan").approvals_required == 2


def test_an_error_denies_whatever_the_effect_and_the_other_lines(pack):
    for effect in ({"effect": "deny"}, {"effect": "warn"}, {"effect": "require", "approvals": 1}):
        broken = {"when": ["false", "request.distribution[9] == 'x'"], **effect}
        decision = evaluate([pack(broken)], STANDARD_FACTS, "intent")
        (outcome,) = decision.outcomes
        assert decision.verdict == "deny"
        assert (outcome.error, outcome.fired) == (True, False)
        assert [c.result for c in outcome.conditions] == ["false", "error"]
        assert outcome.conditions[1].error


@pytest.mark.parametrize("part", ["mask", "reasoning", "engine"])
def test_facts_that_should_be_there_and_are_not_deny(part):
    facts = facts_with({}, "plan").model_copy(update={part: None})
    decision = evaluate([BASE], facts, "plan")
    assert decision.verdict == "deny"
    broken = [o for o in decision.outcomes if o.error]
    assert broken
    assert all(part in c.error for o in broken for c in o.conditions if c.error)
    assert all("missing" in c.saw.values() for o in broken for c in o.conditions if c.error)


def test_an_engine_that_fails_denies(pack_dict):
    class Broken:
        name = "broken"

        def compile(self, expression):
            return type(
                "C",
                (),
                {"text": expression, "names": (), "evaluate": lambda *_: Answer("error", "out of order")},
            )()

    pack = parse_pack(json.dumps(pack_dict()).encode(), Broken())
    decision = evaluate([pack], STANDARD_FACTS, "intent")
    assert (decision.verdict, decision.engine) == ("deny", "broken")


@pytest.mark.parametrize(
    ("now", "fires"),
    [
        ("2026-08-01T23:59:59.999999Z", False),
        ("2026-08-02T00:00:00Z", True),
        ("2026-08-02T01:00:00+02:00", False),
        ("2026-08-04T23:59:59.999999Z", True),
        ("2026-08-05T00:00:00Z", False),
    ],
)
def test_days_of_validity_are_conditions(pack, now, fires):
    rule = {"valid_from": "2026-08-02", "valid_to": "2026-08-04"}
    decision = evaluate([pack(rule)], facts_with({**NEWS, "now": now}, "intent"), "intent")
    (outcome,) = decision.outcomes
    assert outcome.fired is fires
    assert len(outcome.conditions) == 3
    assert "2026-08-02" in outcome.conditions[0].expression


def test_the_order_is_that_of_packs_and_rules():
    order = [(o.pack, o.rule) for o in evaluate([NEWS_PACK, BASE], STANDARD_FACTS, "plan").outcomes]
    assert order[0] == ("news", "N01")
    assert order[-1] == ("base", "W01")
    decision = evaluate([NEWS_PACK, BASE], STANDARD_FACTS, "plan")
    assert [p.name for p in decision.packs] == ["news", "base"]
    assert [p.sha256 for p in decision.packs] == [NEWS_PACK.sha256, BASE.sha256]
    assert decision.model_dump_json() == evaluate([NEWS_PACK, BASE], STANDARD_FACTS, "plan").model_dump_json()


def test_two_packs_of_one_name_are_refused():
    with pytest.raises(PolicyPackError) as caught:
        evaluate([BASE, NEWS_PACK, BASE], STANDARD_FACTS, "intent")
    assert caught.value.code == "pack-duplicate"


def test_very_long_and_odd_facts_are_judged_and_recorded():
    odd = ["\U0001f600" * 50, "\u202egnp", "x" * 4000, "' || true"]
    changes = {"request": {"purpose": "x" * 500_000, "instruction_words": sorted([*odd, "bomb"] * 300)}}
    decision = evaluate([BASE, NEWS_PACK], facts_with(changes, "plan"), "plan")
    assert "N04a" in fired(decision)
    assert len(decision.model_dump_json()) < 60_000


def test_every_rule_says_what_it_saw():
    for outcome in evaluate([BASE, NEWS_PACK], STANDARD_FACTS, "plan").outcomes:
        assert outcome.source
        assert outcome.because
        assert all(c.saw for c in outcome.conditions)


CONDITIONS = st.sampled_from(
    [
        "true",
        "false",
        'request.asset_class == "news"',
        "source.stored",
        "source.width > 1000",
        "request.distribution[5] == 'x'",
        "now < timestamp('2026-01-01T00:00:00Z')",
    ]
)
EFFECTS = st.one_of(
    st.just({"effect": "deny"}),
    st.just({"effect": "warn"}),
    st.integers(1, 10).map(lambda n: {"effect": "require", "approvals": n}),
)
RULES = st.builds(
    lambda effect, when, stages: {**effect, "when": when, "stages": sorted(stages)},
    EFFECTS,
    st.lists(CONDITIONS, min_size=1, max_size=3),
    st.sets(st.sampled_from(["intent", "plan"]), min_size=1),
)
PACKS = st.lists(st.lists(RULES, min_size=1, max_size=3), min_size=1, max_size=4)


@given(PACKS, st.sampled_from([{}, NEWS, {"source": {"stored": False}}]))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_another_pack_never_makes_it_easier(pack, groups, changes):
    facts = facts_with(changes, "intent")
    packs = [pack(*rules, name=f"p{n}") for n, rules in enumerate(groups)]
    fewer, more = packs[:-1], packs
    before, after = evaluate(fewer, facts, "intent"), evaluate(more, facts, "intent")
    assert after.approvals_required >= before.approvals_required
    assert fired(before) - {POLICY_EMPTY} <= fired(after)
    if POLICY_EMPTY not in fired(before):
        assert not (before.verdict == "deny" and after.verdict == "allow")
    assert evaluate(list(reversed(more)), facts, "intent").verdict == after.verdict


@given(PACKS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_verdict_is_what_the_outcomes_say(pack, groups):
    packs = [pack(*rules, name=f"p{n}") for n, rules in enumerate(groups)]
    decision = evaluate(packs, facts_with({}, "plan"), "plan")
    bad = [o for o in decision.outcomes if o.error or (o.fired and o.effect == "deny")]
    assert (decision.verdict == "deny") is bool(bad)
    assert all(
        o.fired is all(c.result == "true" for c in o.conditions) for o in decision.outcomes if o.conditions
    )


def test_now_is_the_only_clock():
    early = STANDARD_FACTS.model_copy(update={"now": datetime(1999, 1, 1, tzinfo=UTC)})
    changes = {"rights_not_before": datetime(2000, 1, 1, tzinfo=UTC)}
    early = early.model_copy(update={"request": early.request.model_copy(update=changes)})
    assert evaluate([BASE], early, "intent").verdict == "deny"
    later = early.model_copy(update={"now": datetime(2001, 1, 1, tzinfo=UTC)})
    assert evaluate([BASE], later, "intent").verdict == "allow"
