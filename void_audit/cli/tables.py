"""Tables that people read. Everything shown is data: nothing is taken as markup."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from void_audit.audit.narrative import Line
from void_audit.cli.console import cell, out, say
from void_audit.model.decision import PolicyDecision, RuleOutcome
from void_audit.model.report import REQUIRED, Report, State

STYLES = {State.PASS: "green", State.FAIL: "bold red", State.UNKNOWN: "yellow", State.NOT_APPLICABLE: "dim"}


def print_decision(decision: PolicyDecision, everything: bool = False, more: str = "--json") -> None:
    """What decided, first what denies, each with why, the values it saw and its source; then the verdict.

    Rules that do not apply are only named, unless ``everything`` is asked for; ``more`` is the option that shows them.
    """
    idle = [o for o in decision.outcomes if not _applies(o)]
    shown = sorted((o for o in decision.outcomes if _applies(o)), key=_weight) + (idle if everything else [])
    grid = grid_of(f"Policy at stage {decision.stage}", 3)
    for outcome in shown:
        applies = _applies(outcome)
        lines = [cell(outcome.because if applies else outcome.title, "bold" if applies else "")]
        lines += [cell(line, "dim") for line in (*_saw(outcome), f"source: {outcome.source}")]
        grid.add_row(cell(f"{outcome.pack}/{outcome.rule}"), cell(*_effect(outcome)), stacked(lines))
    if shown:
        out.print(grid)
    if idle and not everything:
        names = ", ".join(f"{o.pack}/{o.rule}" for o in idle)
        count = f"{len(idle)} rule{'s do' if len(idle) > 1 else ' does'} not apply"
        out.print(cell(f"{count}: {names} ({more} shows what they saw).", "dim"), soft_wrap=False)
    if decision.verdict != "allow":
        say("DENIED", "bold red")
    elif decision.approvals_required:
        say(f"ALLOWED with {decision.approvals_required} approval(s)", "bold yellow")
    else:
        say("ALLOWED", "bold green")


def print_report(report: Report) -> None:
    """All obligations, then what is not proven."""
    grid = grid_of(f"Verification of {report.file}", 3)
    for finding in report.findings:
        number = f"{int(finding.obligation)}{'*' if finding.obligation in REQUIRED else ''}"
        lines = [cell(finding.title, "bold"), cell(finding.detail)]
        if finding.remedy:
            lines.append(
                cell(
                    f"would tell: {finding.remedy}" if finding.state is State.UNKNOWN else finding.remedy,
                    "cyan",
                )
            )
        grid.add_row(number, cell(finding.state, STYLES[finding.state]), stacked(lines))
    out.print(grid)
    for line in report.about:
        say(line)
    failed = [str(int(f.obligation)) for f in report.findings if f.state is State.FAIL]
    if failed:
        say(f"FAILED: obligation {', '.join(failed)}", "bold red")
    elif report.exit_code:
        say("CANNOT TELL: an obligation marked * could not be answered", "bold yellow")
    else:
        say("VERIFIED (every obligation marked * passes)", "bold green")
    say("This does not prove:")
    for line in report.not_proven:
        say(f"  - {line}")


def print_history(lines: Sequence[Line], subject: str) -> None:
    """The records in order."""
    grid = grid_of(f"History of {subject} (times are the signers' own clocks)", 3)
    for line in lines:
        told = [cell(f"{line.what}, by {line.who}", "bold"), *(cell(text) for text in line.why)]
        grid.add_row(str(line.index), cell(line.when, "dim"), stacked(told))
    out.print(grid)


def grid_of(title: str, columns: int) -> Table:
    """Columns without lines: narrow terminals leave the text its room, and cut nothing off."""
    grid = Table(
        box=None, show_header=False, title=cell(title, "bold"), title_justify="left", padding=(0, 2, 0, 0)
    )
    for _ in range(columns):
        grid.add_column(overflow="fold")
    return grid


def stacked(lines: Sequence[Text]) -> Text:
    """Lines in one cell."""
    return Text("\n").join(lines)


def _applies(outcome: RuleOutcome) -> bool:
    return outcome.fired or outcome.error


def _weight(outcome: RuleOutcome) -> tuple[int, int]:
    """What denies first, then what asks for most."""
    order = {"deny": 1, "require": 2, "warn": 3}
    return (0 if outcome.error else order[outcome.effect], -outcome.approvals)


def _effect(outcome: RuleOutcome) -> tuple[str, str]:
    if outcome.error:
        return "POLICY-ERROR", "bold red"
    effect = f"require {outcome.approvals}" if outcome.effect == "require" else str(outcome.effect)
    if not outcome.fired:
        return f"would {effect}", "dim"
    return effect, {"deny": "bold red", "require": "yellow"}.get(outcome.effect, "cyan")


def _saw(outcome: RuleOutcome) -> list[str]:
    seen = {name: value for condition in outcome.conditions for name, value in condition.saw.items()}
    errors = [c.error for c in outcome.conditions if c.error]
    return [*(f"saw {name} = {value}" for name, value in seen.items()), *errors]
