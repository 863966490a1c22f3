"""A page for a court's file: it needs nothing else, says the verdict first, and hostile text stays text."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from bundled import bundled

from void_audit.audit import page as pages
from void_audit.audit.evidence import gathered
from void_audit.audit.page import page, visible
from void_audit.audit.verify import NOT_PROVEN, answer
from void_audit.model.report import Finding, Obligation, Report, State

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>&amp;\"'\u202egpj\x1b[2J{{ 7*7 }}{% x %}</td></table>"


class Tags(HTMLParser):
    """What a browser would see."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.text = [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.setdefault(tag, []).append(dict(attrs))

    def handle_data(self, data):
        self.text.append(data)


def report_on(finished, **fields):
    return answer(finished.evidence, finished.path).model_copy(update=fields)


def test_the_verdict_comes_first_and_every_finding_is_there(finished):
    report = report_on(finished)
    seen = Tags(page(report, finished.evidence, {}))
    text = " ".join(" ".join(seen.text).split())
    assert text.index("Verified") < text.index("What was checked") < text.index("What this does not prove")
    for finding in report.findings:
        assert finding.title in text
        assert " ".join(finding.detail.split()) in text
    for line in NOT_PROVEN:
        assert line in text
    assert finished.evidence.sha256 in text
    assert finished.pins.log_vkey.strip() in text
    for key in finished.evidence.registry.enrolled:
        assert key.key_id in text
    assert "Remove the box." in text


@pytest.mark.parametrize(
    ("state", "word", "verdict"),
    [(State.FAIL, "FAILS", "Failed"), (State.UNKNOWN, "cannot tell", "Cannot tell")],
)
def test_states_are_words_and_not_only_colours(finished, state, word, verdict):
    findings = tuple(
        f.model_copy(update={"state": state, "remedy": "the other half"}) if f.obligation == 4 else f
        for f in report_on(finished).findings
    )
    text = page(report_on(finished, findings=findings), finished.evidence, {})
    assert f"<strong>{verdict}</strong>" in text
    assert f">{word}<" in text
    assert "the other half" in text


def test_it_needs_nothing_else_and_runs_nothing(finished):
    text = page(report_on(finished), finished.evidence, {})
    seen = Tags(text)
    assert not {"script", "img", "link", "iframe", "object", "form", "a", "base"} & set(seen.tags)
    assert not re.search(r"https?://|url\(|@import", text)
    (policy,) = [m for m in seen.attributes["meta"] if m.get("http-equiv") == "Content-Security-Policy"]
    style = re.search(r"<style>(.*?)</style>", text, re.S)[1]
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{allowed}'" in policy["content"]
    assert "default-src 'none'" in policy["content"]
    assert "unsafe" not in policy["content"]
    assert not any(
        name.startswith("on") or name == "style" for a in seen.attributes.values() for d in a for name in d
    )


def test_hostile_text_stays_text_wherever_it_stands(finished):
    honest = Tags(page(report_on(finished), finished.evidence, {}))
    key = finished.evidence.registry.enrolled[0].key_id
    finding = Finding(
        obligation=Obligation.ORDER, title=HOSTILE, state=State.FAIL, detail=HOSTILE, remedy=HOSTILE
    )
    report = Report(file=HOSTILE, findings=(finding,) * 15, not_proven=(HOSTILE,) * 6, about=(HOSTILE,))
    evidence = replace(
        finished.evidence, sha256=HOSTILE, pins=replace(finished.pins, log_vkey=HOSTILE),
        manifest=replace(finished.manifest, ledger=finished.assertion.model_copy(update={"edit": HOSTILE})),
    )  # fmt: skip
    text = page(report, evidence, {key: HOSTILE}, heading=HOSTILE)
    seen = Tags(text)
    assert set(seen.tags) == set(honest.tags) | {"div", "br"}
    assert text.count("<script") == text.count("<img") == 0
    assert "\u202e" not in text
    assert "\x1b" not in text
    shown = HOSTILE.replace("\u202e", "[U+202E]").replace("\x1b", "[U+001B]")
    assert "".join(seen.text).count(shown) > 40


def test_what_the_records_say_is_hostile_too(finished, monkeypatch):
    honest = pages.narrate

    def narrate(*given):
        return [
            line.model_copy(update={"who": HOSTILE, "what": HOSTILE, "when": HOSTILE, "why": (HOSTILE,)})
            for line in honest(*given)
        ]

    monkeypatch.setattr(pages, "narrate", narrate)
    seen = Tags(page(report_on(finished), finished.evidence, {}))
    assert not {"script", "img"} & set(seen.tags)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\u202eb", "a[U+202E]b"), ("\u2066x\u2069", "[U+2066]x[U+2069]"), ("\x00\x7f", "[U+0000][U+007F]"),
     ("a\u200bb", "a[U+200B]b"), ("plain \u00e4\n\u4e16", "plain \u00e4\n\u4e16"), ("\ud800", "[U+D800]")],
)  # fmt: skip
def test_nothing_is_hidden(text, shown):
    assert visible(text) == shown


def test_a_page_is_always_utf_8(finished):
    report = report_on(finished, file="caf\udce9.mp4")
    page(report, finished.evidence, {}).encode("utf-8")


def test_thousands_of_records_are_counted(finished, monkeypatch):
    monkeypatch.setattr("void_audit.audit.page.MAX_LINES", 3)
    text = page(report_on(finished), finished.evidence, {})
    assert f"{len(finished.evidence.entries) - 3} more records" in text


def test_a_file_that_carries_nothing_has_a_page(nothing):
    text = page(answer(nothing, nothing.file), nothing, {})
    assert "Cannot tell" in text


def test_a_bundle_says_what_it_is(finished, tmp_path):
    path = bundled(finished.house, finished.edit, tmp_path / "x.zip").path
    with gathered(path, finished.pins, None, None) as evidence:
        text = page(answer(evidence, path), evidence, {})
    assert "An evidence bundle of edit" in text
    assert "SHA-256 of the video" not in text
