"""Every question is an entry, judged before it is put; what comes back is recorded, usable or not."""

from __future__ import annotations

import copy
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from house import FAST, STORY, UPTO_PLAN, CountingEngines
from simulator.studio import consequences

from void_audit.errors import DeniedError, ReasoningError, RequestError
from void_audit.model.engine import EngineInfo
from void_audit.model.facts import Facts
from void_audit.model.reasoning import Exchange, Reasoning
from void_audit.model.records import Kind, Role
from void_audit.model.seeing import GeminiSettings, Seeing
from void_audit.policy.pack import load_pack
from void_audit.workflow import seeing
from void_audit.workflow.enrolment import enrol, revoke, rotate
from void_audit.workflow.evidence import blobs_of
from void_audit.workflow.planning import ask_about, plan_request
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.request_folder import read_request

MODEL = EngineInfo(name="oracle", version="1", kind="model", description="Knows all.", remote=True)
EXCHANGE = Exchange(
    request=b'{"question": 1}', reply=b'{"answer": 2}', attempts=3, model_version="oracle-001",
    usage={"total": 12}, safety="STOP",
)  # fmt: skip


class Oracle:
    """A model that answers what it is told to, or fails as it is told to."""

    info = MODEL

    def __init__(self, error=None):
        self.error, self.settings = error, {"model": "oracle-001", "seed": 42}

    def reason(self, clip, track, request, progress=None):
        if self.error:
            raise self.error
        return Reasoning(consequences(), EXCHANGE, self.info, self.settings, ("a warning",))


class WithOracle(CountingEngines):
    def __init__(self, error=None):
        super().__init__()
        self.oracle = Oracle(error)

    def reasoner(self, settings):
        return (
            self._counted(copy.copy(self.oracle), "reason")
            if settings.engine == "gemini"
            else super().reasoner(settings)
        )


ORACLE = Seeing(reasoner=GeminiSettings())

YAML_LIMIT = """
name: test-limit
version: 2026-11-23
owner: tests
review_by: 2027-01-01
description: Only for tests.
rules:
  - id: T01
    title: No more than LIMIT questions
    stages: [reason]
    effect: deny
    because: Enough was asked.
    sources: [{title: Test, publisher: house, status: house}]
    when: [query.asked_last_day >= LIMIT]
    tests:
      - {fires: true, facts: {query: {asked_last_day: LIMIT}}}
      - {fires: false, facts: {query: {asked_last_day: 0}}}
"""


@pytest.fixture
def seer(own):
    """A house whose model may be asked by olivia, who is editor and reasoner."""
    key = own.place.people.add("olivia", None)
    admin = own.place.person("admin")
    roles = [Role.EDITOR, Role.REASONER]
    enrol(own.place.writing, own.place.blobs, admin, "olivia", key.public_der, roles, own.clock())
    own.engines = WithOracle()
    own.workshop = replace(own.workshop, engines=own.engines)
    return own


def plan(house, folder, seeing=ORACLE):
    request = read_request(folder)
    return plan_request(house.workshop, request, house.place.person(request.request.requester), FAST, seeing)


def ask(house, folder, seeing=ORACLE):
    request = read_request(folder)
    return ask_about(house.workshop, request, house.place.person(request.request.requester), seeing)


def test_an_answer_is_recorded_with_everything_that_was_said(seer):
    planned = plan(seer, seer.request(requester="olivia"))
    assert seer.steps(planned.edit) == UPTO_PLAN
    record, query, blobs = planned.state.reasoning, planned.state.query, seer.place.blobs
    assert blobs.read(record.exchange.request) == EXCHANGE.request
    assert blobs.read(record.exchange.reply) == EXCHANGE.reply
    assert record.exchange.request.salted
    assert record.exchange.reply.salted
    said = (
        record.exchange.attempts,
        record.exchange.model_version,
        dict(record.exchange.usage),
        blobs.read(record.exchange.safety),
    )
    assert said == (3, "oracle-001", {"total": 12}, b"STOP")
    assert record.exchange.safety.salted
    assert (query.engine, dict(query.settings)) == (MODEL, {"model": "oracle-001", "seed": 42})
    assert query.request == planned.state.intent.request.sha256
    assert record.warnings == ("a warning",)


def test_what_was_sent_to_a_model_does_not_travel_with_the_file(seer):
    record = plan(seer, seer.request(requester="olivia")).state.reasoning
    going = {ref.sha256 for ref in blobs_of(record)}
    assert record.exchange.reply.sha256 in going
    assert record.consequences.sha256 in going
    assert record.exchange.request.sha256 not in going


def test_of_a_refused_reply_only_the_reason_travels(seer):
    """Whoever answers could otherwise make a file that no verifier reads to its end."""
    seer.engines.oracle.error = ReasoningError("reply-malformed", "Not JSON.", "Ask again.", EXCHANGE)
    with pytest.raises(ReasoningError):
        plan(seer, seer.request(requester="olivia"))
    record = seer.last(seer.edits()[-1])
    assert list(blobs_of(record)) == [record.reason]


def test_asking_a_model_takes_the_role_reasoner(seer):
    folder = seer.request()  # lois is an editor
    with pytest.raises(DeniedError) as caught:
        plan(seer, folder)
    assert "base/Q01" in caught.value.message
    edit = seer.edits()[-1]
    assert seer.steps(edit) == STORY[:6]
    assert seer.engines.calls["reason"] == 0
    assert Recorder(seer.workshop, edit).state.decision("reason").verdict == "deny"


def test_nobody_asks_with_the_roles_of_another(seer):
    seer.engines.oracle.error = ReasoningError("reasoner-timeout", "Nothing came.", "Ask again.")
    request = read_request(seer.request(requester="olivia"))
    with pytest.raises(ReasoningError):
        plan_request(seer.workshop, request, seer.place.person("olivia"), FAST, ORACLE)
    with pytest.raises(DeniedError) as caught:
        plan_request(seer.workshop, request, seer.place.person("lois"), FAST, ORACLE)
    assert caught.value.code == "asker-is-not-requester"
    assert seer.steps(seer.edits()[-1])[-1] == "refused-reply"
    assert seer.engines.calls["reason"] == 1


def test_the_embedded_rules_may_be_asked_by_any_editor(seer):
    assert seer.steps(plan(seer, seer.request(), Seeing()).edit) == UPTO_PLAN


@pytest.mark.parametrize("word", ["police", "protesters", "soldiers"])
def test_a_sweeping_question_meets_the_rule_before_anything_looks_at_the_footage(seer, word):
    folder = seer.request(requester="olivia", instruction=f"Remove all {word} from this footage.")
    with pytest.raises(DeniedError) as caught:
        ask(seer, folder)
    assert "base/Q03" in caught.value.message
    assert seer.engines.calls == {}
    assert seer.steps(seer.edits()[-1]) == STORY[:3]


def test_a_question_is_an_entry_even_when_no_edit_follows(seer):
    asked = ask(seer, seer.request(requester="olivia"))
    assert seer.steps(asked.edit) == STORY[:7]
    again = ask(seer, seer.request(requester="olivia"))
    assert (again.edit, again.resumed) == (asked.edit, True)
    assert seer.engines.calls["reason"] == 1
    assert plan(seer, seer.request(requester="olivia")).edit == asked.edit
    assert seer.engines.calls == {"segment": 1, "reason": 1}


def test_looked_at_by_another_engine_it_is_another_edit(seer):
    folder = seer.request(requester="olivia")
    first = plan(seer, folder)
    assert plan(seer, folder, Seeing()).edit != first.edit
    other = Seeing(reasoner=GeminiSettings(seed=7))
    assert plan(seer, folder, other).edit not in {first.edit, *[]}


class TestNoUsableAnswer:
    @pytest.fixture(autouse=True)
    def _error(self):
        self.ERROR = ReasoningError(
            "reasoner-refused", "The model refuses: \x1b[31mno.", "Ask otherwise.", EXCHANGE
        )

    def test_it_is_on_record_with_what_came_and_why_it_was_not_used(self, seer):
        seer.engines.oracle.error = self.ERROR
        with pytest.raises(ReasoningError) as caught:
            plan(seer, seer.request(requester="olivia"))
        assert caught.value is self.ERROR
        edit = seer.edits()[-1]
        assert seer.steps(edit) == [*STORY[:6], "refused-reply"]
        record, blobs = seer.last(edit), seer.place.blobs
        assert record.code == "reasoner-refused"
        assert blobs.read(record.exchange.reply) == EXCHANGE.reply
        assert blobs.read(record.reason).decode() == "The model refuses: \x1b[31mno. Ask otherwise."
        assert f"void-audit replies {edit}" in caught.value.hint
        assert record.exchange.attempts == 3

    def test_asking_again_is_another_question(self, seer):
        seer.engines.oracle.error = self.ERROR
        folder = seer.request(requester="olivia")
        with pytest.raises(ReasoningError):
            plan(seer, folder)
        seer.engines.oracle.error = None
        planned = plan(seer, folder)
        between = ["refused-reply", "query", "policy-decision:reason"]
        assert seer.steps(planned.edit) == [*STORY[:6], *between, *UPTO_PLAN[6:]]

    def test_nothing_came_at_all(self, seer):
        seer.engines.oracle.error = ReasoningError("reasoner-unreachable", "Nobody answers.", "Wait.")
        with pytest.raises(ReasoningError):
            plan(seer, seer.request(requester="olivia"))
        record = seer.last(seer.edits()[-1])
        assert seer.place.blobs.read(record.exchange.reply) == b""

    def test_an_answer_outside_the_clip_is_refused_and_kept(self, seer):
        wild = Reasoning(consequences(frames=10_000), EXCHANGE, MODEL)
        seer.engines.oracle.reason = lambda *args, **kwargs: wild
        with pytest.raises(ReasoningError) as caught:
            plan(seer, seer.request(requester="olivia"))
        assert caught.value.code == "reply-out-of-bounds"
        record = seer.last(seer.edits()[-1])
        assert (record.kind, record.code) == (Kind.REFUSED_REPLY, "reply-out-of-bounds")
        assert seer.place.blobs.read(record.exchange.reply) == EXCHANGE.reply

    def test_a_kill_while_it_answers_costs_a_question(self, seer):
        def killed(name):
            if name == "reason":
                raise KeyboardInterrupt

        folder = seer.request(requester="olivia")
        seer.engines.before = killed
        with pytest.raises(KeyboardInterrupt):
            plan(seer, folder)
        seer.engines.before = lambda name: None
        steps = seer.steps(plan(seer, folder).edit)
        assert steps.count("query") == steps.count("policy-decision:reason") == 2


class TestLimits:
    def asked(self, house, edit):
        decision = Recorder(house.workshop, edit).state.decision("reason")
        return Facts.model_validate_json(house.place.blobs.read(decision.facts)).query.asked_last_day

    def test_a_persons_questions_of_the_last_24_hours_are_counted_over_all_edits(self, seer):
        for number in range(3):
            planned = ask(seer, seer.request(f"q{number}", requester="olivia"))
            assert self.asked(seer, planned.edit) == number
        other = ask(seer, seer.request("lois", requester="lois"), Seeing())
        assert self.asked(seer, other.edit) == 0
        rules = ask(seer, seer.request("rules", requester="olivia"), Seeing())
        assert self.asked(seer, rules.edit) == 3
        another = ask(seer, seer.request("another", requester="olivia"))
        assert self.asked(seer, another.edit) == 3  # rules that are asked do not count
        seer.at(seer.clock.now + timedelta(hours=25))
        later = ask(seer, seer.request("later", requester="olivia"))
        assert self.asked(seer, later.edit) == 0

    def test_the_hundred_and_first_question_is_denied(self, seer, monkeypatch):
        monkeypatch.setattr(seeing, "_asked_before", lambda recorder, asker: 100)
        with pytest.raises(DeniedError) as caught:
            ask(seer, seer.request("many", requester="olivia"))
        assert "base/Q02" in caught.value.message
        assert seer.engines.calls["reason"] == 0

    def test_those_who_ask_at_the_same_moment_do_not_pass_it_by(self, seer, monkeypatch):
        """Each question has its own place in the log, and so its own number: of 6 at once, 3 pass a limit of 3."""
        house = YAML_LIMIT.replace("LIMIT", "3").encode()
        seer.workshop = replace(seer.workshop, packs=(*seer.workshop.packs, load_pack(house)))
        folders = [seer.request(f"at-once-{n}", requester="olivia") for n in range(6)]
        barrier, real = threading.Barrier(6), seeing._asked_before

        def together(
            recorder, asker
        ):  # everybody has asked before anybody is counted: the worst that can come
            barrier.wait(timeout=30)
            return real(recorder, asker)

        monkeypatch.setattr(seeing, "_asked_before", together)
        with ThreadPoolExecutor(6) as pool:
            verdicts = list(pool.map(lambda folder: self.verdict(seer, folder), folders))
        assert Counter(verdicts) == {"asked": 3, "limited": 3}
        assert sorted(self.asked(seer, edit) for edit in seer.edits()[-6:]) == [0, 1, 2, 3, 4, 5]

    def verdict(self, house, folder):
        try:
            ask(house, folder)
        except DeniedError as error:
            return "limited" if "test-limit/T01" in error.message else error.message
        return "asked"

    def test_useless_and_denied_questions_count(self, seer):
        seer.engines.oracle.error = ReasoningError("reasoner-timeout", "Nothing came.", "Ask again.")
        folder = seer.request("useless", requester="olivia")
        for _ in range(2):
            with pytest.raises(ReasoningError):
                ask(seer, folder)
        seer.engines.oracle.error = None
        house = YAML_LIMIT.replace("LIMIT", "2").encode()
        honest, seer.workshop = (
            seer.workshop,
            replace(seer.workshop, packs=(*seer.workshop.packs, load_pack(house))),
        )
        denied = seer.request("denied", requester="olivia")
        for _ in range(2):
            with pytest.raises(DeniedError):
                ask(seer, denied)
        seer.workshop = honest
        assert self.asked(seer, ask(seer, seer.request("after", requester="olivia")).edit) == 4

    def test_a_clock_that_was_put_back_takes_nothing_off_the_count(self, seer):
        for number in range(2):
            ask(seer, seer.request(f"q{number}", requester="olivia"))
        seer.at(seer.clock.now - timedelta(days=3))
        assert self.asked(seer, ask(seer, seer.request("past", requester="olivia")).edit) == 2

    def test_the_count_follows_the_person_to_a_new_key(self, seer):
        ask(seer, seer.request("old key", requester="olivia"))
        old, new = seer.place.person("olivia"), seer.place.people.add("olivia-2", None)
        rotate(seer.place.writing, seer.place.blobs, old, new, "olivia", seer.clock())
        assert self.asked(seer, ask(seer, seer.request("new key", requester="olivia-2")).edit) == 1

    def test_whoever_was_revoked_asks_no_more(self, seer):
        folder = seer.request("gone", requester="olivia")
        seer.engines.oracle.error = ReasoningError("reasoner-timeout", "Nothing came.", "Ask again.")
        with pytest.raises(ReasoningError):
            ask(seer, folder)
        admin, olivia = seer.place.person("admin"), seer.place.person("olivia")
        revoke(seer.place.writing, seer.place.blobs, admin, "olivia", olivia.public_der, seer.clock())
        with pytest.raises(DeniedError):
            ask(seer, folder)
        assert seer.engines.calls["reason"] == 1


def test_a_supplied_mask_leaves_nothing_to_ask(seer, tmp_path):
    folder = seer.request(requester="olivia")
    (folder / "quadmask_0.mp4").write_bytes(b"x")
    with pytest.raises(RequestError) as caught:
        ask(seer, folder)
    assert caught.value.code == "reason-mask"
    with pytest.raises(RequestError) as caught:
        plan(seer, folder)
    assert caught.value.code == "option-unused"


def test_the_records_say_what_was_asked_in_words(seer):
    from void_audit.audit.narrative import narrate  # noqa: PLC0415

    planned = plan(seer, seer.request(requester="olivia"))
    lines = narrate(list(seer.place.writing.entries(edit=planned.edit)), seer.place.blobs.read, {})
    told = json.dumps([line.model_dump() for line in lines])
    assert "pictures leave the machine" in told
    assert "questions to models by the same person in the 24 hours before: 0" in told
    assert "asked 3 times; answered by oracle-001; total 12; STOP" in told
    assert "warning: a warning" in told
    seer.engines.oracle.error = ReasoningError("reply-malformed", "Not JSON.", "Ask again.", EXCHANGE)
    with pytest.raises(ReasoningError):
        plan(seer, seer.request("refused", requester="olivia"))
    lines = narrate(list(seer.place.writing.entries(edit=seer.edits()[-1])), seer.place.blobs.read, {})
    assert "asked 3 times; answered by oracle-001; total 12" in lines[-1].why  # it costs as much
