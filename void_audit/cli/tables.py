"""Tables that people read. Everything shown is data: nothing is taken as markup."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from void_audit.cli.console import out, say
from void_audit.model.decision import PolicyDecision, RuleOutcome
from void_audit.model.report import REQUIRED, Report, State

STYLES = {State.PASS: "green", State.FAIL: "bold red", State.UNKNOWN: "yellow", State.NOT_APPLICABLE: "dim"}


def print_decision(decision: PolicyDecision) -> None:
    """The verdict, and for each rule why, with the values it saw and its source."""
    table = Table("rule", "effect", "", "why", "saw", "source", title=f"Policy at stage {decision.stage}")
    for outcome in decision.outcomes:
        table.add_row(
            Text(f"{outcome.pack}/{outcome.rule}"),
            Text(_effect(outcome)),
            Text(*_mark(outcome)),
            Text(outcome.because if outcome.fired or outcome.error else outcome.title),
            Text(_saw(outcome)),
            Text(outcome.source),
        )
    out.print(table)
    if decision.verdict != "allow":
        say("DENIED", "bold red")
    elif decision.approvals_required:
        say(f"ALLOWED with {decision.approvals_required} approval(s)", "bold yellow")
    else:
        say("ALLOWED", "bold green")


def print_report(report: Report) -> None:
    """All obligations, then what is not proven."""
    table = Table("#", "obligation", "answer", "found", title=Text(f"Verification of {report.file}"))
    for finding in report.findings:
        detail = finding.detail if not finding.remedy else f"{finding.detail}\n-> {finding.remedy}"
        number = f"{int(finding.obligation)}{'*' if finding.obligation in REQUIRED else ''}"
        table.add_row(number, Text(finding.title), Text(finding.state, STYLES[finding.state]), Text(detail))
    out.print(table)
    failed = [str(int(f.obligation)) for f in report.findings if f.state is State.FAIL]
    if failed:
        say(f"FAILED: obligation {', '.join(failed)}", "bold red")
    elif report.exit_code:
        say("CANNOT TELL: an obligation marked * could not be answered", "bold yellow")
    else:
        say("VERIFIED", "bold green")
    say("This does not prove:")
    for line in report.not_proven:
        say(f"  - {line}")


def _effect(outcome: RuleOutcome) -> str:
    return f"require {outcome.approvals}" if outcome.effect == "require" else outcome.effect


def _mark(outcome: RuleOutcome) -> tuple[str, str]:
    if outcome.error:
        return "POLICY-ERROR", "bold red"
    if not outcome.fired:
        return "-", "dim"
    return "applies", {"deny": "bold red", "require": "yellow"}.get(outcome.effect, "cyan")


def _saw(outcome: RuleOutcome) -> str:
    seen = {name: value for condition in outcome.conditions for name, value in condition.saw.items()}
    errors = [c.error for c in outcome.conditions if c.error]
    return "\n".join([*(f"{name} = {value}" for name, value in seen.items()), *errors])
