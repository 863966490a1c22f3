"""A report as one page that needs nothing else: no network, no script, and no text that could become markup."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from void_audit import __version__
from void_audit.audit.erased import tell_erased
from void_audit.audit.evidence import Evidence
from void_audit.audit.narrative import Line, narrate
from void_audit.canon.hashing import sha256_hex
from void_audit.model.report import REQUIRED, Finding, Report, State

STYLES = {State.PASS: "pass", State.FAIL: "fail", State.UNKNOWN: "unknown", State.NOT_APPLICABLE: "none"}
WORDS = {
    State.PASS: "holds",
    State.FAIL: "FAILS",
    State.UNKNOWN: "cannot tell",
    State.NOT_APPLICABLE: "not applicable",
}
VERDICTS = {
    0: ("pass", "Verified", "Every obligation marked * holds."),
    1: ("fail", "Failed", "At least one obligation does not hold: trust nothing here that rests on it."),
    3: (
        "unknown",
        "Cannot tell",
        "Nothing contradicts the records, but an obligation marked * could not be answered.",
    ),
}
MAX_LINES = 2_000
"""Records told on a page."""


@dataclass(frozen=True)
class Key:
    """A key as the page shows it."""

    key_id: str
    name: str
    roles: str
    life: str


def page(report: Report, evidence: Evidence, names: Mapping[str, str], heading: str = "") -> str:
    """The report as HTML (UTF-8).

    Args:
        report: the findings on ``evidence``.
        evidence: for the story of the edit, and for the keys.
        names: people's names by key id, where they are known.
        heading: one more sentence on what this report is.
    """
    lines = narrate(evidence.entries[:MAX_LINES], evidence.blob, names, tell_erased(evidence))
    style, verdict, meaning = VERDICTS[report.exit_code]
    return _template().render(
        report=report, heading=heading, style=style, verdict=verdict, meaning=meaning,
        findings=[_shown(f) for f in report.findings], lines=lines, more=len(evidence.entries) - len(lines),
        edit=evidence.assertion.edit if evidence.assertion else "", keys=_keys(evidence, names),
        pins=_pins(evidence), file_sha256=evidence.sha256 if evidence.has_video else "", version=__version__,
        css=_css(), css_hash=base64.b64encode(hashlib.sha256(_css().encode()).digest()).decode(),
    )  # fmt: skip


def visible(value: object) -> str:
    """A text in which nothing is hidden: control and formatting characters are shown as their numbers.

    Among them are those that turn the direction of writing, and so the sense of what stands there.
    """
    return "".join(c if c.isprintable() or c == "\n" else f"[U+{ord(c):04X}]" for c in str(value))


def _shown(finding: Finding) -> dict[str, Any]:
    return {
        "number": int(finding.obligation),
        "star": "*" if finding.obligation in REQUIRED else "",
        "style": STYLES[finding.state],
        "word": WORDS[finding.state],
        "finding": finding,
        "remedy": "would tell" if finding.state is State.UNKNOWN else "what to do",
    }


def _keys(evidence: Evidence, names: Mapping[str, str]) -> Sequence[Key]:
    suspicions = evidence.registry.suspicions()
    found = []
    for key in evidence.registry.enrolled:
        life = f"enrolled at entry {key.enrolled}"
        if key.revoked is not None:
            life += f", revoked at entry {key.revoked}"
        if key.rotated is not None:
            life += f", replaced at entry {key.rotated} by {(key.successor or '')[:16]}"
        if key.key_id in suspicions:
            life += f"; suspect from entry {suspicions[key.key_id].since} on"
        found.append(Key(key.key_id, names.get(key.key_id, ""), ", ".join(sorted(key.roles)), life))
    return found


def _pins(evidence: Evidence) -> list[tuple[str, str]]:
    """What the verifier trusted; a reader compares it with what the house publishes."""
    pins = evidence.pins
    texts = (
        ("root certificate", pins.trust_pem),
        ("witness policy", pins.witness_policy),
        ("roots of time-stamping authorities", pins.tsa_pem),
    )
    log = [
        ("log key", pins.log_vkey.strip() if pins.log_vkey else "none: what rests on the log cannot be told")
    ]
    return [
        *log,
        *((what, f"SHA-256 {sha256_hex(text.encode())}" if text else "none") for what, text in texts),
    ]


@cache
def _css() -> str:
    return _read("page.css")


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_finalize
    )
    return environment.from_string(_read("page.html"))


def _finalize(value: object) -> object:
    """Whatever a template prints, ours or a stranger's, passes here."""
    return value if hasattr(value, "__html__") else visible(value)


def _read(name: str) -> str:
    return files("void_audit.audit").joinpath(name).read_text(encoding="utf-8")


__all__ = ["Line", "page", "visible"]
