"""Tables: nothing is cut off, nothing is markup, and the last line is the answer."""

from __future__ import annotations

import pytest
from rich.console import Console

from void_audit.audit.narrative import Line
from void_audit.cli import console, tables
from void_audit.model.decision import ConditionOutcome, PolicyDecision, RuleOutcome
from void_audit.model.report import REQUIRED, Finding, Obligation, Report, State

LONG = "https://example.org/" + "x" * 300
HOSTILE = "\x1b[31m[red]boo[/red]\u202e"


@pytest.fixture
def shown(monkeypatch, capsys):
    """Output of 80 columns without the padding."""
    wide = Console(width=80, highlight=False, soft_wrap=True)
    monkeypatch.setattr(console, "out", wide)
    monkeypatch.setattr(tables, "out", wide)

    def read():
        text = capsys.readouterr().out
        assert not set("\x1b\u202e") & set(text)
        return text

    return read


def report(changes=()):
    states = {**dict.fromkeys(Obligation, State.PASS), **dict(changes)}
    findings = tuple(
        Finding(obligation=o, title=f"{HOSTILE} {o.name}", state=s, detail=LONG, remedy=HOSTILE)
        for o, s in states.items()
    )
    return Report(file=HOSTILE, findings=findings, not_proven=("that it is true",))


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        ({}, "VERIFIED"),
        ({Obligation.TIME: State.UNKNOWN}, "VERIFIED"),
        ({Obligation.MASK: State.UNKNOWN}, "CANNOT TELL"),
        ({Obligation.TIME: State.FAIL, Obligation.MASK: State.UNKNOWN}, "FAILED: obligation 6"),
        ({Obligation.BINDING: State.FAIL, Obligation.MASK: State.FAIL}, "FAILED: obligation 0, 10"),
    ],
)
def test_a_report(shown, changes, last):
    tables.print_report(report(changes.items()))
    text = shown()
    answers = [line for line in text.splitlines() if line.startswith(("VERIFIED", "CANNOT", "FAILED"))]
    assert len(answers) == 1
    assert answers[0].startswith(last)
    assert "[red]boo[/red]" in text
    assert text.replace("\n", "").replace(" ", "").count("x" * 300) == len(Obligation)
    assert "that it is true" in text


def test_required_obligations_are_marked(shown):
    tables.print_report(report())
    text = shown()
    marked = {int(line.split("*")[0]) for line in text.splitlines() if line[:3].strip().endswith("*")}
    assert marked == set(REQUIRED)


def outcome(fired=True, error=False, effect="deny"):
    condition = ConditionOutcome(
        expression="e",
        result="error" if error else "true",
        saw={"a.fact": HOSTILE},
        error="boom" if error else "",
    )
    return RuleOutcome(
        rule="R1", pack="house", title="A title", effect=effect, fired=fired, error=error, approvals=2,
        because=f"because {HOSTILE}", source=LONG, conditions=(condition,),
    )  # fmt: skip


def decision(*outcomes, verdict="allow", approvals=0):
    return PolicyDecision(
        stage="plan", verdict=verdict, approvals_required=approvals, packs=(), outcomes=outcomes, engine="e"
    )


@pytest.mark.parametrize(
    ("verdict", "approvals", "last"),
    [("deny", 0, "DENIED"), ("allow", 0, "ALLOWED"), ("allow", 2, "ALLOWED with 2 approval(s)")],
)
def test_a_decision(shown, verdict, approvals, last):
    outcomes = (outcome(), outcome(effect="require"), outcome(fired=False, error=True))
    tables.print_decision(decision(*outcomes, verdict=verdict, approvals=approvals))
    text = shown()
    assert text.rstrip().splitlines()[-1] == last
    assert "because" in text
    assert "POLICY-ERROR" in text
    assert "require 2" in text
    assert "boom" in text
    assert text.replace("\n", "").replace(" ", "").count("x" * 300) == 3


def test_what_decided_comes_first_and_what_does_not_apply_is_named(shown):
    fired = [
        outcome(effect=effect).model_copy(update={"rule": effect}) for effect in ("warn", "require", "deny")
    ]
    idle = outcome(fired=False).model_copy(update={"rule": "IDLE", "because": "Not to be seen."})
    broken = outcome(fired=False, error=True).model_copy(update={"rule": "broken"})
    judged = decision(idle, *fired, broken, verdict="deny")
    tables.print_decision(judged, more="--all")
    text = shown()
    places = [text.index(f"house/{rule}") for rule in ("broken", "deny", "require", "warn", "IDLE")]
    assert places == sorted(places)
    assert "1 rule does not apply: house/IDLE (--all shows what they saw)." in text
    assert "A title" not in text
    tables.print_decision(judged, everything=True)
    text = shown()
    assert "would deny" in text
    assert "A title" in text
    assert "not apply" not in text
    assert "Not to be seen" not in text


def test_a_history(shown):
    lines = [Line(index=3, when="2026-01-01T00:00:00+00:00", who=HOSTILE, what="intent", why=(LONG, HOSTILE))]
    tables.print_history(lines, HOSTILE)
    text = shown()
    assert "intent, by" in text
    assert "x" * 300 in text.replace("\n", "").replace(" ", "")
